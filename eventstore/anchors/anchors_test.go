package anchors_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/anchors"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

var errFault = errors.New("the connection was lost")

// Whatever is appended in whatever order, and however often the process or its
// store fails, each anchor holds what the log held, and the next one goes on from it.
func TestAnchorsHoldTheLog(t *testing.T) {
	p := newPlace(t)
	store := &faulty{Store: newStore(t)}
	l, _ := p.ledger(store)
	tenants := uint32(0)
	for range 120 {
		switch n := rand.IntN(10); {
		case n == 0:
			tenants++
			p.add(tenants, rand.IntN(4) == 0) // some die before their chain begins
		case n < 6 && tenants > 0:
			of := 1 + rand.Uint32N(tenants)
			if head, err := p.log.Head(t.Context(), tenant(of)); err == nil && head.Next > 0 {
				p.must(p.grow(of))
			}
		case n == 6:
			l, _ = p.ledger(store) // the process starts anew
		case n == 7:
			store.lost = append(store.lost, errFault)
		case n == 8:
			store.kept = append(store.kept, errFault)
		default:
			if err := l.Pass(t.Context()); err != nil && !errors.Is(err, errFault) {
				t.Fatal(err)
			}
		}
	}
	store.lost, store.kept = nil, nil
	p.must(l.Pass(t.Context()))
	p.audit(store)
	state, err := store.State(t.Context())
	p.must(err)
	p.must(l.Pass(t.Context())) // nothing is new
	if again, err := store.State(t.Context()); err != nil || again != state {
		t.Errorf("an anchor of nothing new: %+v, %v", again, err)
	}
}

// What an anchor costs depends on what changed, and not on what is there.
func TestUnchangedChainsCostNothing(t *testing.T) {
	p := newPlace(t)
	store := newStore(t)
	l, _ := p.ledger(store)
	for n := range uint32(40) {
		p.add(n+1, false)
	}
	p.must(l.Pass(t.Context()))
	p.must(p.grow(7))
	p.must(p.grow(7))
	p.must(p.grow(9))
	p.must(l.Pass(t.Context()))
	changed, err := store.Changes(t.Context(), 0, 1)
	if err != nil || len(changed) != 2 || changed[0].Index != 7 || changed[0].Next != 3 || changed[1].Index != 9 {
		t.Errorf("the second anchor changes %+v, %v", changed, err)
	}
	p.audit(store)
}

// Two processes that anchor one log end in one log of anchors.
func TestTwoProcessesAnchorOneLog(t *testing.T) {
	p := newPlace(t)
	p.add(1, false)
	store := newStore(t)
	a, saidA := p.ledger(store)
	b, saidB := p.ledger(store)
	var group sync.WaitGroup
	for _, l := range []*anchors.Ledger{a, b} {
		group.Go(func() {
			for range 20 {
				if err := p.grow(1); err != nil {
					t.Error(err)
				}
				if err := l.Pass(t.Context()); err != nil && !errors.Is(err, anchors.ErrMoved) {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	p.must(a.Pass(t.Context()))
	p.audit(store)
	if said := saidA.String() + saidB.String(); strings.Contains(said, "ROLLBACK") || p.log.Halted() != nil {
		t.Errorf("they suspect one another:\n%s", said)
	}
}

// A server that goes on from a copy of the log finds out as soon as another one has
// anchored something else, whether it has written itself or not, and writes no more.
func TestForkedServerHalts(t *testing.T) {
	for name, writes := range map[string]int{"which wrote nothing": 0, "which wrote less": 1, "which wrote more": 5} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.add(1, false)
			store := newStore(t)
			l, _ := p.ledger(store)
			p.must(l.Pass(t.Context()))
			fork := p.copy()
			forked, said := fork.ledger(store)
			p.must(p.grow(1))
			p.must(p.grow(1))
			p.must(l.Pass(t.Context()))
			for range writes {
				fork.must(fork.grow(1))
			}
			err := forked.Pass(t.Context())
			if f, ok := errors.AsType[chain.Finding](err); !ok || f.Tenant != tenant(1).ID {
				t.Fatalf("got %v, want a finding", err)
			}
			if err := fork.grow(1); !errors.Is(err, eventstore.ErrRolledBack) {
				t.Errorf("it goes on to write: %v", err)
			}
			if !strings.Contains(said.String(), "ROLLBACK_DETECTED") || !strings.Contains(said.String(), "tenant="+chain.FormatUUID(tenant(1).ID)) {
				t.Errorf("it says\n%s", said)
			}
			if found, err := forked.Guard(t.Context()); err != nil || len(found) != 1 {
				t.Errorf("started anew it finds %v, %v", found, err)
			}
			p.must(p.grow(1)) // the other one does not care
			p.must(l.Pass(t.Context()))
			p.audit(store)
		})
	}
}

// Anchors are written while the log grows, and the last ones before the process ends.
func TestRun(t *testing.T) {
	p := newPlace(t)
	store := newStore(t)
	l, _ := p.ledger(store)
	p.add(1, false)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); l.Run(ctx) }()
	for range 3 {
		p.must(p.grow(1))
		head, err := p.log.Head(t.Context(), tenant(1))
		p.must(err)
		p.must(l.Await(t.Context(), tenant(1), head.Next-1))
		proof, leaf, err := l.Record(t.Context(), tenant(1), head.Next-1, 0)
		if err != nil || leaf.Next != head.Next || leaf.Hash != head.Hash || proof.TenantIndex != 1 {
			t.Errorf("record %d is proven by %+v, %v", head.Next-1, leaf, err)
		}
	}
	p.must(p.grow(1))
	stop()
	<-ended
	p.audit(store)
	short, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Await(short, tenant(1), 99); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting for a record that is not there: %v", err)
	}
	if _, _, err := l.Head(t.Context(), tenant(2), 0); !errors.Is(err, anchors.ErrNotAnchored) {
		t.Errorf("the head of nobody: %v", err)
	}
}

