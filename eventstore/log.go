package eventstore

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// Log appends facts to chains and reads them back. All exported fields but
// Erased, Span and Chains are required, and must not change once it is in use. Make one with Open.
type Log struct {
	Store  Store
	Keys   Keys
	LogID  chain.Hash       // of the deployment
	Root   *chain.PublicKey // certifies the audit keys of every chain
	Now    func() time.Time
	NewID  func() domain.ID // a new UUID each time, UUIDv7 for indexes' sake: none is a secret
	Logger *slog.Logger
	// Erased is told of persons whom another node forgot; nil = nobody asks.
	Erased func(subject domain.UserID)
	// Span begins a span of what the caller of Append waits for, and returns what ends
	// it; nil = nobody traces.
	Span func(ctx context.Context, name string) (context.Context, func())
	// Chains is how many chains are kept at hand beside those at work; 0 = 4096. Of
	// others that this node wrote only the end is kept.
	Chains int

	chains  chains
	figures figures
	halted  atomic.Bool

	tail     tail
	keys     *lru.Cache[signerID, *chain.PublicKey]
	versions *lru.Cache[stateID, versioned]
	eras     atomic.Uint64 // the last that a chain was given
	states   states

	remembering sync.Mutex // guards what follows, and states while something is remembered
	generation  uint64
	overtaken   *simplelru.LRU[stateID, uint64] // versions that aggregates got lately
}

type signerID struct {
	tenant domain.TenantID
	key    chain.Hash
}

type stateID struct {
	tenant    domain.TenantID
	aggregate domain.AggregateID
}

// Sizes of the Log's caches, of all chains together. A key takes 40 kB and a
// version 200 bytes.
const (
	cachedKeys     = 4096
	cachedVersions = 1 << 18
	overtakings    = 4096 // more than are made while somebody folds
)

// Open makes l ready for use. It reads nothing.
func (l *Log) Open() (*Log, error) {
	var err error
	if l.keys, err = lru.New[signerID, *chain.PublicKey](cachedKeys); err != nil {
		return nil, err
	}
	if l.versions, err = lru.New[stateID, versioned](cachedVersions); err != nil {
		return nil, err
	}
	if err = l.states.open(); err != nil {
		return nil, err
	}
	l.overtaken, _ = simplelru.NewLRU[stateID, uint64](overtakings, nil) // fails only for size 0
	l.chains.open(l)
	l.tail.init()
	return l, nil
}

// Append makes facts the next links of the chain of by.Tenant, all or none, in
// the order given, and returns the receipt of the last one once they are
// durable. It refuses with ErrRolledBack after Halt, and returns ErrBarred, ErrStale,
// ErrTooLate or ErrRepeated if a condition of a
// fact does not hold; ErrUncertain, or a fault, if the store failed. If ctx ends
// first, the append may still happen.
func (l *Log) Append(ctx context.Context, by domain.Actor, facts ...Fact) (Receipt, error) {
	if len(facts) == 0 {
		return Receipt{}, fmt.Errorf("eventstore: nothing to append")
	}
	if err := l.Halted(); err != nil {
		return Receipt{}, err
	}
	if l.Span != nil {
		var end func()
		ctx, end = l.Span(ctx, "log.append")
		defer end()
	}
	from, err := l.declared(ctx, by)
	if err != nil {
		return Receipt{}, err
	}
	request := &request{done: make(chan struct{})}
	for _, f := range facts {
		e, err := l.encode(ctx, by, f, from)
		if err != nil {
			return Receipt{}, err
		}
		request.facts = append(request.facts, e)
	}
	l.figures.waiting.Add(1)
	defer l.figures.waiting.Add(-1)
	l.chains.submit(ctx, by.Tenant, request)
	select {
	case <-request.done:
		return request.receipt, request.err
	case <-ctx.Done():
		return Receipt{}, fmt.Errorf("waiting for an append: %w", ctx.Err())
	}
}

// Find returns the fact with an event id, verified, or ErrNotFound.
func (l *Log) Find(ctx context.Context, tenant domain.TenantID, eventID domain.ID) (Recorded, error) {
	p, err := l.Store.Find(ctx, tenant, eventID)
	if err != nil {
		return Recorded{}, err
	}
	return l.read(ctx, tenant, p)
}

// Head returns the state of tenant's chain.
func (l *Log) Head(ctx context.Context, tenant domain.TenantID) (chain.Head, error) {
	return l.Store.Head(ctx, tenant)
}
