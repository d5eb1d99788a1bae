package ratelimit_test

import (
	"database/sql"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/quantaseal/quantaseal/internal/pgtest"
	"github.com/quantaseal/quantaseal/internal/ratelimit"
	"github.com/quantaseal/quantaseal/migrations"
)

// clock stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 5, 24, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// database returns a handle on a migrated table of counters.
func database(t testing.TB, engine migrations.Engine) *sql.DB {
	t.Helper()
	driver, name := "sqlite", "file:"+filepath.Join(t.TempDir(), "limits.db")+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_txlock=immediate"
	if engine == migrations.Postgres {
		driver, name = "pgx", pgtest.Database(t)+"&search_path=limits"
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if engine == migrations.SQLite {
		db.SetMaxOpenConns(1)
	}
	if err := migrations.Up(t.Context(), db, engine, migrations.Limits); err != nil {
		t.Fatal(err)
	}
	return db
}

// node returns a limiter that counts in db, or by itself if that is nil.
func node(t testing.TB, db *sql.DB, c *clock, log slog.Handler) *ratelimit.Limiter {
	t.Helper()
	const size = 1000
	l := &ratelimit.Limiter{Size: size, Now: c.Now, Logger: slog.New(log)}
	if db != nil {
		var err error
		if l.Shared, err = ratelimit.OpenShared(t.Context(), db, size, c.Now); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Shared.Close() })
	}
	if _, err := l.Open(); err != nil {
		t.Fatal(err)
	}
	return l
}

// engines runs f with the nodes of a deployment, for each way to count.
func engines(t *testing.T, f func(t *testing.T, c *clock, nodes ...*ratelimit.Limiter)) {
	t.Run("memory", func(t *testing.T) {
		c := newClock()
		f(t, c, node(t, nil, c, slog.DiscardHandler))
	})
	for _, engine := range []migrations.Engine{migrations.SQLite, migrations.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			c, db := newClock(), database(t, engine)
			f(t, c, node(t, db, c, slog.DiscardHandler), node(t, db, c, slog.DiscardHandler))
		})
	}
}
