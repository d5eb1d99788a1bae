package projections_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/projections"
)

// engines runs f on empty read models of each engine.
func engines(t *testing.T, f func(t *testing.T, v views)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, sqliteViews(t)) })
	t.Run("postgres", func(t *testing.T) { f(t, postgresViews(t)) })
}

// all returns every projection of the vault over v.
func all(t testing.TB, v views) []projections.Projection {
	t.Helper()
	ps, err := projections.All(t.Context(), v.db)
	if err != nil {
		t.Fatal(err)
	}
	return ps
}

// faulty is a projection that writes a row for each position and fails at one
// of them for as long as it is told to.
type faulty struct {
	at    eventstore.Position
	fails atomic.Int32
}

func (*faulty) Name() string     { return "faulty" }
func (*faulty) Tables() []string { return nil }

func (f *faulty) Apply(_ context.Context, _ *sql.Tx, facts []eventstore.Recorded) error {
	for _, r := range facts {
		if r.Position == f.at && f.fails.Add(-1) >= 0 {
			return errors.New("the disk is full")
		}
	}
	return nil
}

func TestFollowsTheLogAndTellsWhoWaits(t *testing.T) {
	engines(t, func(t *testing.T, v views) {
		facts := history(300, 400).Example(1)
		log := newTape(nil)
		r := v.runner(t, log)
		start(t, r)
		var group sync.WaitGroup
		for i, f := range facts {
			if i%5 == 0 {
				group.Go(func() {
					if err := r.Passed(t.Context(), f.Position); err != nil {
						t.Error(err)
					}
					if got := r.Position(); got < f.Position {
						t.Errorf("waited for %d, but it is at %d", f.Position, got)
					}
				})
			}
			log.add(f)
		}
		group.Wait()
		last := facts[len(facts)-1].Position
		if err := r.Passed(t.Context(), last); err != nil {
			t.Fatal(err)
		}
		want := sqliteViews(t).runner(t, newTape(facts))
		if err := want.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		same(t, "followed", digest(t, r), digest(t, want))
	})
}

// TestRowsAndCheckpointsCommitTogether stops a batch after most of it was
// written. Nothing of it may stay, and the next attempt repeats it whole.
func TestRowsAndCheckpointsCommitTogether(t *testing.T) {
	engines(t, func(t *testing.T, v views) {
		facts := history(700, 700).Example(2)
		prefix := v.runner(t, newTape(facts[:256]), append(all(t, v), &faulty{})...)
		if err := prefix.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := digest(t, prefix)
		broken := &faulty{at: 300}
		broken.fails.Store(1)
		r := v.runner(t, newTape(facts), append(all(t, v), broken)...)
		if err := r.CatchUp(t.Context()); err == nil {
			t.Fatal("a failing projection went unnoticed")
		}
		same(t, "after the crash", digest(t, r), before)
		if err := r.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		after := digest(t, r)
		if err := r.Rebuild(t.Context()); err != nil {
			t.Fatal(err)
		}
		same(t, "folded in one go", digest(t, r), after)
	})
}

// TestNewProjectionCatchesUp adds a projection to tables that are far ahead. The
// others are not applied twice: audit rows would collide.
func TestNewProjectionCatchesUp(t *testing.T) {
	v := sqliteViews(t)
	facts := history(600, 600).Example(3)
	ps := all(t, v)
	r := v.runner(t, newTape(facts[:599]), ps[0], ps[2])
	if err := r.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	r = v.runner(t, newTape(facts), ps...)
	if err := r.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := r.Position(); got != 600 {
		t.Errorf("reached %d, want 600", got)
	}
	live := digest(t, r)
	if err := r.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	same(t, "folded together", digest(t, r), live)
}

// TestProjectionWithoutCheckpointStartsOnEmptyTables renames a projection.
func TestProjectionWithoutCheckpointStartsOnEmptyTables(t *testing.T) {
	v := sqliteViews(t)
	log := newTape(history(50, 50).Example(4))
	r := v.runner(t, log)
	if err := r.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	live := digest(t, r)
	if _, err := v.db.Exec(`DELETE FROM checkpoints`); err != nil {
		t.Fatal(err)
	}
	r = v.runner(t, log)
	if err := r.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	same(t, "folded under a new name", digest(t, r), live)
}

