package storetest

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// follow reads a node's log along, from a position on, until it has seen so many facts, and checks that
// none is left out or comes twice.
func follow(ctx context.Context, t *testing.T, n *node, before eventstore.Position, facts int) {
	t.Helper()
	t.Helper()
	seen := before
	seqs := map[domain.ID]uint64{}
	for r, err := range n.Follow(ctx, before) {
		if err != nil {
			t.Errorf("after %d of %d facts: %v", seen-before, facts, err)
			return
		}
		if r.Position != seen+1 || r.Header.Seq != seqs[r.Header.Tenant] {
			t.Errorf("event %d came at %d, after %d", r.Header.Seq, r.Position, seen)
			return
		}
		seen, seqs[r.Header.Tenant] = r.Position, r.Header.Seq+1
		if int(seen-before) == facts {
			return
		}
	}
}

// testFollowLog follows while many append to many chains.
func (engine Engine) testFollowLog(t *testing.T) {
	const chains, writers, each = 4, 4, 10
	l := newLedger(t, engine.stores(t)...)
	before := last(t, engine.Store)
	var tenants []domain.TenantID
	for range chains {
		tenants = append(tenants, l.open(t))
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var following, writing sync.WaitGroup
	for _, n := range l.nodes {
		following.Go(func() { follow(ctx, t, n, before, chains*(1+writers*each)) })
	}
	for _, tenant := range tenants {
		for w := range writers {
			n := l.nodes[w%len(l.nodes)]
			writing.Go(func() {
				for range each {
					id, _ := credential()
					if err := l.append(t.Context(), n, tenant, change(id, 0)); err != nil {
						t.Error(err)
						cancel() // or whoever follows would wait for ever
					}
				}
			})
		}
	}
	writing.Wait()
	following.Wait()
	l.audit(t)
}

// testNodesRace has two nodes append to one chain, 16 writers each, while they
// also fight for one aggregate.
func (engine Engine) testNodesRace(t *testing.T) {
	if engine.Peer == nil {
		return
	}
	l := newLedger(t, engine.stores(t)...)
	const writers, each, versions = 16, 4, 10
	before := last(t, engine.Store)
	tenant := l.open(t)
	id, _ := credential()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var following, writing sync.WaitGroup
	for _, n := range l.nodes {
		following.Go(func() { follow(ctx, t, n, before, 1+2*writers*each+versions) })
	}
	var won map[uint64]int
	writing.Go(func() { won = l.race(t, tenant, id, 4, versions) })
	for w := range 2 * writers {
		n := l.nodes[w%2]
		writing.Go(func() {
			for range each {
				id, _ := credential()
				if err := l.append(t.Context(), n, tenant, change(id, 0)); err != nil {
					t.Error(err)
					cancel()
				}
			}
		})
	}
	writing.Wait()
	following.Wait()
	for version := uint64(1); version <= versions; version++ {
		if won[version] != 1 {
			t.Errorf("version %d was won by %d", version, won[version])
		}
	}
	if got, want := len(l.audit(t)[tenant]), 1+2*writers*each+versions; got != want {
		t.Errorf("%d facts are there, want %d", got, want)
	}
}

// testNodesLearn lets one node act on what the other has done since they last
// looked.
func (engine Engine) testNodesLearn(t *testing.T) {
	if engine.Peer == nil {
		return
	}
	l := newLedger(t, engine.stores(t)...)
	a, b := l.nodes[0], l.nodes[1]
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	tenant := domain.TenantID{ID: newID()}
	id, _ := credential()
	if err := l.append(t.Context(), b, tenant, change(id, 0)); err == nil {
		t.Error("a chain began without a genesis")
	}
	genesis, err := l.keys.Genesis(tenant, 1)
	must("certifying a key", err)
	fact := eventstore.Fact{Event: genesis, Aggregate: domain.AggregateID{Kind: domain.KindTenant, ID: tenant.ID}}
	must("opening a chain", l.append(t.Context(), a, tenant, fact))
	l.tenants = append(l.tenants, tenant)
	must("appending to a chain that another node opened", l.append(t.Context(), b, tenant, change(id, 0)))
	must("changing what another node made", l.append(t.Context(), a, tenant, change(id, 1)))
	must("releasing what another node changed", l.append(t.Context(), b, tenant, release(id, 2)))
	must("changing it back and forth", errors.Join(
		l.append(t.Context(), b, tenant, change(id, 2)), l.append(t.Context(), a, tenant, change(id, 3)), l.append(t.Context(), b, tenant, change(id, 4))))
	if err := l.append(t.Context(), a, tenant, release(id, 4)); !errors.Is(err, eventstore.ErrStale) {
		t.Errorf("got %v, want that another node changed it", err)
	}
	fact = change(id, 5)
	fact.EventID = newID()
	must("appending once", l.append(t.Context(), a, tenant, fact))
	if err := l.append(t.Context(), b, tenant, fact); !errors.Is(err, eventstore.ErrRepeated) {
		t.Errorf("got %v, want that another node did it before", err)
	}
	l.audit(t)
}

// testWatch has one node watch: what it remembers of an aggregate is forgotten once
// another node changes it.
func (engine Engine) testWatch(t *testing.T) {
	if engine.Peer == nil {
		return
	}
	l := newLedger(t, engine.stores(t)...)
	a, b := l.nodes[0], l.nodes[1]
	tenant := l.open(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	var watching sync.WaitGroup
	watching.Go(func() {
		if err := b.Watch(ctx); !errors.Is(err, ctx.Err()) {
			t.Errorf("got %v, want that the context ended", err)
		}
	})
	id, aggregate := credential()
	for version := uint64(0); version < 5; version++ {
		if err := l.append(ctx, a, tenant, change(id, version)); err != nil {
			t.Fatal(err)
		}
		for seen := version; seen != version+1; {
			var err error
			if _, seen, err = eventstore.Fold[domain.Credential, domain.CredentialEvent](ctx, b.Log, tenant, aggregate); err != nil {
				t.Fatalf("after version %d was changed version %d is remembered: %v", version, seen, err)
			}
			if ctx.Err() != nil {
				t.Fatalf("after version %d was changed version %d is remembered", version, seen)
			}
			runtime.Gosched()
		}
	}
	cancel()
	watching.Wait()
}