// An old record is proven by an old anchor, with few headers.
func TestOldRecordsHaveOldAnchors(t *testing.T) {
	p := newPlace(t)
	p.add(1, false)
	store := newStore(t)
	l, _ := p.ledger(store)
	p.must(p.grow(1))
	p.must(l.Pass(t.Context()))
	many := make([]eventstore.Fact, 1100)
	for i := range many {
		many[i] = eventstore.Fact{Event: domain.AccessDenied{Reason: "scope", Route: "x"}, Aggregate: domain.AggregateID{Kind: domain.KindTenant, ID: tenant(1).ID}}
	}
	p.must(p.append(tenant(1), many...))
	p.must(l.Pass(t.Context()))
	proof, leaf, err := l.Record(t.Context(), tenant(1), 1, 1)
	if p.must(err); leaf.Next != 2 || proof.TlogIndex != 0 || proof.ConsistencyFrom != 1 {
		t.Errorf("record 1 is proven by %+v, %+v", proof, leaf)
	}
	a, err := chain.ParseAnchor(proof.Record)
	p.must(err)
	c, err := chain.OpenCheckpoint(proof.Checkpoint, l.Origin, keys.Root())
	if err != nil || !chain.HeadsTree.Includes(a.HeadsRoot, leaf.TreeHash(), 1, uint64(a.Tenants), proof.HeadsPath) ||
		!chain.AnchorsTree.Includes(c.Root, a.TreeHash(), 0, c.Size, proof.TlogPath) {
		t.Errorf("it leads nowhere: %v", err)
	}
	if _, leaf, err = l.Record(t.Context(), tenant(1), 200, 0); err != nil || leaf.Next != 1102 {
		t.Errorf("record 200 is proven by %+v, %v", leaf, err)
	}
	if _, _, err = l.Record(t.Context(), tenant(1), 1102, 0); !errors.Is(err, anchors.ErrNotAnchored) {
		t.Errorf("a record that is not there: %v", err)
	}
}

// A store that lost anchors, or tells another story, is not signed for.
func TestRewrittenAnchorsAreRefused(t *testing.T) {
	p := newPlace(t)
	p.add(1, false)
	honest, forged := newStore(t), newStore(t)
	swap := &swapped{honest}
	l, _ := p.ledger(swap)
	f, _ := p.ledger(forged)
	for _, each := range []*anchors.Ledger{l, f} {
		p.must(each.Pass(t.Context()))
	}
	if _, err := l.Status(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.must(p.grow(1))
	p.must(f.Pass(t.Context()))
	swap.Store = forged // of two anchors, and the first is another one
	if st, err := l.Status(t.Context()); !errors.Is(err, anchors.ErrTampered) {
		t.Errorf("got %+v, %v, want ErrTampered", st, err)
	}
	swap.Store = newStore(t)
	if err := l.Pass(t.Context()); !errors.Is(err, anchors.ErrTampered) {
		t.Errorf("an empty store: got %v, want ErrTampered", err)
	}
}

type swapped struct{ anchors.Store }
