package vaulttest_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
	"github.com/quantaseal/quantaseal/migrations"
)

// exhibit is the database of a stopped server, in the hands of somebody who owns
// it: no trigger, no index and no constraint that they could not take away.
type exhibit struct {
	db       *sql.DB
	node     *node.Node // reads what is there
	tenant   domain.TenantID
	foreign  domain.TenantID
	receipts []chain.Receipt // of the last event alone
	columns  []string
	next     int64        // a position that is free
	bundle   bytes.Buffer // what judge exports, kept for its room
}

// exhibits runs f on the database of each engine.
func exhibits(t *testing.T, f func(t *testing.T, x *exhibit)) {
	t.Helper()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		other, _ := story(t, v, "other@example.com")
		a, _ := story(t, v, "owner@example.com")
		last := a.Must(t, 201, "POST", sealPath, `{"name":"the last","secret":"s"}`).Receipt(t)
		v.Stop()
		x := &exhibit{
			tenant: tenantID(t, a.TenantID), foreign: tenantID(t, other.TenantID), receipts: receiptsOf(t, last),
		}
		c := v.Config
		if c.DatabaseURL == "" {
			c.Data = t.TempDir()
			if err := os.CopyFS(c.Data, os.DirFS(v.Data)); err != nil {
				t.Fatal(err)
			}
			_ = filepath.WalkDir(c.Data, func(path string, _ fs.DirEntry, _ error) error { return os.Chmod(path, 0o700) })
		}
		var err error
		if x.node, err = node.Open(t.Context(), c, node.Options{Version: "test", Logger: slog.New(slog.DiscardHandler)}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = x.node.Close() })
		x.db = underneath(t, c, migrations.Events)
		x.seize(t, c.DatabaseURL == "")
		if how := x.judge(t, x.receipts...); how != "" {
			t.Fatalf("the untouched database is called tampered with: %s", how)
		}
		f(t, x)
	})
}

func tenantID(t *testing.T, id string) domain.TenantID {
	t.Helper()
	parsed, err := domain.ParseID(id)
	if err != nil {
		t.Fatal(err)
	}
	return domain.TenantID{ID: parsed}
}

