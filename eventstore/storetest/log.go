package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// TestLog runs the Log over an engine, with faults between the two: what was
// acknowledged is there once, in order and verifiable, whatever happened.
func TestLog(t *testing.T, engine Engine) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(*testing.T, Engine)
	}{
		{"Faults", testFaults},
		{"RandomFaults", testRandomFaults},
		{"SilentLoss", testSilentLoss},
		{"ReadsBack", testReadsBack},
		{"Refusals", testRefusals},
		{"OneWins", testOneWins},
		{"RefusedIsThere", testRefusedIsThere},
		{"Releases", testReleases},
		{"FollowLog", testFollowLog},
		{"NodesRace", testNodesRace},
		{"NodesLearn", testNodesLearn},
		{"Watch", testWatch},
		{"Forged", testForged},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, engine) })
	}
}

// work appends from many goroutines at a time: changes of aggregates of their own,
// several in one append for every third of them.
func (l *ledger) work(t testing.TB, n *node, tenant domain.TenantID, appends int) {
	t.Helper()
	var wg sync.WaitGroup
	for i := range appends {
		wg.Go(func() {
			id, _ := credential()
			facts := []eventstore.Fact{change(id, 0)}
			if i%3 == 0 {
				facts = append(facts, change(id, 1), release(id, 2))
			}
			_ = l.append(t.Context(), n, tenant, facts...)
		})
	}
	wg.Wait()
}

// answers returns the errors that appends were answered with since mark.
func (l *ledger) answers(mark int) (all []error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.entries[mark:] {
		if e.err != nil {
			all = append(all, e.err)
		}
	}
	return all
}

func (l *ledger) mark() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.entries)
}

// testFaults injects each fault once. None but a torn append is noticed by those
// who append.
func testFaults(t *testing.T, engine Engine) {
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
func testRandomFaults(t *testing.T, engine Engine) {
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
func testSilentLoss(t *testing.T, engine Engine) {
	for _, other := range []int{0, 3} { // records that another node wrote meanwhile
		l := newLedger(t, engine.Store, engine.Store)
		n := l.nodes[0]
		tenant := l.open(t)
		l.work(t, n, tenant, 2)
		n.store.Inject(Torn(0, nil))
		l.work(t, n, tenant, 1)
		for range other {
			l.work(t, l.nodes[1], tenant, 1)
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

// testReadsBack reads facts in every way there is: they are what was appended, with
// what is said of persons, until those are erased.
func testReadsBack(t *testing.T, engine Engine) {
	l := newLedger(t, engine.Store)
	n := l.nodes[0]
	tenant := l.open(t)
	id, aggregate := credential()
	user := domain.UserID{ID: newID()}
	by := domain.Actor{
		Tenant: tenant, Kind: domain.ActorKey, ID: newID(), User: user, Request: domain.RequestID{ID: newID()},
		Origin: domain.Origin{IP: "192.0.2.1", UserAgent: "a browser"},
	}
	sealed := domain.CredentialSealed{EntryID: id.Entry(1), Environment: domain.Live, Version: 1, Personal: domain.CredentialLabel{Name: "a name"}}
	fact := eventstore.Fact{Event: sealed, Aggregate: aggregate, Changes: true, BodyMAC: []byte("mac")}
	receipt, err := n.Append(t.Context(), by, fact)
	if err != nil {
		t.Fatal(err)
	}
	fromTail, err := n.Read(t.Context(), receipt.Position-1, 10)
	if err != nil || len(fromTail) != 1 {
		t.Fatalf("read %d facts, %v; want 1", len(fromTail), err)
	}
	want := fromTail[0]
	if want.Receipt() != receipt || !cmp.Equal(want.Event, domain.Event(sealed)) || want.Origin != by.Origin || string(want.BodyMAC) != "mac" {
		t.Fatalf("remembered %+v", want)
	}
	other := newLedger(t, l.store).nodes[0] // a process that remembers nothing
	reads := map[string]func() (eventstore.Recorded, error){
		"find":   func() (eventstore.Recorded, error) { return other.Find(t.Context(), tenant, receipt.EventID) },
		"at":     func() (eventstore.Recorded, error) { return other.At(t.Context(), tenant, receipt.Seq) },
		"latest": func() (eventstore.Recorded, error) { return other.Latest(t.Context(), tenant, aggregate) },
		"read": func() (eventstore.Recorded, error) {
			all, err := other.Read(t.Context(), receipt.Position-1, 1)
			return append(all, eventstore.Recorded{})[0], err
		},
		"history": func() (eventstore.Recorded, error) {
			all, err := collect(other.History(t.Context(), tenant, receipt.Seq))
			return append(all, eventstore.Recorded{})[0], err
		},
	}
	for name, read := range reads {
		got, err := read()
		if got.Position == 0 {
			got.Position = want.Position // not every read knows it
		}
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("%s: %v, -appended +read:\n%s", name, err, d)
		}
	}
	state, version, err := eventstore.Fold[domain.Credential, domain.CredentialEvent](t.Context(), other.Log, tenant, aggregate)
	if err != nil || version != 1 || state.Name != "a name" {
		t.Fatalf("folded to %+v at %d, %v", state, version, err)
	}
	l.keys.Erase(user)
	other = newLedger(t, l.store).nodes[0]
	other.Keys = l.keys
	if got, err := other.At(t.Context(), tenant, receipt.Seq); err != nil || got.Origin != (domain.Origin{}) || got.Header != want.Header {
		t.Fatalf("after the person was erased: %+v, %v", got, err)
	}
	if _, err := other.At(t.Context(), tenant, receipt.Seq+1); !errors.Is(err, eventstore.ErrNotFound) {
		t.Fatalf("got %v, want that nothing is there", err)
	}
}

// testForged changes bytes that no column repeats: reading notices (V9, V10, V13).
func testForged(t *testing.T, engine Engine) {
	for name, change := range map[string]string{
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
			opened := last(t, engine.Store)
			l.work(t, l.nodes[0], tenant, 2)
			statement := fmt.Sprintf(`UPDATE %[1]s SET `+change+` WHERE pos = %[2]d`, engine.Table, opened+1)
			if err := engine.Force(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
			n := newLedger(t, engine.Store).nodes[0]
			_, read := n.Read(t.Context(), opened, 10)
			_, at := n.At(t.Context(), tenant, 1)
			for _, err := range []error{read, at} {
				if finding := (chain.Finding{}); !errors.As(err, &finding) {
					t.Errorf("got %v, want a finding", err)
				}
			}
		})
	}
}
