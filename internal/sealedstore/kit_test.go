package sealedstore_test

import (
	"crypto/rand"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/pgtest"
	"github.com/quantaseal/quantaseal/internal/sealedstore"
	"github.com/quantaseal/quantaseal/migrations"
)

// durable is how the product opens both databases for writing.
const durable = "?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=secure_delete(ON)&_pragma=temp_store(MEMORY)&_pragma=busy_timeout(100)"

// files is a store, on SQLite in two files, and the clock it reads.
type files struct {
	*sealedstore.Store
	dir string
	now time.Time
}

// engines runs f on a new store on each engine.
func engines(t *testing.T, f func(t *testing.T, f *files)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, newFiles(t)) })
	t.Run("postgres", func(t *testing.T) {
		p := &files{now: time.Unix(1_800_000_000, 0)}
		url := pgtest.Database(t)
		schema := func(set migrations.Set) sealedstore.Database {
			db := handle(t, "pgx", url+"&search_path="+string(set))
			db.SetMaxOpenConns(4)
			db.SetMaxIdleConns(4)
			if err := migrations.Up(t.Context(), db, migrations.Postgres, set); err != nil {
				t.Fatal(err)
			}
			return sealedstore.Database{Write: db, Read: db}
		}
		p.Store = &sealedstore.Store{
			Records: schema(migrations.Records), Keys: schema(migrations.Keys), Now: func() time.Time { return p.now },
		}
		p.open(t)
		f(t, p)
	})
}

func newFiles(t testing.TB) *files {
	t.Helper()
	f := &files{dir: t.TempDir(), now: time.Unix(1_800_000_000, 0)}
	f.Store = &sealedstore.Store{
		Records: f.database(t, "records"), Keys: f.database(t, "keys"), Embedded: true,
		Now: func() time.Time { return f.now },
	}
	f.open(t)
	return f
}

func (f *files) open(t testing.TB) {
	t.Helper()
	if _, err := f.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
}

func (f *files) database(t testing.TB, name string) sealedstore.Database {
	t.Helper()
	path := "file:" + filepath.Join(f.dir, name+".db")
	d := sealedstore.Database{Write: handle(t, "sqlite", path+durable), Read: handle(t, "sqlite", path+"?_pragma=busy_timeout(100)")}
	d.Write.SetMaxOpenConns(1)
	d.Read.SetMaxOpenConns(4)
	d.Read.SetMaxIdleConns(4)
	if err := migrations.Up(t.Context(), d.Write, migrations.SQLite, migrations.Set(name)); err != nil {
		t.Fatal(err)
	}
	return d
}

func handle(t testing.TB, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// disk returns every byte that the files of the keys occupy: none on PostgreSQL.
func (f *files) disk(t *testing.T) []byte {
	t.Helper()
	var all []byte
	for _, name := range []string{"keys.db", "keys.db-wal"} {
		b, err := os.ReadFile(filepath.Join(f.dir, name))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	return all
}

var _ commands.Records = (*sealedstore.Store)(nil)

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

func newSealed() domain.SealedRecord {
	return domain.SealedRecord{
		Record: random(5900), Slot: random(165),
		Hash: domain.Digest(random(32)), KEMKeyID: domain.Digest(random(32)),
	}
}

func tenant(n byte) domain.TenantID { return domain.TenantID{ID: domain.ID{15: n}} }

func credential(n byte) domain.CredentialID { return domain.CredentialID{ID: domain.ID{0: n}} }