// seize takes away whatever stands in the way of changing records.
func (x *exhibit) seize(t *testing.T, embedded bool) {
	t.Helper()
	statements := []string{`DROP INDEX events_chain`, `DROP INDEX events_id`, `DROP INDEX events_aggregate`}
	if embedded {
		statements = append(statements, `DROP TRIGGER events_no_update`, `DROP TRIGGER events_no_delete`,
			`PRAGMA ignore_check_constraints = ON`, `PRAGMA synchronous = OFF`)
	} else {
		statements = append(statements, `ALTER TABLE events DISABLE TRIGGER ALL`, `SET synchronous_commit = off`)
	}
	for _, s := range statements {
		if _, err := x.db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	rows, err := x.db.QueryContext(t.Context(), `SELECT * FROM events LIMIT 0`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	if x.columns, err = rows.Columns(); err != nil || rows.Err() != nil || len(x.columns) < 10 {
		t.Fatalf("columns %v, %v", x.columns, err)
	}
	last, err := x.node.Log.Store.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	x.next = int64(last) + 1
}

// judge returns how a tampering is noticed: by who verifies a fresh export, or by
// the server as it reads and folds. It returns "" if it is not.
func (x *exhibit) judge(t *testing.T, receipts ...chain.Receipt) string {
	t.Helper()
	x.bundle.Reset()
	if err := x.node.Export(t.Context(), &x.bundle, x.tenant, "bundle", 0, nil); err != nil {
		return "the server: " + err.Error()
	}
	id := x.node.Ring.LogID()
	for _, fast := range []bool{true, false} { // most shows without the signatures, which are dear
		if _, found := verify(t, x.bundle.Bytes(), chain.Options{LogID: &id, Receipts: receipts, Fast: fast}); len(found) > 0 {
			return found[0].Error()
		}
	}
	for after := eventstore.Position(0); ; {
		facts, err := x.node.Log.Read(t.Context(), after, 256)
		if err != nil {
			return "the server: " + err.Error()
		}
		if len(facts) == 0 {
			break
		}
		after = facts[len(facts)-1].Position
	}
	if _, err := x.node.Rebuild(t.Context()); err != nil {
		return "the server: " + err.Error()
	}
	return ""
}

// row returns what stands at a position of the log.
func (x *exhibit) row(t *testing.T, pos int64) []any {
	t.Helper()
	values, targets := make([]any, len(x.columns)), make([]any, len(x.columns))
	for i := range values {
		targets[i] = &values[i]
	}
	if err := x.db.QueryRowContext(t.Context(), `SELECT * FROM events WHERE pos = $1`, pos).Scan(targets...); err != nil {
		t.Fatal(err)
	}
	for i, v := range values {
		if b, ok := v.([]byte); ok {
			values[i] = bytes.Clone(b)
		}
	}
	return values
}

// positions returns where the tenant's records stand, in the order of its chain.
func (x *exhibit) positions(t *testing.T, tenant domain.TenantID) (found []int64) {
	t.Helper()
	rows, err := x.db.QueryContext(t.Context(), `SELECT pos FROM events WHERE tenant_id = $1 ORDER BY seq`, tenant.ID[:])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var pos int64
		if err := rows.Scan(&pos); err != nil {
			t.Fatal(err)
		}
		found = append(found, pos)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

// remove deletes rows and put writes one.
func (x *exhibit) remove(t *testing.T, positions ...int64) {
	t.Helper()
	for _, pos := range positions {
		change(t, x.db, `DELETE FROM events WHERE pos = $1`, pos)
	}
}

func (x *exhibit) put(t *testing.T, row []any) {
	t.Helper()
	marks := make([]string, len(row))
	for i := range marks {
		marks[i] = fmt.Sprintf("$%d", i+1)
	}
	change(t, x.db, `INSERT INTO events (`+strings.Join(x.columns, ", ")+`) VALUES (`+strings.Join(marks, ", ")+`)`, row...)
}

// with returns a copy of row in which a column has another value.
func (x *exhibit) with(t *testing.T, row []any, column string, value any) []any {
	t.Helper()
	i := slices.Index(x.columns, column)
	if i < 0 {
		t.Fatalf("there is no column %s", column)
	}
	row = slices.Clone(row)
	row[i] = value
	return row
}

// How long a column may be for each of its bytes to be changed, and how many are
// of a longer one.
const (
	shortColumn = 32
	someBytes   = 24
)

// variants returns values that differ from v by one byte, or in that there is
// none, or one where there was none.
func variants(random *rand.Rand, v any) []any {
	all := []any{nil}
	switch v := v.(type) {
	case nil:
		return []any{int64(1), []byte{0}}
	case int64:
		for shift := 0; shift < 63; shift += 8 {
			all = append(all, v^1<<shift)
		}
	case []byte:
		step := 1
		if len(v) > shortColumn {
			step = len(v)/someBytes + 1
		}
		for i := random.IntN(step); i < len(v); i += step {
			changed := bytes.Clone(v)
			changed[i] ^= 1 << random.IntN(8)
			all = append(all, changed)
		}
		all = append(all, v[:max(0, len(v)-1)], append(bytes.Clone(v), 0))
	}
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// TestEveryColumnIsWatched changes single bytes in every column of events: in the
// first record and in one with personal data many of them, all where they are few,
// and in the others some.
func TestEveryColumnIsWatched(t *testing.T) {
	t.Parallel()
	exhibits(t, func(t *testing.T, x *exhibit) {
		random := rand.New(rand.NewPCG(rand.Uint64(), 0))
		positions := x.positions(t, x.tenant)
		changed := map[string]int{}
		for n, pos := range positions {
			was := x.row(t, pos)
			for i, column := range x.columns {
				taken, most := 0, 1
				if n == 0 || n == len(positions)/2 {
					most = math.MaxInt
				}
				for _, value := range variants(random, was[i]) {
					if taken == most {
						break
					}
					update := `UPDATE events SET ` + column + ` = $1 WHERE pos = $2`
					if _, err := x.db.ExecContext(t.Context(), update, value, pos); err != nil {
						continue // not even the table takes it
					}
					taken++
					changed[column]++
					if how := x.judge(t); how == "" {
						t.Errorf("record %d: %s was %x, is %x, and nobody noticed", n, column, was[i], value)
					}
					at := pos
					if column == "pos" {
						at = value.(int64)
					}
					change(t, x.db, update, was[i], at)
				}
			}
		}
		for _, column := range x.columns {
			if changed[column] < len(positions) {
				t.Errorf("%s was changed %d times only", column, changed[column])
			}
		}
		if how := x.judge(t, x.receipts...); how != "" {
			t.Errorf("restored, the database is called tampered with: %s", how)
		}
	})
}
