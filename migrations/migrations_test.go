package migrations_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/quantaseal/quantaseal/internal/pgtest"
	"github.com/quantaseal/quantaseal/migrations"
)

func TestUpTwiceIsUpOnce(t *testing.T) {
	for _, set := range []migrations.Set{migrations.Events, migrations.Records, migrations.Keys, migrations.Views, migrations.Limits, migrations.Anchors} {
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

// TestNodesMigrateTogether migrates every set in one PostgreSQL database from many
// nodes at once: each is in its own schema, and sessions are left as they were.
func TestNodesMigrateTogether(t *testing.T) {
	url := pgtest.Database(t)
	sets := []migrations.Set{migrations.Events, migrations.Records, migrations.Keys, migrations.Views, migrations.Limits, migrations.Anchors}
	var wg sync.WaitGroup
	for range 4 {
		db, err := sql.Open("pgx", url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		db.SetMaxOpenConns(1)
		wg.Go(func() {
			for _, set := range sets {
				if err := migrations.Up(t.Context(), db, migrations.Postgres, set); err != nil {
					t.Error(err)
				}
			}
			var path string
			if err := db.QueryRow(`SHOW search_path`).Scan(&path); err != nil || path != `"$user", public` {
				t.Errorf("the session is left in %s, %v", path, err)
			}
		})
	}
	wg.Wait()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, set := range sets {
		var versions, applied int
		if err := db.QueryRow(`SELECT count(DISTINCT version_id), count(*) FROM `+string(set)+`.goose_db_version`).Scan(&versions, &applied); err != nil {
			t.Fatal(err)
		}
		if versions < 2 || applied != versions {
			t.Errorf("%s: %d migrations were applied %d times", set, versions, applied)
		}
	}
}

// TestFilesAreOneStatement finds what goose would cut into pieces.
func TestFilesAreOneStatement(t *testing.T) {
	files, err := filepath.Glob("*/*/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if s := string(text); !strings.HasPrefix(s, "-- +goose Up\n-- +goose StatementBegin\n") ||
			!strings.HasSuffix(s, ";\n-- +goose StatementEnd\n") || strings.Count(s, "+goose") != 3 {
			t.Errorf("%s is not one statement", file)
		}
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
