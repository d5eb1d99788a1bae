package reactors_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/pgtest"
	"github.com/quantaseal/quantaseal/internal/reactors"
	"github.com/quantaseal/quantaseal/migrations"
)

// tape is a log of facts of which every third concerns somebody.
type tape struct {
	mu    sync.Mutex
	facts []eventstore.Recorded
	grown chan struct{}
}

func newTape(n int) *tape {
	l := &tape{grown: make(chan struct{})}
	l.grow(n)
	return l
}

func (l *tape) grow(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for range n {
		at := eventstore.Position(len(l.facts) + 1)
		r := eventstore.Recorded{Position: at, Event: domain.CredentialRetired{}, Header: chain.Header{EventID: domain.ID{byte(at), byte(at >> 8)}}}
		if at%3 == 0 {
			r.Event = domain.MFADisabled{}
		}
		l.facts = append(l.facts, r)
	}
	close(l.grown)
	l.grown = make(chan struct{})
}

func (l *tape) Read(_ context.Context, after eventstore.Position, limit int) ([]eventstore.Recorded, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := l.facts[after:]
	return rest[:min(limit, len(rest))], nil
}

func (l *tape) Wait(ctx context.Context, after eventstore.Position) error {
	l.mu.Lock()
	more, grown := int(after) < len(l.facts), l.grown
	l.mu.Unlock()
	if more {
		return nil
	}
	select {
	case <-grown:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func concerns(e domain.Event) bool {
	_, ok := e.(domain.MFADisabled)
	return ok
}

// effects counts what was had, and tells of each.
type effects struct {
	mu   sync.Mutex
	had  map[eventstore.Position]int
	told chan eventstore.Position
}

func newEffects() *effects {
	return &effects{had: map[eventstore.Position]int{}, told: make(chan eventstore.Position, 10_000)}
}

func (e *effects) have(_ context.Context, r eventstore.Recorded) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.had[r.Position]++
	e.told <- r.Position
	return nil
}

func (e *effects) all() map[eventstore.Position]int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.had)
}

