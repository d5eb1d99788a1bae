package vaulttest_test

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// How much of what earlier rounds left each round looks at again. The last looks
// at all of it.
const (
	oldCredentials = 100
	mostReceipts   = 400 // bounds a command line
)

// check compares a server with the ledger, and settles what was under way when it
// died. It looks at everything that changed since the last check, and at all the
// rest or at some of it.
func (l *ledger) check(t *testing.T, url string, all bool) {
	t.Helper()
	var chosen []*known
	old := 0
	for _, n := range rand.Perm(len(l.credentials)) {
		if k := l.credentials[n]; k.touched || all || old < oldCredentials {
			if chosen = append(chosen, k); !k.touched {
				old++
			}
		}
	}
	c := l.client(url)
	var group sync.WaitGroup
	for part := range slices.Chunk(chosen, len(chosen)/crashWorkers+1) {
		group.Go(func() {
			for _, k := range part {
				l.settle(t, c, k)
			}
		})
	}
	group.Wait()
	for _, address := range l.addresses[max(0, len(l.addresses)-2):] {
		if a := c.Do(t, http.MethodPost, authPath+"login", credentials(address, vaulttest.Password)); a.Status != http.StatusOK {
			t.Errorf("%s was registered and cannot log in: %d", address, a.Status)
		}
	}
}

// settle asks for one credential, which no other goroutine does meanwhile.
func (l *ledger) settle(t *testing.T, c *vaulttest.Client, k *known) {
	a, err := c.Try(t.Context(), http.MethodGet, vaultPath+k.id, nil)
	var got struct {
		Data struct {
			Values json.RawMessage `json:"values"`
		} `json:"data"`
	}
	value := ""
	if json.Unmarshal(a.Body, &got) == nil {
		value = string(got.Data.Values)
	}
	switch {
	case err == nil && a.Status == http.StatusForbidden && (k.deleted || k.maybe):
		k.deleted = true
	case err == nil && a.Status == http.StatusOK && !k.deleted && slices.Contains(k.values, value):
		k.maybe, k.values = false, []string{value}
	default:
		t.Errorf("%s answers %d %s, %v; deleted %v, perhaps %v, may hold %v", k.id, a.Status, value, err, k.deleted, k.maybe, k.values)
	}
	k.touched = false
}

// verify verifies the chains of the stopped server, as its operator exports them,
// with receipts that it gave.
func (l *ledger) verify(t *testing.T, p *process) {
	t.Helper()
	file := filepath.Join(p.bin, "bundle.ndjson")
	var logID string
	for _, tenant := range []string{"", l.tenant} {
		p.run(t, "quantaseal", "audit", "export", "--tenant="+tenant, "--output", file)
		args := []string{file}
		if tenant == "" {
			logID = logIDOf(t, file)
		} else {
			for i, n := range rand.Perm(len(l.receipts)) {
				if i < mostReceipts/2 {
					args = append(args, "--receipt", l.receipts[n])
				}
			}
			for _, receipt := range l.receipts[max(0, len(l.receipts)-mostReceipts/2):] {
				args = append(args, "--receipt", receipt)
			}
		}
		if l.logID == "" {
			l.logID = logID
		}
		p.run(t, "qsverify", append(args, "--log-id", l.logID)...)
		if err := os.Remove(file); err != nil {
			t.Error(err)
		}
	}
}

// logIDOf returns the log id that a bundle claims.
func logIDOf(t *testing.T, file string) string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var header struct {
		LogID string `json:"log_id"`
	}
	if err := json.NewDecoder(f).Decode(&header); err != nil {
		t.Fatal(err)
	}
	return header.LogID
}
