package storetest

import (
	"errors"
	"sync"
	"testing"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// testEndOfReads appends whenever something was read: what a read returns ends
// all the same.
func testEndOfReads(t *testing.T, open Open) {
	const before = 40
	store := open(t).Store
	tenant, head := newTenant(), chain.Head{}
	id := domain.AggregateID{Kind: domain.KindUser, ID: domain.ID(random(16))}
	version := uint64(0)
	grow := func() {
		version++
		var records []chain.Record
		records, head = link(tenant, head, spec{aggregate: id, version: version})
		mustAppend(t, store, tenant, records)
	}
	for range before {
		grow()
	}
	read := 0
	for range 2 {
		for _, err := range store.Chain(t.Context(), tenant, 0) {
			if err != nil {
				t.Fatal(err)
			}
			if read++; read > 20*before {
				t.Fatal("a read of the chain follows what is appended meanwhile")
			}
			grow()
		}
		for _, err := range store.Aggregate(t.Context(), tenant, id) {
			if err != nil {
				t.Fatal(err)
			}
			if read++; read > 20*before {
				t.Fatal("a read of an aggregate follows what is appended meanwhile")
			}
			grow()
		}
		for _, err := range store.All(t.Context(), 0) {
			if err != nil {
				t.Fatal(err)
			}
			if read++; read > 20*before {
				t.Fatal("a read of everything follows what is appended meanwhile")
			}
			grow()
		}
		break
	}
	if read < 3*before {
		t.Fatalf("three reads gave %d records of %d", read, 3*before)
	}
}

// testNestedReads reads within reads from many goroutines, as folding does when it
// needs a chain's genesis: they must not wait for one another's connections.
func testNestedReads(t *testing.T, open Open) {
	const readers, records = 64, 12
	store := open(t).Store
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
func testCancelled(t *testing.T, open Open) {
	store := open(t).Store
	for range 20 {
		tenant := newTenant()
		kept, head := Records(tenant, chain.Head{}, 1)
		mustAppend(t, store, tenant, kept)
		offer, _ := Records(tenant, head, 5)
		err := cancelled(t, func(ctx contextT) error {
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
		_ = cancelled(t, func(ctx contextT) error {
			_, err := collect(store.All(ctx, 0))
			return err
		})
	}
	tenant := newTenant()
	kept, _ := Records(tenant, chain.Head{}, 3)
	mustAppend(t, store, tenant, kept)
	unchanged(t, store, tenant, kept)
	ctx, cancel := withCancel(t)
	cancel()
	if _, err := store.Find(ctx, tenant, domain.ID(random(16))); !errors.Is(err, errCanceled) {
		t.Fatalf("a read that nobody waits for: %v", err)
	}
}
