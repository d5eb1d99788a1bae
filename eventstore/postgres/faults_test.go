package postgres_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/eventstore/storetest"
	"github.com/quantaseal/quantaseal/internal/pgtest"
)

// must runs a statement.
func must(t *testing.T, pool *pgxpool.Pool, statement string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// terminate ends sessions that others have with the database, as many as there
// are, and returns once it has ended one.
func terminate(t *testing.T, pool *pgxpool.Pool, which string) {
	t.Helper()
	for ended := 0; ended == 0; {
		if err := pool.QueryRow(t.Context(), `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid() AND `+which).Scan(&ended); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLostConnection loses the connection while the server has an append. That is
// no conflict: nobody knows.
func TestLostConnection(t *testing.T) {
	url := pgtest.Database(t)
	s, pool := connect(t, url)
	turn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer turn.Release()
	if _, err := turn.Exec(t.Context(), `SELECT pg_advisory_lock(1901426000, 1)`); err != nil {
		t.Fatal(err)
	}
	tenant := domain.TenantID{ID: domain.ID{1}}
	records, head := storetest.Records(tenant, chain.Head{}, 2)
	appended := make(chan error)
	go func() {
		_, err := s.Append(t.Context(), tenant, records)
		appended <- err
	}()
	terminate(t, pool, `wait_event = 'advisory'`)
	if err := <-appended; err == nil || errors.Is(err, eventstore.ErrConflict) {
		t.Fatalf("got %v, want a fault that is no conflict", err)
	}
	if _, err := turn.Exec(t.Context(), `SELECT pg_advisory_unlock(1901426000, 1)`); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(t.Context(), tenant, records); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Head(t.Context(), tenant); err != nil || got != head {
		t.Fatalf("head is %v, %v; want %v", got, err, head)
	}
}

// TestSessionsEnd ends every session again and again while facts are appended.
func TestSessionsEnd(t *testing.T) {
	url := pgtest.Database(t)
	s, pool := connect(t, url)
	_, from := connect(t, url)
	storetest.TestCrash(t, s, func() {
		for range 20 {
			terminate(t, from, `true`)
		}
		pool.Reset() // reads need not find out one by one
	})
}

// TestServerCrashes kills the server while facts are appended.
func TestServerCrashes(t *testing.T) {
	cluster, err := pgtest.NewCluster()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	url, err := cluster.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s, pool := connect(t, url)
	storetest.TestCrash(t, s, func() {
		if err := errors.Join(cluster.KillImmediate(), cluster.Start()); err != nil {
			t.Error(err)
		}
		pool.Reset()
	})
}

// TestListensAgain ends the session that listens: what others append afterwards is
// noticed all the same.
func TestListensAgain(t *testing.T) {
	url := pgtest.Database(t)
	s, _ := connect(t, url)
	peer, pool := connect(t, url)
	tenant, head := domain.TenantID{ID: domain.ID{1}}, chain.Head{}
	var records []chain.Record
	for n := range eventstore.Position(3) {
		terminate(t, pool, `query LIKE '%max(pos)%'`)
		records, head = storetest.Records(tenant, head, 1)
		if _, err := peer.Append(t.Context(), tenant, records); err != nil {
			// The peer's session was ended too, and this append may be in or not.
			if _, err := peer.Append(t.Context(), tenant, records); err != nil && !errors.Is(err, eventstore.ErrConflict) {
				t.Fatal(err)
			}
		}
		if err := s.Wait(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
}

// TestHashTampered changes what appends are compared with.
func TestHashTampered(t *testing.T) {
	e := engine(t)
	tenant := domain.TenantID{ID: domain.ID{1}}
	records, _ := storetest.Records(tenant, chain.Head{}, 2)
	if _, err := e.Store.Append(t.Context(), tenant, records); err != nil {
		t.Fatal(err)
	}
	if err := e.Force(t.Context(), `UPDATE events.events SET hash = (SELECT hash FROM events.events WHERE pos = 1) WHERE pos = 2`); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Store.Head(t.Context(), tenant); !errors.Is(err, eventstore.ErrTampered) {
		t.Fatalf("got %v, want that it was tampered with", err)
	}
}

// BenchmarkAppend has 64 writers, each with a chain of its own, append one record
// at a time.
func BenchmarkAppend(b *testing.B) {
	s, _ := connect(b, pgtest.Database(b))
	storetest.BenchmarkAppend(b, s)
}