// TestTwoNodesApplyEachFactOnce runs two runners on the same tables: a fact
// applied twice would collide, one left out would change the digest.
func TestTwoNodesApplyEachFactOnce(t *testing.T) {
	v := postgresViews(t)
	facts := history(600, 600).Example(5)
	logs := []*tape{newTape(nil), newTape(nil)}
	var runners []*projections.Runner
	for i, log := range logs {
		size := i + 3
		log.size = func(limit int) int { size = size*7%97 + 1; return min(size, limit) }
		r := v.runner(t, log)
		runners = append(runners, r)
		start(t, r)
	}
	for rest := facts; len(rest) > 0; {
		n := min(40, len(rest))
		for _, log := range logs {
			log.add(rest[:n]...)
		}
		rest = rest[n:]
		for _, r := range runners {
			if err := r.Passed(t.Context(), facts[len(facts)-len(rest)-1].Position); err != nil {
				t.Fatal(err)
			}
		}
	}
	one := sqliteViews(t).runner(t, newTape(facts))
	if err := one.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	same(t, "two nodes", digest(t, runners[0]), digest(t, one))
}

// TestFaultIsToldLoggedOnceAndOvercome lets the log fail for a while.
func TestFaultIsToldLoggedOnceAndOvercome(t *testing.T) {
	v := sqliteViews(t)
	facts := history(20, 20).Example(6)
	log := newTape(facts[:10])
	var logged bytes.Buffer
	r := v.runner(t, log)
	r.Logger = slog.New(slog.NewTextHandler(&logged, nil))
	stop := start(t, r)
	if err := r.Passed(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	fault := errors.New("the log cannot be read")
	log.tear(fault)
	if err := r.Passed(t.Context(), 11); !errors.Is(err, fault) {
		t.Errorf("who waits got %v, want the fault", err)
	}
	if err := r.Passed(t.Context(), 10); err != nil {
		t.Errorf("who waits for what is there got %v", err)
	}
	if err := r.Err(); !errors.Is(err, fault) {
		t.Errorf("Err is %v, want the fault", err)
	}
	for before := log.reads(); log.reads() < before+3; { // it tries again, and again
		runtime.Gosched()
	}
	log.tear(nil)
	log.add(facts[10:]...)
	for r.Passed(t.Context(), 20) != nil {
		runtime.Gosched()
	}
	if err := r.Err(); err != nil {
		t.Errorf("Err is %v after the fault", err)
	}
	stop()
	if n := strings.Count(logged.String(), "level=ERROR"); n != 1 {
		t.Errorf("the fault was logged %d times, want once:\n%s", n, &logged)
	}
	if n := strings.Count(logged.String(), "level=INFO"); n != 1 {
		t.Errorf("its end was logged %d times, want once:\n%s", n, &logged)
	}
}

func TestWaitingEnds(t *testing.T) {
	v := sqliteViews(t)
	r := v.runner(t, newTape(nil))
	stop := start(t, r)
	t.Run("with its context", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := r.Passed(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want DeadlineExceeded", err)
		}
	})
	t.Run("with the runner", func(t *testing.T) {
		waited := make(chan error)
		go func() { waited <- r.Passed(t.Context(), 1) }()
		stop()
		if err := <-waited; err == nil {
			t.Error("waiting for what never comes succeeded")
		}
	})
}

// TestGapInTheLogIsRefused would rather stand still than show half a history.
func TestGapInTheLogIsRefused(t *testing.T) {
	facts := history(20, 20).Example(7)
	for i := range 3 {
		gapped := newTape(append(facts[:i:i], facts[i+1:]...))
		if err := sqliteViews(t).runner(t, gapped).CatchUp(t.Context()); err == nil {
			t.Errorf("position %d was left out, unnoticed", i+1)
		}
	}
}
