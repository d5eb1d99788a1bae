package multirow_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"slices"
	"testing"

	_ "modernc.org/sqlite"
	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/internal/multirow"
)

func open(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "rows.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Exec(`CREATE TABLE pairs (a INTEGER PRIMARY KEY, b TEXT NOT NULL)`); err != nil {
		t.Fatal(err)
	}
	return db
}

func TestRowsOfAnyNumberArriveWhole(t *testing.T) {
	db := open(t)
	insert, err := multirow.Prepare(t.Context(), db, `INSERT INTO pairs (a, b)`, 2, `ON CONFLICT (a) DO NOTHING`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := insert.Close(); err != nil {
			t.Error(err)
		}
	}()
	rapid.Check(t, func(t *rapid.T) {
		ctx := context.Background()
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback() }()
		want := rapid.SliceOfNDistinct(rapid.IntRange(1, 1000), 0, 200, rapid.ID).Draw(t, "rows")
		var args []any
		for _, a := range want {
			args = append(args, a, "row")
		}
		if len(want) > 0 {
			args = append(args, want[0], "again")
		}
		if err := insert.Exec(ctx, tx, args); err != nil {
			t.Fatal(err)
		}
		rows, err := tx.Query(`SELECT a FROM pairs WHERE b = 'row' ORDER BY a`)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		var got []int
		for rows.Next() {
			var a int
			if err := rows.Scan(&a); err != nil {
				t.Fatal(err)
			}
			got = append(got, a)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("got rows %v, want %v", got, want)
		}
	})
}

func TestHalfARowIsRefused(t *testing.T) {
	db := open(t)
	insert, err := multirow.Prepare(t.Context(), db, `INSERT INTO pairs (a, b)`, 2, ``)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = insert.Close() }()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if err := insert.Exec(t.Context(), tx, []any{1, "row", 2}); err == nil {
		t.Error("three values made rows of two")
	}
}

func TestUnknownTableFailsToPrepare(t *testing.T) {
	if _, err := multirow.Prepare(t.Context(), open(t), `INSERT INTO nothing (a)`, 1, ``); err == nil {
		t.Error("prepared for a table that is not there")
	}
}
