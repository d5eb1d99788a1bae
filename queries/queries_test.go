package queries_test

import (
	"context"
	"database/sql"
	"iter"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/pgtest"
	"github.com/quantaseal/quantaseal/migrations"
	"github.com/quantaseal/quantaseal/projections"
	"github.com/quantaseal/quantaseal/queries"
)

var _ commands.Lookups = (*queries.Queries)(nil)

// world is a log in memory, the read models folded from it, and the questions.
type world struct {
	*queries.Queries
	runner *projections.Runner
	facts  []eventstore.Recorded
	seqs   map[domain.TenantID]uint64
	now    int64 // stamp of the next fact, Unix microseconds
	drawn  byte
	reads  int // of the log, by a question
}

// engines runs f in a new world on each engine.
func engines(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, newWorld(t, true)) })
	t.Run("postgres", func(t *testing.T) { f(t, newWorld(t, false)) })
}

func newWorld(t testing.TB, embedded bool) *world {
	t.Helper()
	var db *sql.DB
	if embedded {
		db = open(t, "sqlite", "file:"+filepath.Join(t.TempDir(), "views.db")+"?_txlock=immediate&_pragma=journal_mode(WAL)")
		up(t, db, migrations.SQLite)
	} else {
		db = open(t, "pgx", pgtest.Database(t)+"&search_path=views")
		up(t, db, migrations.Postgres)
	}
	w := &world{seqs: map[domain.TenantID]uint64{}, now: 1_800_000_000_000_000}
	w.Queries = &queries.Queries{DB: db, Log: w}
	var err error
	w.runner, err = (&projections.Runner{DB: db, Embedded: embedded, Log: w, Logger: slog.New(slog.DiscardHandler)}).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func open(t testing.TB, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func up(t testing.TB, db *sql.DB, engine migrations.Engine) {
	t.Helper()
	if err := migrations.Up(t.Context(), db, engine, migrations.Views); err != nil {
		t.Fatal(err)
	}
}

// id returns an id that no other call returns.
func (w *world) id() domain.ID {
	w.drawn++
	return domain.ID{0: w.drawn, 6: 0x40, 8: 0x80, 13: byte(len(w.facts)), 14: byte(len(w.facts) >> 8)}
}

func (w *world) digest() domain.Digest {
	a, b := w.id(), w.id()
	return domain.Digest(append(a[:], b[:]...))
}

// append puts a fact about id at the end of the log, a second after the last.
func (w *world) append(by domain.Actor, kind domain.AggregateKind, id domain.ID, e domain.Event) {
	w.facts = append(w.facts, eventstore.Recorded{
		Position: eventstore.Position(len(w.facts) + 1), Event: e, Origin: by.Origin,
		Header: chain.Header{
			Tenant: by.Tenant.ID, Seq: w.seqs[by.Tenant], TimeUS: uint64(w.now), EventType: e.EventType().Name,
			ActorKind: uint8(by.Kind), ActorID: by.ID, Outcome: uint8(domain.OutcomeOf(e)),
			AggregateKind: uint8(kind), AggregateID: id,
		},
	})
	w.seqs[by.Tenant]++
	w.now += time.Second.Microseconds()
}

// fold brings the read models up to date.
func (w *world) fold(t interface{ Fatal(...any) }) {
	if err := w.runner.CatchUp(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func (w *world) Read(_ context.Context, after eventstore.Position, limit int) ([]eventstore.Recorded, error) {
	rest := w.facts[after:]
	return rest[:min(limit, len(rest))], nil
}

func (w *world) Wait(ctx context.Context, _ eventstore.Position) error {
	<-ctx.Done()
	return ctx.Err()
}

func (w *world) At(_ context.Context, tenant domain.TenantID, seq uint64) (eventstore.Recorded, error) {
	w.reads++
	for _, f := range w.facts {
		if f.Header.Tenant == tenant.ID && f.Header.Seq == seq {
			return f, nil
		}
	}
	return eventstore.Recorded{}, eventstore.ErrNotFound
}

func (w *world) Latest(_ context.Context, tenant domain.TenantID, id domain.AggregateID) (eventstore.Recorded, error) {
	for _, f := range slices.Backward(w.facts) {
		if f.Header.Tenant == tenant.ID && f.Aggregate() == id {
			return f, nil
		}
	}
	return eventstore.Recorded{}, eventstore.ErrNotFound
}

func (w *world) Find(_ context.Context, tenant domain.TenantID, id domain.ID) (eventstore.Recorded, error) {
	for _, f := range w.facts {
		if f.Header.Tenant == tenant.ID && f.Header.EventID == id {
			return f, nil
		}
	}
	return eventstore.Recorded{}, eventstore.ErrNotFound
}

func (w *world) History(_ context.Context, tenant domain.TenantID, from uint64) iter.Seq2[eventstore.Recorded, error] {
	w.reads++
	return func(yield func(eventstore.Recorded, error) bool) {
		for _, f := range w.facts {
			if f.Header.Tenant == tenant.ID && f.Header.Seq >= from && !yield(f, nil) {
				return
			}
		}
	}
}

func user(tenant domain.TenantID, n byte) domain.Actor {
	id := domain.ID{15: n}
	return domain.Actor{Tenant: tenant, Kind: domain.ActorUser, ID: id, User: domain.UserID{ID: id}}
}

var (
	acme  = domain.TenantID{ID: domain.ID{0: 0xac}}
	other = domain.TenantID{ID: domain.ID{0: 0x07}}
)
