package storetest

import (
	"context"
	"errors"
	"iter"
	"sync"
	"testing"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// testEndOfReads appends while something is read: the read ends where it would
// have ended.
func (engine Engine) testEndOfReads(t *testing.T) {
	const before, meanwhile = 80, 700
	store := engine.Store
	start := last(t, store)
	tenant, head := newTenant(), chain.Head{}
	id := domain.AggregateID{Kind: domain.KindUser, ID: domain.ID(random(16))}
	version := uint64(0)
	grow := func(n int) {
		specs := make([]spec, n)
		for i := range specs {
			version++
			specs[i] = spec{aggregate: id, version: version}
		}
		var records []chain.Record
		records, head = link(tenant, head, specs...)
		mustAppend(t, store, tenant, records)
	}
	grow(before)
	for name, read := range map[string]func() iter.Seq2[chain.Record, error]{
		"chain":     func() iter.Seq2[chain.Record, error] { return store.Chain(t.Context(), tenant, head.Next-before) },
		"aggregate": func() iter.Seq2[chain.Record, error] { return store.Aggregate(t.Context(), tenant, id) },
		"all": func() iter.Seq2[chain.Record, error] {
			return func(yield func(chain.Record, error) bool) {
				for p, err := range store.All(t.Context(), start) {
					if !yield(p.Record, err) {
						return
					}
				}
			}
		},
	} {
		there, got := int(head.Next), 0
		if name == "chain" {
			there = before
		}
		for _, err := range read() {
			if err != nil {
				t.Fatal(err)
			}
			if got++; got == 10 {
				grow(meanwhile)
			}
		}
		if got != there {
			t.Errorf("%s: read %d records of %d", name, got, there)
		}
	}
}

// testNestedReads reads within reads from many goroutines, as folding does when it
// needs a chain's genesis: they must not wait for one another's connections.
func (engine Engine) testNestedReads(t *testing.T) {
	const readers, records = 64, 12
	store := engine.Store
	tenant := newTenant()
	kept, _ := Records(tenant, chain.Head{}, records)
	mustAppend(t, store, tenant, kept)
	var outer sync.WaitGroup
	outer.Add(readers)
	var wg sync.WaitGroup
	for range readers {
		wg.Go(func() {
			first := true
			for r, err := range store.Chain(t.Context(), tenant, 0) {
				if first {
					first = false
					outer.Done()
					outer.Wait() // until everyone is inside
				}
				if err != nil {
					t.Error(err)
					return
				}
				i, err := r.Index()
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := store.Find(t.Context(), tenant, i.EventID); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// testCancelled gives up waiting: the append may happen or not, but whole, and
// the store goes on.
func (engine Engine) testCancelled(t *testing.T) {
	store := engine.Store
	for range 20 {
		tenant := newTenant()
		kept, head := Records(tenant, chain.Head{}, 1)
		mustAppend(t, store, tenant, kept)
		offer, _ := Records(tenant, head, 5)
		err := cancelled(t, func(ctx context.Context) error {
			_, err := store.Append(ctx, tenant, offer)
			return err
		})
		got, readErr := collect(store.Chain(t.Context(), tenant, 0))
		if readErr != nil {
			t.Fatal(readErr)
		}
		if len(got) != 1 && len(got) != 6 || err == nil && len(got) != 6 {
			t.Fatalf("after %v the chain has %d records", err, len(got))
		}
		_ = cancelled(t, func(ctx context.Context) error {
			_, err := collect(store.All(ctx, 0))
			return err
		})
	}
	tenant := newTenant()
	kept, _ := Records(tenant, chain.Head{}, 3)
	mustAppend(t, store, tenant, kept)
	unchanged(t, store, tenant, kept)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := store.Find(ctx, tenant, domain.ID(random(16))); !errors.Is(err, context.Canceled) {
		t.Fatalf("a read that nobody waits for: %v", err)
	}
}
