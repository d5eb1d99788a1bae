package projections_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestChangedRowIsFound is what rebuild --check does.
func TestChangedRowIsFound(t *testing.T) {
	engines(t, func(t *testing.T, v views) {
		r := v.runner(t, newTape(history(400, 400).Example(8)))
		if err := r.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := digest(t, r)
		for _, change := range []string{
			`UPDATE api_keys SET revoked_at = revoked_at + 1`,
			`UPDATE credentials SET metadata = NULL WHERE metadata IS NOT NULL`,
			`DELETE FROM audit_index WHERE seq = 3`,
		} {
			if _, err := v.db.Exec(change); err != nil {
				t.Fatal(err)
			}
			got := digest(t, r)
			differ := 0
			for i := range got {
				if got[i] != want[i] {
					differ++
				}
			}
			if differ != 1 {
				t.Errorf("%s: %d tables differ, want 1", change, differ)
			}
			if err := r.Rebuild(t.Context()); err != nil {
				t.Fatal(err)
			}
			same(t, "rebuilt after "+change, digest(t, r), want)
		}
	})
}

// TestViewsHoldNoAddress looks for marks in every column of every table.
func TestViewsHoldNoAddress(t *testing.T) {
	v := sqliteViews(t)
	r := v.runner(t, newTape(history(500, 500).Example(9)))
	if err := r.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, d := range digest(t, r) {
		rows, err := v.db.Query(`SELECT * FROM ` + d.Table)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		values, targets := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		for rows.Next() {
			if err := rows.Scan(targets...); err != nil {
				t.Fatal(err)
			}
			row := fmt.Sprintf("%s", values)
			for _, mark := range []string{markEmail, markPassword, markIP} {
				if strings.Contains(row, mark) {
					t.Errorf("%s holds %s", d.Table, mark)
				}
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
		if d.Rows == 0 {
			t.Errorf("%s is empty: nothing was looked at", d.Table)
		}
	}
}
