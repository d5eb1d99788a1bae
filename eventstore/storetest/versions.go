package storetest

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// testRefusals appends facts whose conditions do not hold.
func (engine Engine) testRefusals(t *testing.T) {
	l := newLedger(t, engine.Store)
	n := l.nodes[0]
	tenant := l.open(t)
	id, aggregate := credential()
	once := change(id, 0)
	once.EventID = newID()
	if err := l.append(t.Context(), n, tenant, once); err != nil {
		t.Fatal(err)
	}
	genesis, err := l.keys.Genesis(tenant, 1)
	if err != nil {
		t.Fatal(err)
	}
	past, future := change(id, 1), change(id, 1)
	past.NotAfter = time.Now().Add(-time.Second).UnixMicro()
	future.NotAfter = time.Now().Add(time.Hour).UnixMicro()
	twice := change(id, 0)
	twice.EventID = newID()
	other, _ := credential()
	for _, test := range []struct {
		name  string
		facts []eventstore.Fact
		want  error // nil: any fault
	}{
		{"an old version", []eventstore.Fact{change(id, 0)}, eventstore.ErrStale},
		{"a version to come", []eventstore.Fact{change(id, 2)}, eventstore.ErrStale},
		{"a release of an old version", []eventstore.Fact{release(id, 0)}, eventstore.ErrStale},
		{"an old version behind others", []eventstore.Fact{change(other, 0), change(id, 0)}, eventstore.ErrStale},
		{"too late", []eventstore.Fact{past}, eventstore.ErrTooLate},
		{"too late behind others", []eventstore.Fact{change(other, 0), past}, eventstore.ErrTooLate},
		{"an event again", []eventstore.Fact{once}, eventstore.ErrRepeated},
		{"an event twice", []eventstore.Fact{twice, twice}, nil},
		{"a second genesis", []eventstore.Fact{{Event: genesis, Aggregate: aggregate}}, nil},
		{"nothing", nil, nil},
	} {
		err := l.append(t.Context(), n, tenant, test.facts...)
		if err == nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.want)
		}
	}
	if err := l.append(t.Context(), n, domain.TenantID{ID: newID()}, change(id, 0)); err == nil {
		t.Error("a chain began without a genesis")
	}
	if err := l.append(t.Context(), n, tenant, future); err != nil {
		t.Error(err)
	}
	if len(l.audit(t)[tenant]) != 3 {
		t.Error("something that was refused is there")
	}
}

// race has writers of every node change one aggregate again and again, and returns
// how often each version was won.
func (l *ledger) race(t *testing.T, tenant domain.TenantID, id domain.CredentialID, writers int, until uint64) map[uint64]int {
	t.Helper()
	aggregate := domain.AggregateID{Kind: domain.KindCredential, ID: id.ID}
	var mu sync.Mutex
	won := map[uint64]int{}
	var wg sync.WaitGroup
	for w := range writers {
		n := l.nodes[w%len(l.nodes)]
		wg.Go(func() {
			for version := uint64(0); version < until; {
				switch err := l.append(t.Context(), n, tenant, change(id, version)); {
				case err == nil:
					version++
					mu.Lock()
					won[version]++
					mu.Unlock()
				case errors.Is(err, eventstore.ErrStale):
					r, err := n.Latest(t.Context(), tenant, aggregate)
					if err != nil || r.Header.AggregateVersion <= version {
						t.Errorf("told that %d is stale, and it is not: %d, %v", version, r.Header.AggregateVersion, err)
						return
					}
					version = r.Header.AggregateVersion
				default:
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return won
}

// testOneWins has many change one aggregate: exactly one makes each version.
func (engine Engine) testOneWins(t *testing.T) {
	l := newLedger(t, engine.Store)
	tenant := l.open(t)
	id, _ := credential()
	won := l.race(t, tenant, id, 16, 20)
	for version := uint64(1); version <= 20; version++ {
		if won[version] != 1 {
			t.Errorf("version %d was won by %d", version, won[version])
		}
	}
	l.audit(t)
}

// testRefusedIsThere offers one batch the same append again and again, and others
// that it makes stale: one of them is made, and whoever is told so finds it.
func (engine Engine) testRefusedIsThere(t *testing.T) {
	l := newLedger(t, engine.Store)
	n := l.nodes[0]
	tenant := l.open(t)
	for range 10 {
		id, aggregate := credential()
		gate := make(chan struct{})
		n.store.Inject(Slow(gate))
		var made atomic.Int32
		var started, done sync.WaitGroup
		done.Go(func() { l.work(t, n, tenant, 1) })
		again := newID()
		for i := range 16 {
			started.Add(1)
			done.Go(func() {
				fact := change(id, 0)
				if i%2 == 0 {
					fact.EventID = again
				}
				started.Done()
				var there error
				err := l.append(t.Context(), n, tenant, fact)
				switch {
				case err == nil:
					made.Add(1)
				case errors.Is(err, eventstore.ErrRepeated):
					_, there = n.Find(t.Context(), tenant, again)
				case errors.Is(err, eventstore.ErrStale):
					_, there = n.Latest(t.Context(), tenant, aggregate)
				default:
					t.Error(err)
				}
				if there != nil {
					t.Errorf("told %v, and then %v", err, there)
				}
			})
		}
		started.Wait()
		for range 1000 {
			runtime.Gosched() // until all have queued, very likely
		}
		close(gate)
		done.Wait()
		if made.Load() != 1 {
			t.Errorf("made %d times", made.Load())
		}
	}
	l.audit(t)
}
