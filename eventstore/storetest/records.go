package storetest

import (
	"crypto/rand"
	"iter"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

var testLogID = chain.Tagged("log-id", []byte("storetest"))

// random returns n bytes that no other test has.
func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

func newTenant() domain.TenantID { return domain.TenantID{ID: domain.ID(random(16))} }

// spec is what a test wants a record to be; the zero spec is one that observes
// and has a detached part of its own.
type spec struct {
	aggregate domain.AggregateID // zero: one that no other record is about
	version   uint64
	eventID   domain.ID // zero: one that no other record has
	payload   []byte
	detached  []byte // nil: none
	signature []byte // nil: noise
}

// link returns records that follow head on tenant's chain, and the head after
// them. They are well formed, but what signs them is noise: a store does not look.
func link(tenant domain.TenantID, head chain.Head, specs ...spec) ([]chain.Record, chain.Head) {
	var records []chain.Record
	for _, s := range specs {
		if s.eventID.IsZero() {
			s.eventID = domain.ID(random(16))
		}
		if s.aggregate.Kind == 0 {
			s.aggregate = domain.AggregateID{Kind: domain.KindCredential, ID: domain.ID(random(16))}
		}
		h := chain.Header{
			LogID: testLogID, Tenant: tenant.ID, Seq: head.Next, Prev: head.Hash, EventID: s.eventID, TimeUS: head.TimeUS + 1,
			AggregateKind: uint8(s.aggregate.Kind), AggregateID: s.aggregate.ID, AggregateVersion: s.version,
			SchemaVersion: 1, ContentType: chain.ContentJSON, KeyEpoch: 1, EventType: "CREDENTIAL_SEALED",
			PayloadLen: uint32(len(s.payload)), PayloadHash: chain.PayloadHash(s.payload),
		}
		if s.detached != nil {
			h.Flags |= chain.FlagDetached
			h.DetachedLen, h.DetachedHash = uint32(len(s.detached)), chain.DetachedHash(s.detached)
		}
		if h.Seq == 0 {
			h.Flags |= chain.FlagGenesis
			h.Prev = chain.GenesisPrev(testLogID, tenant.ID)
		}
		if s.signature == nil {
			s.signature = random(chain.SignatureSize)
		}
		r := chain.Record{Header: h.Append(nil), Payload: append([]byte{}, s.payload...), Detached: s.detached, Signature: s.signature}
		head = chain.Head{Next: h.Seq + 1, Hash: r.Hash(), TimeUS: h.TimeUS}
		records = append(records, r)
	}
	return records, head
}

// Records returns n records that change nothing and follow head on tenant's chain,
// and the head after them. They are well formed, but what signs them is noise.
func Records(tenant domain.TenantID, head chain.Head, n int) ([]chain.Record, chain.Head) {
	return link(tenant, head, make([]spec, n)...)
}

// collect reads an iterator to its end. Nothing may follow an error.
func collect[T any](seq iter.Seq2[T, error]) (all []T, err error) {
	for v, e := range seq {
		if err != nil {
			panic("storetest: something follows an error")
		}
		if err = e; err == nil {
			all = append(all, v)
		}
	}
	return all, err
}

// placed pairs records with the positions that an append gave them.
func placed(first eventstore.Position, records []chain.Record) []eventstore.Positioned {
	all := make([]eventstore.Positioned, len(records))
	for i, r := range records {
		all[i] = eventstore.Positioned{Position: first + eventstore.Position(i), Record: r}
	}
	return all
}
