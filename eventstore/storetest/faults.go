package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// testFaults injects each fault once. None but a torn append is noticed by those
// who append.
func (engine Engine) testFaults(t *testing.T) {
	conflict := eventstore.ErrConflict
	for name, test := range map[string]struct {
		faults []Fault
		broken bool // the store broke its contract, so that an append may fail
	}{
		"lost":                      {faults: []Fault{Lost(ErrFault)}},
		"lost twice":                {faults: []Fault{Lost(ErrFault), Lost(ErrFault)}},
		"kept":                      {faults: []Fault{Kept(ErrFault)}},
		"lost, then kept":           {faults: []Fault{Lost(ErrFault), Kept(ErrFault)}},
		"kept, and lost again":      {faults: []Fault{Kept(ErrFault), Lost(ErrFault)}},
		"a conflict out of nothing": {faults: []Fault{Lost(conflict)}},
		"a conflict with itself":    {faults: []Fault{Kept(conflict)}},
		"one kept of many":          {faults: []Fault{Torn(1, ErrFault)}, broken: true},
		"all kept but one":          {faults: []Fault{Torn(1000, ErrFault)}, broken: true},
		"torn as a conflict":        {faults: []Fault{Torn(5, conflict)}, broken: true},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLedger(t, engine.Store)
			n := l.nodes[0]
			tenant := l.open(t)
			gate := make(chan struct{})
			n.store.Inject(Slow(gate)) // so that the next batch is a large one
			mark := l.mark()
			var wg sync.WaitGroup
			wg.Go(func() { l.work(t, n, tenant, 1) })
			wg.Go(func() { l.work(t, n, tenant, 12) })
			n.store.Inject(test.faults...)
			close(gate)
			wg.Wait()
			l.work(t, n, tenant, 3)
			if failed := l.answers(mark); len(failed) > 0 && (!test.broken || len(failed) > 1) {
				t.Errorf("appends failed: %v", failed)
			}
			l.audit(t)
		})
	}
}

// testRandomFaults injects faults that keep the contract in random order under
// random load.
func (engine Engine) testRandomFaults(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := newLedger(t, engine.Store)
		n := l.nodes[0]
		tenant := l.open(t)
		kinds := map[string]Fault{
			"lost": Lost(ErrFault), "kept": Kept(ErrFault), "conflict": Lost(eventstore.ErrConflict), "own conflict": Kept(eventstore.ErrConflict),
		}
		for range rapid.IntRange(1, 3).Draw(rt, "rounds") {
			if kind := rapid.SampledFrom([]string{"none", "lost", "kept", "conflict", "own conflict"}).Draw(rt, "fault"); kind != "none" {
				n.store.Inject(kinds[kind])
			}
			l.work(t, n, tenant, rapid.IntRange(1, 6).Draw(rt, "appends"))
		}
		if failed := l.answers(0); len(failed) > 0 {
			rt.Fatalf("appends failed: %v", failed)
		}
		l.audit(t)
	})
}

// testSilentLoss has the store acknowledge what it does not keep. The Log cannot
// mend that, but it does not go on as if nothing had happened.
func (engine Engine) testSilentLoss(t *testing.T) {
	for _, test := range []struct {
		other int // records that another node wrote meanwhile
		left  int // chains that this node worked on meanwhile, and keeps none at hand
	}{{0, 0}, {3, 0}, {0, 4}, {3, 4}} {
		l := newLedger(t, engine.Store, engine.Store)
		n := l.nodes[0]
		if test.left > 0 {
			n.Chains = 1
		}
		tenant := l.open(t)
		l.work(t, n, tenant, 2)
		n.store.Inject(Torn(0, nil))
		l.work(t, n, tenant, 1)
		for range test.other {
			l.work(t, l.nodes[1], tenant, 1)
		}
		for range test.left {
			l.open(t)
		}
		mark := l.mark()
		l.work(t, n, tenant, 4)
		failed := l.answers(mark)
		if len(failed) != 4 {
			t.Fatalf("of 4 appends after a loss %d failed", len(failed))
		}
		for _, err := range failed {
			if !errors.Is(err, eventstore.ErrTampered) {
				t.Errorf("got %v, want that the chain was tampered with", err)
			}
		}
	}
}

// testForged changes bytes that no column repeats, of a chain's last record: reading
// notices (V9, V10, V13), and so does a node that is to go on from there.
func (engine Engine) testForged(t *testing.T) {
	for name, forgery := range map[string]string{
		"payload":   `payload = (SELECT payload FROM %[1]s WHERE pos = 1)`,
		"detached":  `detached = payload`,
		"signature": `signature = (SELECT signature FROM %[1]s WHERE pos = 1)`,
	} {
		t.Run(name, func(t *testing.T) {
			if engine.Force == nil {
				return
			}
			l := newLedger(t, engine.Store)
			tenant := l.open(t)
			l.work(t, l.nodes[0], tenant, 2)
			end := last(t, engine.Store)
			statement := fmt.Sprintf(`UPDATE %[1]s SET `+forgery+` WHERE pos = %[2]d`, engine.Table, end)
			if err := engine.Force(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
			n := newLedger(t, engine.Store).nodes[0]
			_, read := n.Read(t.Context(), end-1, 10)
			_, at := n.At(t.Context(), tenant, 4)
			id, _ := credential()
			for _, err := range []error{read, at, l.append(t.Context(), n, tenant, change(id, 0))} {
				if finding := (chain.Finding{}); !errors.As(err, &finding) {
					t.Errorf("got %v, want a finding", err)
				}
			}
		})
	}
}
