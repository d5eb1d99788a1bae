package projections_test

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/quantaseal/quantaseal/internal/pgtest"
	"github.com/quantaseal/quantaseal/migrations"
	"github.com/quantaseal/quantaseal/projections"
)

// views are empty read models in a database.
type views struct {
	db       *sql.DB
	embedded bool
}

func sqliteViews(t testing.TB) views {
	t.Helper()
	db := open(t, "sqlite", "file:"+filepath.Join(t.TempDir(), "views.db")+
		"?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=temp_store(MEMORY)&_pragma=busy_timeout(5000)")
	db.SetMaxOpenConns(1)
	if err := migrations.Up(t.Context(), db, migrations.SQLite, migrations.Views); err != nil {
		t.Fatal(err)
	}
	return views{db, true}
}

func postgresViews(t testing.TB) views {
	t.Helper()
	db := open(t, "pgx", pgtest.Database(t)+"&search_path=views")
	if err := migrations.Up(t.Context(), db, migrations.Postgres, migrations.Views); err != nil {
		t.Fatal(err)
	}
	return views{db, false}
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

// runner returns a runner of the vault's projections, or of those given, that
// folds log into v.
func (v views) runner(t testing.TB, log projections.Log, only ...projections.Projection) *projections.Runner {
	t.Helper()
	r, err := (&projections.Runner{
		DB: v.db, Embedded: v.embedded, Log: log, Projections: only, Logger: slog.New(slog.DiscardHandler),
	}).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r.Hurry()
	return r
}

func digest(t testing.TB, r *projections.Runner) []projections.TableDigest {
	t.Helper()
	d, err := r.Digest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// start runs r until the test, or stop, ends it.
func start(t testing.TB, r *projections.Runner) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = r.Run(ctx) // the error of ctx
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

func same(t testing.TB, what string, got, want []projections.TableDigest) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: %s", what, diff)
	}
}
