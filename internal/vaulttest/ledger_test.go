package vaulttest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"

	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// ledger is what the server acknowledged, and what it may have done besides.
type ledger struct {
	key, tenant string
	logID       string // as the first export gave it

	mu          sync.Mutex
	credentials []*known
	addresses   []string // of accounts
	receipts    []string
	done        int
}

// known is a credential of one worker. Fields are guarded by the ledger's mutex.
type known struct {
	worker  int
	id      string
	values  []string // what it may hold: one, or two while a rotation was under way
	deleted bool     // acknowledged
	maybe   bool     // a delete was under way
	touched bool     // since it was last checked
}

func (l *ledger) register(t *testing.T, url string) {
	t.Helper()
	v := &vaulttest.Vault{URL: url}
	a := v.Register(t, "crash@example.com")
	l.key, l.tenant = a.Key, a.TenantID
}

func (l *ledger) client(url string) *vaulttest.Client {
	return &vaulttest.Client{URL: url, Key: l.key}
}

// work does random things until the server is gone.
func (l *ledger) work(ctx context.Context, url string, worker, round int) {
	c := l.client(url)
	random := rand.New(rand.NewPCG(uint64(worker), uint64(round)))
	for n := 0; ctx.Err() == nil; n++ {
		mine := l.pick(worker, random)
		value := fmt.Sprintf(`{"v":"w%d-r%d-n%d"}`, worker, round, n)
		var err error
		switch dice := random.IntN(200); {
		case dice == 0:
			err = l.enrol(ctx, c, fmt.Sprintf("w%d-r%d-n%d@example.com", worker, round, n))
		case mine == nil || dice < 90:
			err = l.seal(ctx, c, worker, value)
		case dice < 130:
			_, err = c.Try(ctx, http.MethodGet, vaultPath+mine.id, nil)
		case dice < 170:
			err = l.rotate(ctx, c, mine, value)
		case dice < 190:
			err = l.remove(ctx, c, mine)
		default:
			_, err = c.Try(ctx, http.MethodGet, vaultPath+"list?limit=10", nil)
		}
		if err != nil {
			return
		}
	}
}

func (l *ledger) pick(worker int, random *rand.Rand) *known {
	l.mu.Lock()
	defer l.mu.Unlock()
	for range 8 {
		if len(l.credentials) == 0 {
			return nil
		}
		if k := l.credentials[random.IntN(len(l.credentials))]; k.worker == worker && !k.deleted && !k.maybe {
			return k
		}
	}
	return nil
}

// acknowledge keeps the receipt of an answer.
func (l *ledger) acknowledge(a vaulttest.Answer) {
	var envelope struct {
		Meta struct {
			Audit struct {
				Seq       uint64 `json:"seq"`
				EventHash string `json:"event_hash"`
			} `json:"audit"`
		} `json:"meta"`
	}
	if json.Unmarshal(a.Body, &envelope) == nil && envelope.Meta.Audit.EventHash != "" {
		l.receipts = append(l.receipts, fmt.Sprintf("%d:%s", envelope.Meta.Audit.Seq, envelope.Meta.Audit.EventHash))
	}
	l.done++
}

func (l *ledger) enrol(ctx context.Context, c *vaulttest.Client, address string) error {
	body := map[string]string{"email": address, "password": vaulttest.Password, "tenant_name": "Crash"}
	a, err := c.Try(ctx, http.MethodPost, authPath+"register", body)
	if err != nil || a.Status != http.StatusCreated {
		return fmt.Errorf("register: %d %w", a.Status, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.addresses = append(l.addresses, address)
	l.done++
	return nil
}

func (l *ledger) seal(ctx context.Context, c *vaulttest.Client, worker int, value string) error {
	a, err := c.Try(ctx, http.MethodPost, sealPath, `{"name":"crash","values":`+value+`}`)
	if err != nil {
		return err
	}
	var sealed struct {
		Data struct {
			ID string `json:"credential_id"`
		} `json:"data"`
	}
	if a.Status != http.StatusCreated || json.Unmarshal(a.Body, &sealed) != nil {
		return fmt.Errorf("seal: %d", a.Status)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.credentials = append(l.credentials, &known{worker: worker, id: sealed.Data.ID, values: []string{value}, touched: true})
	l.acknowledge(a)
	return nil
}

func (l *ledger) rotate(ctx context.Context, c *vaulttest.Client, k *known, value string) error {
	l.mu.Lock()
	k.values, k.touched = append(k.values, value), true
	l.mu.Unlock()
	a, err := c.Try(ctx, http.MethodPost, vaultPath+"entries/"+k.id+"/rotate", `{"new_plaintext":`+value+`}`)
	if err != nil || a.Status != http.StatusOK {
		return fmt.Errorf("rotate: %d %w", a.Status, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	k.values = []string{value}
	l.acknowledge(a)
	return nil
}

func (l *ledger) remove(ctx context.Context, c *vaulttest.Client, k *known) error {
	l.mu.Lock()
	k.maybe, k.touched = true, true
	l.mu.Unlock()
	a, err := c.Try(ctx, http.MethodDelete, vaultPath+k.id, nil)
	if err != nil || a.Status != http.StatusOK {
		return fmt.Errorf("delete: %d %w", a.Status, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	k.deleted = true
	l.acknowledge(a)
	return nil
}
