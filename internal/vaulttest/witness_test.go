package vaulttest_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // to look underneath

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
	"github.com/quantaseal/quantaseal/migrations"
)

// witness reads what a chain gains.
type witness struct {
	v      *vaulttest.Vault
	tenant domain.TenantID
	next   uint64
}

// watch returns a witness of what tenant's chain gains from now on. An empty
// tenant is the system chain.
func watch(t testing.TB, v *vaulttest.Vault, tenant string) *witness {
	t.Helper()
	w := &witness{v: v}
	if tenant != "" {
		id, err := domain.ParseID(tenant)
		if err != nil {
			t.Fatal(err)
		}
		w.tenant.ID = id
	}
	head, err := v.Log.Head(t.Context(), w.tenant)
	if err != nil {
		t.Fatal(err)
	}
	w.next = head.Next
	return w
}

// since returns the facts recorded since it was last asked, verified.
func (w *witness) since(t testing.TB) []eventstore.Recorded {
	t.Helper()
	var facts []eventstore.Recorded
	for r, err := range w.v.Log.History(t.Context(), w.tenant, w.next) {
		if err != nil {
			t.Fatal(err)
		}
		facts = append(facts, r)
	}
	w.next += uint64(len(facts))
	return facts
}

// saw fails t unless exactly these events were recorded since it was last asked.
func (w *witness) saw(t testing.TB, want ...string) []eventstore.Recorded {
	t.Helper()
	facts := w.since(t)
	var got []string
	for _, r := range facts {
		got = append(got, r.Header.EventType)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("recorded (-want +got):\n%s", diff)
	}
	return facts
}

// receipted is saw for an answer, whose receipt must be the last fact's.
func (w *witness) receipted(t testing.TB, a vaulttest.Answer, want ...string) []eventstore.Recorded {
	t.Helper()
	facts := w.saw(t, want...)
	last := ""
	if n := len(facts); n > 0 {
		last = chain.Receipt{Seq: facts[n-1].Header.Seq, Hash: facts[n-1].Hash}.String()
	}
	if got := a.Receipt(t); got != last {
		t.Errorf("the receipt is %q, want %q", got, last)
	}
	return facts
}

// clock runs as fast as time does, and can be put forward.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) forward(d time.Duration) { c.ahead.Add(int64(d)) }

// enginesAt is vaulttest.Engines with a clock that can be put forward.
func enginesAt(t *testing.T, f func(t *testing.T, v *vaulttest.Vault, c *clock)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		c := &clock{}
		f(t, vaulttest.StartAt(t, node.Config{}, c.now), c)
	})
	t.Run("postgres", func(t *testing.T) {
		c := &clock{}
		f(t, vaulttest.StartAt(t, node.Config{DatabaseURL: vaulttest.Postgres(t)}, c.now), c)
	})
}

// underneath opens one set of a vault's tables as whoever owns the disk can.
func underneath(t testing.TB, c node.Config, set migrations.Set) *sql.DB {
	t.Helper()
	var db *sql.DB
	if c.DatabaseURL == "" {
		var err error
		path := filepath.Join(c.Data, string(set)+".db")
		if db, err = sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)"); err != nil {
			t.Fatal(err)
		}
	} else {
		config, err := pgx.ParseConfig(c.DatabaseURL)
		if err != nil {
			t.Fatal(err)
		}
		config.RuntimeParams["search_path"] = string(set)
		db = stdlib.OpenDB(*config)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// change runs a statement underneath the vault, and fails t unless it changed
// exactly one row.
func change(t testing.TB, db *sql.DB, statement string, args ...any) {
	t.Helper()
	result, err := db.ExecContext(t.Context(), statement, args...)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		t.Fatalf("%s: %d rows, %v, want 1", statement, n, err)
	}
}

// export takes the client's chain away as a bundle.
func export(t testing.TB, c *vaulttest.Client) []byte {
	t.Helper()
	return c.Must(t, http.StatusOK, http.MethodPost, "/api/v2/audit/export", `{"format":"bundle"}`).Body
}

// verify verifies a bundle and returns what was found.
func verify(t testing.TB, bundle []byte, o chain.Options) (chain.Summary, []chain.Finding) {
	t.Helper()
	var found []chain.Finding
	o.Report = func(f chain.Finding) { found = append(found, f) }
	summary, err := chain.VerifyBundle(t.Context(), bytes.NewReader(bundle), o)
	if err != nil {
		t.Fatalf("verifying a bundle: %v", err)
	}
	return summary, found
}

// proven fails t unless a bundle verifies under the vault's log id and honours
// every receipt.
func proven(t testing.TB, v *vaulttest.Vault, bundle []byte, receipts ...string) chain.Summary {
	t.Helper()
	id := v.Ring.LogID()
	o := chain.Options{LogID: &id, Receipts: receiptsOf(t, receipts...)}
	summary, found := verify(t, bundle, o)
	for _, f := range found {
		t.Error(f)
	}
	if summary.Unsigned != 0 || !summary.End.Pinned {
		t.Errorf("got %+v, want a pinned root and every record signed", summary)
	}
	return summary
}

func receiptsOf(t testing.TB, texts ...string) []chain.Receipt {
	t.Helper()
	var receipts []chain.Receipt
	for _, s := range texts {
		r, ok := chain.ParseReceipt(s)
		if !ok {
			t.Fatalf("%q is no receipt", s)
		}
		receipts = append(receipts, r)
	}
	return receipts
}

// dataOf returns the data member of an answer, as maps, lists and numbers.
func dataOf(t testing.TB, a vaulttest.Answer) map[string]any {
	t.Helper()
	var data map[string]any
	a.Into(t, &data)
	return data
}

// equalJSON fails t unless got is the JSON value want.
func equalJSON(t testing.TB, what string, got json.RawMessage, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(got, &g); err != nil || !cmp.Equal(w, g) {
		t.Errorf("%s: got %s, want %s", what, got, want)
	}
}

// answerMeta is the part of meta that leads on.
type answerMeta struct {
	RequestID string `json:"request_id"`
	Next      string `json:"next_cursor"`
}

func metaOf(t testing.TB, a vaulttest.Answer) answerMeta {
	t.Helper()
	var envelope struct {
		Meta answerMeta `json:"meta"`
	}
	if err := json.Unmarshal(a.Body, &envelope); err != nil {
		t.Fatal(err)
	}
	return envelope.Meta
}

// rows returns how many rows a table of the sealed store has.
func rows(t testing.TB, v *vaulttest.Vault, table string) (n int) {
	t.Helper()
	set := migrations.Records
	if table == "key_slots" {
		set = migrations.Keys
	}
	if err := underneath(t, v.Config, set).QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