func database(t testing.TB, embedded bool) *sql.DB {
	t.Helper()
	var driver, dsn string
	engine := migrations.Postgres
	if embedded {
		driver, dsn, engine = "sqlite", "file:"+filepath.Join(t.TempDir(), "views.db")+"?_txlock=immediate&_pragma=journal_mode(WAL)", migrations.SQLite
	} else {
		driver, dsn = "pgx", pgtest.Database(t)+"&search_path=views"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if embedded {
		db.SetMaxOpenConns(1) // as a node has it
	}
	if err := migrations.Up(t.Context(), db, engine, migrations.Views); err != nil {
		t.Fatal(err)
	}
	return db
}

func engines(t *testing.T, f func(t *testing.T, db *sql.DB)) {
	t.Helper()
	for name, embedded := range map[string]bool{"sqlite": true, "postgres": false} {
		t.Run(name, func(t *testing.T) { f(t, database(t, embedded)) })
	}
}

// start runs a reactor until stop is called, which waits for it.
func start(t testing.TB, r *reactors.Reactor, end eventstore.Position) (stop func()) {
	t.Helper()
	if r.Name == "" {
		r.Name = t.Name()
	}
	r.Concerns, r.Logger, r.Pause = concerns, slog.New(slog.DiscardHandler), time.Microsecond
	r.Rest = time.Microsecond
	if r.Now == nil {
		r.Now = time.Now
	}
	if _, err := r.Open(t.Context(), end); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { _ = r.Run(ctx); close(done) }()
	return func() { cancel(); <-done }
}

// Whatever fails how often, and wherever the process stops, each effect that is due
// was had in the end, in whatever order, and after a proper stop none is had again.
func TestEveryEffectIsHad(t *testing.T) {
	db, stories := database(t, true), 0
	rapid.Check(t, func(rt *rapid.T) {
		stories++
		name := fmt.Sprint(stories)
		log, done := newTape(rapid.IntRange(0, 20).Draw(rt, "before")), newEffects()
		end := eventstore.Position(len(log.facts))
		for range rapid.IntRange(1, 3).Draw(rt, "runs") {
			log.grow(rapid.IntRange(0, 40).Draw(rt, "facts"))
			failures := rapid.SliceOfN(rapid.IntRange(0, 2), 3, 3).Draw(rt, "failures")
			var mu sync.Mutex
			failed := map[eventstore.Position]int{}
			stop := start(t, &reactors.Reactor{Name: name, DB: db, Log: log, React: func(ctx context.Context, r eventstore.Recorded) error {
				mu.Lock()
				defer mu.Unlock()
				if n := failed[r.Position]; n < failures[r.Position/3%3] {
					failed[r.Position]++
					return errors.New("not now")
				}
				return done.have(ctx, r)
			}}, end)
			if rapid.Bool().Draw(rt, "all of it") {
				for due := len(log.facts)/3 - int(end)/3; len(done.all()) < due; {
					<-done.told
				}
			}
			stop()
		}
		last := start(t, &reactors.Reactor{Name: name, DB: db, Log: log, React: done.have}, end)
		want := map[eventstore.Position]int{}
		for at := end/3*3 + 3; int(at) <= len(log.facts); at += 3 {
			want[at] = 1
		}
		for len(done.all()) < len(want) {
			<-done.told
		}
		last()
		if got := done.all(); !maps.Equal(got, want) {
			rt.Fatalf("had %v, want %v", got, want)
		}
	})
}

// An effect that keeps failing holds up no other, and is still due when the process
// died meanwhile.
func TestOneEffectHoldsUpNoOther(t *testing.T) {
	engines(t, func(t *testing.T, db *sql.DB) {
		log, done := newTape(0), newEffects()
		stuck := func(ctx context.Context, r eventstore.Recorded) error {
			if r.Position == 6 {
				return errors.New("never")
			}
			return done.have(ctx, r)
		}
		stop := start(t, &reactors.Reactor{DB: db, Log: log, React: stuck}, 0)
		log.grow(30)
		for range 9 {
			<-done.told
		}
		stop()
		stop = start(t, &reactors.Reactor{DB: db, Log: log, React: done.have}, 0)
		for done.all()[6] == 0 {
			<-done.told
		}
		stop()
		if had := done.all(); len(had) != 10 || had[3] != 1 {
			t.Errorf("had %v", had)
		}
	})
}

// until waits for a reactor to have come to a position, under a holder.
func until(t *testing.T, db *sql.DB, at eventstore.Position, holder domain.ID) {
	t.Helper()
	for {
		var position int64
		var held []byte
		if err := db.QueryRow(`SELECT position, holder FROM reactors WHERE reactor = $1`, t.Name()).Scan(&position, &held); err != nil {
			t.Fatal(err)
		}
		if position == int64(at) && domain.ID(held) == holder {
			return
		}
	}
}

// While one node has the turn no other reacts, and once it has left, or is silent
// for too long, another does.
func TestNodesTakeTurns(t *testing.T) {
	engines(t, func(t *testing.T, db *sql.DB) {
		log, first, second := newTape(0), newEffects(), newEffects()
		stop := start(t, &reactors.Reactor{DB: db, Log: log, React: first.have, Holder: domain.ID{1}}, 0)
		log.grow(3)
		<-first.told
		late := func() time.Time { return time.Now().Add(time.Minute) } // has not heard of the first for long
		early := start(t, &reactors.Reactor{DB: db, Log: log, React: second.have, Holder: domain.ID{2}}, 0)
		log.grow(3)
		<-first.told
		early()
		if had := second.all(); len(had) > 0 {
			t.Errorf("two nodes react: %v", had)
		}
		until(t, db, 6, domain.ID{1})
		over := start(t, &reactors.Reactor{DB: db, Log: log, React: second.have, Holder: domain.ID{3}, Now: late}, 0)
		until(t, db, 6, domain.ID{3})
		stop()
		log.grow(3)
		if at := <-second.told; at != 9 {
			t.Errorf("the third effect is %d", at)
		}
		over()
		if had := first.all(); len(had) != 2 {
			t.Errorf("the first had %v", had)
		}
	})
}
