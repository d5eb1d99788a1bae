package postgres_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/eventstore/postgres"
	"github.com/quantaseal/quantaseal/eventstore/storetest"
	"github.com/quantaseal/quantaseal/internal/pgtest"
)

// TestUnsafeServer opens databases that lose or confuse what was committed.
func TestUnsafeServer(t *testing.T) {
	url := pgtest.Database(t)
	_, pool := connect(t, url)
	must(t, pool, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$`)
	unsafe, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer unsafe.Close()
	var log bytes.Buffer
	s, err := postgres.Open(t.Context(), unsafe, slog.New(slog.NewTextHandler(&log, nil)))
	if err == nil {
		t.Fatal("opened it", s.Close())
	}
	if !strings.Contains(err.Error(), "synchronous_commit") || log.Len() > 0 {
		t.Fatalf("got %v and %s", err, &log)
	}
}

// TestOtherDefaults runs the races on a database whose defaults would break them.
func TestOtherDefaults(t *testing.T) {
	e := engine(t)
	if err := e.Exec(t.Context(), `DO $$ BEGIN
		EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = serializable', current_database());
		EXECUTE format('ALTER DATABASE %I SET search_path = nowhere', current_database());
	END $$`); err != nil {
		t.Fatal(err)
	}
	e.Store = e.Peer(t) // which is connected with these defaults
	e.TestRaces(t)
}

// TestNodesStartTogether opens an empty database from many nodes at once.
func TestNodesStartTogether(t *testing.T) {
	url := pgtest.Database(t)
	var wg sync.WaitGroup
	for i := range byte(4) {
		wg.Go(func() {
			pool, err := pgxpool.New(t.Context(), url)
			if err != nil {
				t.Error(err)
				return
			}
			defer pool.Close()
			s, err := postgres.Open(t.Context(), pool, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Error(err)
				return
			}
			tenant := domain.TenantID{ID: domain.ID{i + 1}}
			records, _ := storetest.Records(tenant, chain.Head{}, 1)
			if _, err := s.Append(t.Context(), tenant, records); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// TestLeastRights runs a node as a role that may do what docs/operations.md grants
// it: it can neither change nor remove records, nor lift what keeps it from that.
func TestLeastRights(t *testing.T) {
	url := pgtest.Database(t)
	_, owner := connect(t, url)
	const role = "app"
	must(t, owner, `DROP ROLE IF EXISTS `+role)
	must(t, owner, `CREATE ROLE `+role+` LOGIN`)
	t.Cleanup(func() {
		if _, err := owner.Exec(context.Background(), `DROP OWNED BY `+role+`; DROP ROLE `+role); err != nil {
			t.Error(err)
		}
	})
	must(t, owner, `GRANT USAGE ON SCHEMA events TO `+role)
	must(t, owner, `GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA events TO `+role)
	must(t, owner, `GRANT USAGE ON ALL SEQUENCES IN SCHEMA events TO `+role)
	s, pool := connect(t, strings.Replace(url, "postgres@", role+"@", 1))
	tenant := domain.TenantID{ID: domain.ID{1}}
	records, _ := storetest.Records(tenant, chain.Head{}, 3)
	if _, err := s.Append(t.Context(), tenant, records); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`UPDATE events.events SET seq = seq`,
		`DELETE FROM events.events`,
		`TRUNCATE events.events`,
		`ALTER TABLE events.events DISABLE TRIGGER ALL`,
		`DROP TABLE events.events`,
		`CREATE TABLE events.more (x INT)`,
	} {
		if _, err := pool.Exec(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "permission denied") && !strings.Contains(err.Error(), "must be owner") {
			t.Errorf("%s: %v", statement, err)
		}
	}
}
