package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/eventstore/sqlite"
	"github.com/quantaseal/quantaseal/eventstore/storetest"
)

func open(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// handle opens the file as somebody else would.
func handle(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func engine(t *testing.T) storetest.Engine {
	t.Helper()
	path := filepath.Join(t.TempDir(), "events.db")
	store := open(t, path)
	exec := func(ctx context.Context, statement string) error {
		_, err := handle(t, path).ExecContext(ctx, statement)
		return err
	}
	return storetest.Engine{
		Store: store, Table: "events", Exec: exec,
		Force: func(ctx context.Context, statement string) error {
			return exec(ctx, `DROP TRIGGER IF EXISTS events_no_update; DROP TRIGGER IF EXISTS events_no_delete; `+statement)
		},
	}
}

func TestStore(t *testing.T) { storetest.Test(t, engine(t)) }

// TestReopened closes the file and goes on with it.
func TestReopened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?#%41.db") // nothing of which means anything
	tenant := domain.TenantID{ID: domain.ID{1}}
	var head chain.Head
	for n := range 3 {
		s, err := sqlite.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		var records []chain.Record
		records, head = storetest.Records(tenant, head, 2)
		first, err := s.Append(t.Context(), tenant, records)
		if want := eventstore.Position(2*n + 1); err != nil || first != want {
			t.Fatalf("appended at %d, %v; want %d", first, err, want)
		}
		if got, err := s.Head(t.Context(), tenant); err != nil || got != head {
			t.Fatalf("head is %v, %v; want %v", got, err, head)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the file is %v, %v; want readable by its owner alone", info.Mode(), err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil || len(left) != 1 {
		t.Fatalf("closing leaves %q, %v; want the one file", left, err)
	}
}

// TestReplaceIsRefused makes sure that no other statement does what DELETE may not.
func TestReplaceIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.db")
	s := open(t, path)
	tenant := domain.TenantID{ID: domain.ID{1}}
	records, _ := storetest.Records(tenant, chain.Head{}, 2)
	if _, err := s.Append(t.Context(), tenant, records); err != nil {
		t.Fatal(err)
	}
	if err := sqlite.ExecOnWriter(t.Context(), s, `INSERT OR REPLACE INTO events SELECT * FROM events`); err == nil {
		t.Fatal("records were replaced")
	}
	if err := sqlite.ExecOnReader(t.Context(), s, `CREATE TABLE x (y)`); err == nil {
		t.Fatal("a reader wrote")
	}
}

// TestFullDisk leaves no room for what is appended: that is a fault and no
// conflict, nothing is kept, and the store goes on once there is room.
func TestFullDisk(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "events.db"))
	tenant := domain.TenantID{ID: domain.ID{1}}
	kept, head := storetest.Records(tenant, chain.Head{}, 2)
	if _, err := s.Append(t.Context(), tenant, kept); err != nil {
		t.Fatal(err)
	}
	if err := sqlite.ExecOnWriter(t.Context(), s, `PRAGMA max_page_count = 20`); err != nil {
		t.Fatal(err)
	}
	records, after := storetest.Records(tenant, head, 30)
	if _, err := s.Append(t.Context(), tenant, records); err == nil || errors.Is(err, eventstore.ErrConflict) {
		t.Fatalf("got %v, want a fault that is no conflict", err)
	}
	if got, err := s.Head(t.Context(), tenant); err != nil || got != head {
		t.Fatalf("head is %v, %v; want %v", got, err, head)
	}
	if err := sqlite.ExecOnWriter(t.Context(), s, `PRAGMA max_page_count = 100000`); err != nil {
		t.Fatal(err)
	}
	if first, err := s.Append(t.Context(), tenant, records); err != nil || first != 3 {
		t.Fatalf("appended at %d, %v; want 3", first, err)
	}
	if got, err := s.Head(t.Context(), tenant); err != nil || got != after {
		t.Fatalf("head is %v, %v; want %v", got, err, after)
	}
}

// TestNotAStore opens what is no database.
func TestNotAStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.db")
	if err := os.WriteFile(path, bytes.Repeat([]byte("not a database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := sqlite.Open(t.Context(), path); err == nil {
		t.Fatal("opened it", s.Close())
	}
}

// BenchmarkAppend has 64 writers, each with a chain of its own, append one record
// at a time.
func BenchmarkAppend(b *testing.B) {
	storetest.BenchmarkAppend(b, open(b, filepath.Join(b.TempDir(), "events.db")))
}

func TestLog(t *testing.T) { storetest.TestLog(t, engine(t)) }
