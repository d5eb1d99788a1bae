package migrations_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/quantaseal/quantaseal/migrations"
)

func TestUpTwiceIsUpOnce(t *testing.T) {
	for _, set := range []migrations.Set{migrations.Events, migrations.Records, migrations.Keys} {
		t.Run(string(set), func(t *testing.T) {
			db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "it.db"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			db.SetMaxOpenConns(1)
			var before int
			for range 2 {
				if err := migrations.Up(t.Context(), db, migrations.SQLite, set); err != nil {
					t.Fatal(err)
				}
				var version int
				if err := db.QueryRow(`SELECT max(version_id) FROM goose_db_version`).Scan(&version); err != nil {
					t.Fatal(err)
				}
				if version == 0 || before != 0 && version != before {
					t.Fatalf("version %d after %d", version, before)
				}
				before = version
			}
		})
	}
}

func TestUpNeedsAKnownSet(t *testing.T) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "it.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := migrations.Up(t.Context(), db, migrations.SQLite, "elsewhere"); err == nil {
		t.Fatal("migrated a set that does not exist")
	}
}
