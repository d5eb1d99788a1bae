package vaulttest_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// check compares the restarted server with the ledger, settles what was under
// way when it died, and verifies the chain with the receipts it gave. It returns
// how many operations it has acknowledged in all.
func (l *ledger) check(t *testing.T, p *process, round int) int {
	t.Helper()
	c := l.client(p)
	for _, k := range l.credentials {
		a := c.Do(t, http.MethodGet, "/api/v2/vault/"+k.id, nil)
		switch {
		case a.Status == http.StatusForbidden && (k.deleted || k.maybe):
			k.deleted, k.maybe = true, false
		case a.Status == http.StatusOK && !k.deleted:
			k.maybe = false
			k.values = []string{l.value(t, k, a)}
		default:
			t.Errorf("round %d: %s answers %d, deleted %v, perhaps %v", round, k.id, a.Status, k.deleted, k.maybe)
		}
	}
	l.verify(t, p)
	return l.done
}

// value returns what the credential holds, which must be one of what it may.
func (l *ledger) value(t *testing.T, k *known, a vaulttest.Answer) string {
	t.Helper()
	var got struct {
		Data struct {
			Values json.RawMessage `json:"values"`
		} `json:"data"`
	}
	if err := json.Unmarshal(a.Body, &got); err != nil {
		t.Fatal(err)
	}
	value := string(got.Data.Values)
	if !slices.Contains(k.values, value) {
		t.Errorf("%s holds %s, want one of %v", k.id, value, k.values)
	}
	return value
}

// mostReceipts bounds a command line.
const mostReceipts = 400

func (l *ledger) verify(t *testing.T, p *process) {
	t.Helper()
	a := l.client(p).Must(t, http.StatusOK, http.MethodPost, "/api/v2/audit/export", `{"format":"bundle"}`)
	file := filepath.Join(t.TempDir(), "bundle.ndjson")
	if err := os.WriteFile(file, a.Body, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{file}
	for _, receipt := range l.receipts[max(0, len(l.receipts)-mostReceipts):] {
		args = append(args, "--receipt", receipt)
	}
	p.run(t, "qsverify", args...)
}
