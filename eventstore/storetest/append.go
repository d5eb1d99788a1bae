package storetest

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// mustAppend appends records that the store must take.
func mustAppend(t *testing.T, store eventstore.Store, tenant domain.TenantID, records []chain.Record) eventstore.Position {
	t.Helper()
	first, err := store.Append(t.Context(), tenant, records)
	if err != nil {
		t.Fatal(err)
	}
	return first
}

// whole compares bytes as one value: one by one they take longer than what is tested.
var whole = cmp.Comparer(bytes.Equal)

// unchanged fails t unless tenant's chain has exactly these records.
func unchanged(t *testing.T, store eventstore.Store, tenant domain.TenantID, want []chain.Record) {
	t.Helper()
	got, err := collect(store.Chain(t.Context(), tenant, 0))
	if d := cmp.Diff(want, got, whole); err != nil || d != "" {
		t.Fatalf("%v, -want +got:\n%s", err, d)
	}
}

// testConflicts offers each kind of records that cannot follow: nothing of them
// is kept, and the chain goes on.
func (engine Engine) testConflicts(t *testing.T) {
	aggregate := domain.AggregateID{Kind: domain.KindCredential, ID: domain.ID(random(16))}
	event := domain.ID(random(16))
	first := []spec{{eventID: event}, {aggregate: aggregate, version: 1}, {}}
	cases := map[string]func(tenant domain.TenantID, head chain.Head) []chain.Record{
		"before the head": func(tenant domain.TenantID, head chain.Head) []chain.Record {
			head.Next--
			r, _ := Records(tenant, head, 2)
			return r
		},
		"beyond the head": func(tenant domain.TenantID, head chain.Head) []chain.Record {
			head.Next++
			r, _ := Records(tenant, head, 2)
			return r
		},
		"another predecessor": func(tenant domain.TenantID, head chain.Head) []chain.Record {
			head.Hash[0] ^= 1
			r, _ := Records(tenant, head, 2)
			return r
		},
		"a second genesis": func(tenant domain.TenantID, _ chain.Head) []chain.Record {
			r, _ := Records(tenant, chain.Head{}, 1)
			return r
		},
		"an event again": func(tenant domain.TenantID, head chain.Head) []chain.Record {
			r, _ := link(tenant, head, spec{}, spec{}, spec{eventID: event})
			return r
		},
		"an event twice": func(tenant domain.TenantID, head chain.Head) []chain.Record {
			id := domain.ID(random(16))
			r, _ := link(tenant, head, spec{eventID: id}, spec{eventID: id})
			return r
		},
		"a version again": func(tenant domain.TenantID, head chain.Head) []chain.Record {
			r, _ := link(tenant, head, spec{}, spec{aggregate: aggregate, version: 1}, spec{})
			return r
		},
		"a version twice": func(tenant domain.TenantID, head chain.Head) []chain.Record {
			r, _ := link(tenant, head, spec{aggregate: aggregate, version: 2}, spec{aggregate: aggregate, version: 2})
			return r
		},
		"the end of another chain": func(tenant domain.TenantID, _ chain.Head) []chain.Record {
			_, other := Records(newTenant(), chain.Head{}, 3)
			r, _ := Records(tenant, other, 1)
			return r
		},
	}
	store := engine.Store
	for name, offer := range cases {
		t.Run(name, func(t *testing.T) {
			tenant := newTenant()
			kept, head := link(tenant, chain.Head{}, first...)
			before := mustAppend(t, store, tenant, kept)
			if _, err := store.Append(t.Context(), tenant, offer(tenant, head)); !errors.Is(err, eventstore.ErrConflict) {
				t.Fatalf("got %v, want a conflict", err)
			}
			unchanged(t, store, tenant, kept)
			more, _ := Records(tenant, head, 1)
			if got, want := mustAppend(t, store, tenant, more), before+3; got != want {
				t.Fatalf("at %d, want %d: the conflict left a gap", got, want)
			}
		})
	}
	t.Run("nothing to follow", func(t *testing.T) {
		tenant := newTenant()
		kept, head := Records(tenant, chain.Head{}, 2)
		if _, err := store.Append(t.Context(), tenant, kept[1:]); !errors.Is(err, eventstore.ErrConflict) {
			t.Fatalf("got %v, want a conflict", err)
		}
		if got, err := store.Head(t.Context(), tenant); err != nil || got != (chain.Head{}) {
			t.Fatalf("the head of nothing is %v, %v; not %v", got, err, head)
		}
	})
}

// testFaultyOffers offers what no sequencer would.
func (engine Engine) testFaultyOffers(t *testing.T) {
	store := engine.Store
	tenant := newTenant()
	kept, head := Records(tenant, chain.Head{}, 1)
	mustAppend(t, store, tenant, kept)
	good, _ := Records(tenant, head, 3)
	foreign, _ := Records(newTenant(), chain.Head{}, 1)
	short := good[0]
	short.Header = short.Header[:100]
	for name, records := range map[string][]chain.Record{
		"nothing":           nil,
		"of another chain":  foreign,
		"with one left out": {good[0], good[2]},
		"in another order":  {good[1], good[0]},
		"twice the same":    {good[0], good[0]},
		"with half a head":  {short},
	} {
		if _, err := store.Append(t.Context(), tenant, records); err == nil || errors.Is(err, eventstore.ErrConflict) {
			t.Errorf("records %s: got %v, want a fault", name, err)
		}
	}
	unchanged(t, store, tenant, kept)
}

// testNeighbours offers many records at the same time, some of which conflict:
// each offer succeeds or fails by itself.
func (engine Engine) testNeighbours(t *testing.T) {
	store := engine.Store
	const chains = 32
	type offered struct {
		tenant  domain.TenantID
		kept    []chain.Record
		offer   []chain.Record
		refused bool
	}
	var offers []*offered
	event := domain.ID(random(16))
	for i := range chains {
		o := &offered{tenant: newTenant(), refused: i%3 == 0}
		var head chain.Head
		o.kept, head = link(o.tenant, chain.Head{}, spec{eventID: event})
		mustAppend(t, store, o.tenant, o.kept)
		specs := []spec{{}, {}}
		if o.refused {
			specs[1].eventID = event
		}
		o.offer, _ = link(o.tenant, head, specs...)
		offers = append(offers, o)
	}
	var wg sync.WaitGroup
	for _, o := range offers {
		wg.Go(func() {
			switch _, err := store.Append(t.Context(), o.tenant, o.offer); {
			case o.refused && !errors.Is(err, eventstore.ErrConflict):
				t.Errorf("got %v, want a conflict", err)
			case !o.refused && err != nil:
				t.Errorf("a neighbour's conflict: %v", err)
			case !o.refused:
				o.kept = append(o.kept, o.offer...)
			}
		})
	}
	wg.Wait()
	for _, o := range offers {
		unchanged(t, store, o.tenant, o.kept)
	}
}
