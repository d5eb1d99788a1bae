package storetest

import (
	"errors"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// testChains has a node that keeps two chains at hand work on a dozen: they come
// and go while they are written, and nobody notices.
func (engine Engine) testChains(t *testing.T) {
	const atHand, versions = 2, 6
	l := newLedger(t, engine.stores(t)...)
	for _, n := range l.nodes {
		n.Chains = atHand
	}
	var wg sync.WaitGroup
	won := make([]map[uint64]int, 12)
	for i := range won {
		wg.Go(func() {
			tenant := l.open(t)
			for range 4 { // with pauses in which the chain may leave
				l.work(t, l.nodes[i%len(l.nodes)], tenant, 3)
			}
			id, _ := credential()
			won[i] = l.race(t, tenant, id, 3, versions)
		})
	}
	wg.Wait()
	for i, won := range won {
		for version := uint64(1); version <= versions; version++ {
			if won[version] != 1 {
				t.Errorf("on chain %d version %d was won %d times", i, version, won[version])
			}
		}
	}
	for _, err := range l.answers(0) {
		if !errors.Is(err, eventstore.ErrStale) {
			t.Errorf("got %v", err)
		}
	}
	for range 4 { // each new chain has some leave that are idle
		l.open(t)
	}
	if got := l.nodes[0].Figures().Chains; got > atHand+1 {
		t.Errorf("%d chains are kept at hand, want %d", got, atHand)
	}
	l.audit(t)
}

// testChainsLeave has two nodes that keep one chain at hand each, so that it leaves
// at almost every step: what they answer is what a node would that remembers all.
func (engine Engine) testChainsLeave(t *testing.T) {
	l := newLedger(t, engine.Store, engine.Store)
	for _, n := range l.nodes {
		n.Chains = 1
	}
	tenants := []domain.TenantID{l.open(t), l.open(t)}
	rapid.Check(t, func(rt *rapid.T) {
		type aggregate struct {
			tenant  domain.TenantID
			id      domain.CredentialID
			version uint64
			latest  eventstore.Fact
		}
		var aggregates [2]aggregate
		for i := range aggregates {
			aggregates[i].tenant = tenants[i]
			aggregates[i].id, _ = credential()
		}
		faults := []Fault{nil, nil, Lost(ErrFault), Kept(ErrFault), Lost(eventstore.ErrConflict), Kept(eventstore.ErrConflict)}
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			n := l.nodes[rapid.IntRange(0, 1).Draw(rt, "node")]
			a := &aggregates[rapid.IntRange(0, 1).Draw(rt, "chain")]
			if f := faults[rapid.IntRange(0, len(faults)-1).Draw(rt, "fault")]; f != nil {
				n.store.Inject(f)
			}
			was := rapid.Uint64Range(0, a.version+1).Draw(rt, "version")
			fact, want := change(a.id, was), error(nil)
			switch rapid.IntRange(0, 3).Draw(rt, "kind") {
			case 0:
				if fact = a.latest; fact.Event == nil {
					continue
				}
				want = eventstore.ErrRepeated
			case 1:
				fact = release(a.id, was)
				fallthrough
			default:
				if was != a.version {
					want = eventstore.ErrStale
				}
			}
			if fact.EventID.IsZero() {
				fact.EventID = newID()
			}
			if err := l.append(t.Context(), n, a.tenant, fact); !errors.Is(err, want) || (err == nil) != (want == nil) {
				rt.Fatalf("got %v, want %v", err, want)
			}
			if want == nil && fact.Changes {
				a.version, a.latest = a.version+1, fact
			}
		}
	})
	l.audit(t)
}
