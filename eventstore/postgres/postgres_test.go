package postgres_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/postgres"
	"github.com/quantaseal/quantaseal/eventstore/storetest"
	"github.com/quantaseal/quantaseal/internal/pgtest"
)

// connect opens a store in the database at url, as a process of its own does.
func connect(t testing.TB, url string) (*postgres.Store, *pgxpool.Pool) {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	s, err := postgres.Open(t.Context(), pool, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, pool
}

func engine(t *testing.T) storetest.Engine {
	t.Helper()
	url := pgtest.Database(t)
	store, pool := connect(t, url)
	exec := func(ctx context.Context, statement string) error {
		_, err := pool.Exec(ctx, statement)
		return err
	}
	return storetest.Engine{
		Store: store, Table: "events.events", Exec: exec,
		Peer: func(t *testing.T) eventstore.Store {
			t.Helper()
			peer, _ := connect(t, url)
			return peer
		},
		Force: func(ctx context.Context, statement string) error {
			return exec(ctx, `ALTER TABLE events.events DISABLE TRIGGER USER; `+statement)
		},
		Refused: []string{
			`TRUNCATE events.events`,
			`TRUNCATE events.events CASCADE`,
			`SET session_replication_role = replica; DELETE FROM events.events`,
		},
	}
}

func TestStore(t *testing.T) { storetest.Test(t, engine(t)) }

func TestLog(t *testing.T) { storetest.TestLog(t, engine(t)) }
