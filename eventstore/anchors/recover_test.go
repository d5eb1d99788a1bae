package anchors_test

import (
	"errors"
	"testing"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/anchors"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// older is a copy of a log from before it lost the end of two chains and a whole
// tenant, with the anchors that hold all of it.
func older(t *testing.T) (p, copy *place, store *faulty) {
	t.Helper()
	p = newPlace(t)
	store = &faulty{Store: newStore(t)}
	l, _ := p.ledger(store)
	p.add(1, false)
	p.add(2, false)
	p.must(p.grow(1))
	p.must(l.Pass(t.Context()))
	p.must(p.grow(2)) // not anchored by itself
	copy = p.copy()
	for range 3 {
		p.must(p.grow(1))
	}
	p.must(p.grow(2))
	p.add(3, false)
	p.add(4, true)
	p.must(l.Pass(t.Context()))
	return p, copy, store
}

// A log that was put back is made the log again: what is lost is named on each
// chain, and the anchors go on from those that held it.
func TestRecovery(t *testing.T) {
	_, p, store := older(t)
	l, _ := p.ledger(store)
	found, err := l.Compare(t.Context())
	if p.must(err); len(found) == 0 {
		t.Fatal("nothing is lost")
	}
	want := []anchors.Loss{
		{Index: 0, From: 3, Next: 5},
		{Tenant: tenant(1), Index: 1, From: 2, Next: 5},
		{Tenant: tenant(2), Index: 2, From: 2, Next: 3},
		{Tenant: tenant(3), Index: 3, Next: 1, Whole: true},
		{Tenant: tenant(4), Index: 4, Whole: true},
	}
	listed, err := l.Losses(t.Context())
	p.must(err)
	store.lost = []error{errFault} // the recovery dies before it is anchored
	if _, err := l.Recover(t.Context(), domain.RequestID{}); !errors.Is(err, errFault) {
		t.Fatalf("got %v, want the fault", err)
	}
	l, said := p.ledger(store)
	if found, err := l.Guard(t.Context()); err != nil || len(found) == 0 || p.log.Halted() == nil {
		t.Fatalf("a log that was recovered by halves is taken for whole: %v, %v\n%s", found, err, said)
	}
	p = openPlace(t, p.file)
	l, _ = p.ledger(store)
	_, err = l.Recover(t.Context(), domain.RequestID{})
	p.must(err)
	for i := range listed {
		if listed[i].Kept = (chain.Hash{}); i >= len(want) || listed[i] != want[i] {
			t.Errorf("loss %d is %+v", i, listed[i])
		}
	}
	if len(listed) != len(want) {
		t.Errorf("got %d losses, want %d", len(listed), len(want))
	}

	p = openPlace(t, p.file) // the next start
	l, _ = p.ledger(store)
	if found, err := l.Guard(t.Context()); err != nil || len(found) > 0 {
		t.Fatalf("the next start finds %v, %v", found, err)
	}
	if again, err := l.Recover(t.Context(), domain.RequestID{}); err != nil || len(again) > 0 {
		t.Errorf("a second recovery gives up %+v, %v", again, err)
	}
	p.must(p.grow(1))
	p.must(p.grow(2))
	p.add(5, false) // no place is given twice
	p.must(l.Pass(t.Context()))
	state, err := store.State(t.Context())
	p.must(err)
	leaves, err := store.Leaves(t.Context(), state.Size-1)
	p.must(err)
	if len(leaves) != 6 || leaves[1].Next != 7 || leaves[2].Next != 5 || leaves[3].Next != 1 || !leaves[3].Closed || !leaves[4].Closed || leaves[5].Tenant != tenant(5).ID {
		t.Errorf("the leaves are %+v", leaves)
	}
	if found, err := l.Compare(t.Context()); err != nil || len(found) > 0 {
		t.Errorf("afterwards %v, %v", found, err)
	}
	fresh, _ := p.ledger(newStore(t)) // a log of anchors that begins anew
	p.must(fresh.Pass(t.Context()))
}

// Another log than the anchored one is not recovered, however it is told apart.
func TestForkIsNotRecovered(t *testing.T) {
	for name, test := range map[string]struct {
		change func(p *place)
		check  string
	}{
		"longer": {func(p *place) {
			for range 9 {
				p.must(p.grow(1))
			}
		}, "V19"},
		"another tenant":  {func(p *place) { p.must(p.append(domain.TenantID{}, added(tenant(9), 3))) }, "V22"},
		"goes on, unseen": {func(p *place) { p.add(3, false); p.must(p.grow(3)) }, "V19"},
	} {
		t.Run(name, func(t *testing.T) {
			_, p, store := older(t)
			test.change(p)
			l, _ := p.ledger(store)
			_, err := l.Recover(t.Context(), domain.RequestID{})
			if f, ok := errors.AsType[chain.Finding](err); !ok || f.Check != test.check {
				t.Errorf("got %v, want %s", err, test.check)
			}
		})
	}
}
