package storetest

import (
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// TestLog runs the Log over an engine, with faults between the two: what was
// acknowledged is there once, in order and verifiable, whatever happened.
func TestLog(t *testing.T, engine Engine) {
	t.Helper()
	t.Run("Faults", engine.testFaults)
	t.Run("RandomFaults", engine.testRandomFaults)
	t.Run("SilentLoss", engine.testSilentLoss)
	t.Run("ReadsBack", engine.testReadsBack)
	t.Run("Refusals", engine.testRefusals)
	t.Run("OneWins", engine.testOneWins)
	t.Run("RefusedIsThere", engine.testRefusedIsThere)
	t.Run("Releases", engine.testReleases)
	t.Run("FollowLog", engine.testFollowLog)
	t.Run("NodesRace", engine.testNodesRace)
	t.Run("NodesLearn", engine.testNodesLearn)
	t.Run("Chains", engine.testChains)
	t.Run("ChainsLeave", engine.testChainsLeave)
	t.Run("Watch", engine.testWatch)
	t.Run("Forged", engine.testForged)
	t.Run("Certified", engine.testCertified)
	t.Run("OtherKey", engine.testOtherKey)
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

// testReadsBack reads facts in every way there is: they are what was appended, with
// what is said of persons, until those are erased.
func (engine Engine) testReadsBack(t *testing.T) {
	l := newLedger(t, engine.Store)
	n := l.nodes[0]
	tenant := l.open(t)
	id, aggregate := credential()
	user := domain.UserID{ID: newID()}
	by := domain.Actor{
		Tenant: tenant, Kind: domain.ActorKey, ID: newID(), User: user, Request: domain.RequestID{ID: newID()},
		Origin: domain.Origin{IP: "192.0.2.1", UserAgent: "a browser"}, Verdict: domain.Judged(""),
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
		if d := cmp.Diff(want, got, whole); err != nil || d != "" {
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
