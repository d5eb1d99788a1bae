// Package eventstore is the vault's only source of truth: an append-only log of
// domain events that is itself the audit chain.
//
// It has two layers. A [Store] keeps records of bytes in one engine, and is
// small and dumb: it knows no events and no keys. A [Log] stands on a Store: it
// encodes facts, checks the versions they were decided on, links and signs them,
// and answers with a [Receipt] once they are durable.
//
// Its one law: a receipt means that the facts are on disk, linked and signed. An
// append that returns an error of this package has left nothing behind, except
// [ErrUncertain], which says that nobody knows.
package eventstore

import (
	"context"
	"errors"
	"iter"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// Errors of a Store.
var (
	// ErrConflict reports that a chain's head is not the predecessor of the records
	// offered, or that one of them repeats an event id or an aggregate version.
	// Nothing was written.
	ErrConflict = errors.New("eventstore: the chain has moved on")
	// ErrNotFound reports that no such record is stored.
	ErrNotFound = errors.New("eventstore: no such record")
	// ErrTampered reports what was stored and is no longer what was signed: columns
	// that contradict the bytes beside them, bytes that do not verify, a record that
	// is out of its place or gone.
	ErrTampered = errors.New("eventstore: stored data contradicts itself")
)

// Errors of a Log, beside refusals and faults of its Store.
var (
	// ErrBarred reports that a command went on for an actor who was barred. It is a
	// fault of the command's. Of such an actor nothing goes on the record but that it
	// was refused.
	ErrBarred = errors.New("eventstore: an act of an actor who is barred")
	// ErrStale reports that an aggregate is not at the version a fact was decided
	// on. Fold it again and decide again.
	ErrStale = errors.New("eventstore: the aggregate has moved on")
	// ErrTooLate reports that the moment a fact may not be stamped after has
	// passed. Decide again.
	ErrTooLate = errors.New("eventstore: too late for this fact")
	// ErrRepeated reports that the event id is on the chain already. Find returns the earlier fact.
	ErrRepeated = errors.New("eventstore: this event was appended before")
	// ErrUncertain reports that the store could not be reached to learn whether an
	// append happened. Appending the same event ids again finds out.
	ErrUncertain = errors.New("eventstore: the outcome of the append is not known")
)

// Position orders all records of a deployment across chains. Positions start at
// 1 and are dense: each is its predecessor's plus one.
type Position int64

// Positioned is a record with its place in the deployment's order.
type Positioned struct {
	Position Position
	Record   chain.Record
}

// Store keeps chains of records. Each engine has one; storetest holds them to
// this contract. Every read compares what the engine repeats in columns with the
// record's header (check V14) and ends with ErrTampered where they differ. An
// iterator's pair with an error is always its last.
type Store interface {
	// Append makes records the next links of tenant's chain: all of them, durably,
	// or none. It returns the position of the first; the others follow it one by
	// one. It returns ErrConflict if the chain's head is not the predecessor of
	// records[0], or if an event id or a non-zero aggregate version is on the chain
	// already. After any other error the caller must find out: the records may be
	// there or not, but never some of them.
	Append(ctx context.Context, tenant domain.TenantID, records []chain.Record) (Position, error)
	// Head returns the state of tenant's chain after its last record; the zero Head
	// if it has none.
	Head(ctx context.Context, tenant domain.TenantID) (chain.Head, error)
	// Chain returns tenant's records from sequence number from on, in order, up to
	// the head it finds when it begins.
	Chain(ctx context.Context, tenant domain.TenantID, from uint64) iter.Seq2[chain.Record, error]
	// Aggregate returns the records that changed an aggregate, in the order of
	// their versions, which start at 1. Observing records (version 0) are left out.
	Aggregate(ctx context.Context, tenant domain.TenantID, id domain.AggregateID) iter.Seq2[chain.Record, error]
	// Latest returns the record that gave an aggregate its highest version, or
	// ErrNotFound. It costs the same whatever that version is.
	Latest(ctx context.Context, tenant domain.TenantID, id domain.AggregateID) (chain.Record, error)
	// Find returns the record with an event id, or ErrNotFound.
	Find(ctx context.Context, tenant domain.TenantID, eventID domain.ID) (Positioned, error)
	// All returns the records of every chain after a position, in order, up to the
	// last one it finds when it begins. A record never becomes visible before
	// another one with a lower position.
	All(ctx context.Context, after Position) iter.Seq2[Positioned, error]
	// Last returns the highest position there is; 0 if there are no records.
	Last(ctx context.Context) (Position, error)
	// Wait blocks until another process may have appended a record after a
	// position, or until ctx ends, which is its only error. What this process
	// appends it learns from Append.
	Wait(ctx context.Context, after Position) error
	// Lock keeps other processes that ask for it from appending to tenant's chain
	// until unlock is called. It is advice for busy chains, no condition of Append:
	// a store that serves one process does nothing.
	Lock(ctx context.Context, tenant domain.TenantID) (unlock func(), err error)
}

// Receipt proves an append to its caller: whoever holds it can show later that
// the record was there.
type Receipt struct {
	Tenant    domain.TenantID
	Seq       uint64
	EventHash chain.Hash
	EventID   domain.ID
	TimeUS    uint64   // the stamp, Unix microseconds
	Position  Position // what a projection must have passed to show it
}

// Recorded is a fact in its place.
type Recorded struct {
	Position Position // zero where it was not read in the order of positions
	Header   chain.Header
	Hash     chain.Hash
	Event    domain.Event
	Origin   domain.Origin // zero if there was none, or if the person was erased
	BodyMAC  []byte        // MAC of the request that an Idempotency-Key stands for, or nil
	Record   chain.Record
}

// Receipt returns the receipt that the append of r gave.
func (r Recorded) Receipt() Receipt {
	return Receipt{
		Tenant: domain.TenantID{ID: r.Header.Tenant}, Seq: r.Header.Seq, EventHash: r.Hash,
		EventID: r.Header.EventID, TimeUS: r.Header.TimeUS, Position: r.Position,
	}
}

// Aggregate returns the aggregate that r is about.
func (r Recorded) Aggregate() domain.AggregateID {
	return domain.AggregateID{Kind: domain.AggregateKind(r.Header.AggregateKind), ID: r.Header.AggregateID}
}
