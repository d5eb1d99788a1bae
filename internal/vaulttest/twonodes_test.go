package vaulttest_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/pgtest"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// twoNodes starts two servers of one deployment: one database, one directory of keys.
func twoNodes(t *testing.T) [2]*vaulttest.Vault {
	t.Helper()
	c := node.Config{DatabaseURL: vaulttest.Postgres(t), KMS: "local:" + t.TempDir()}
	return [2]*vaulttest.Vault{vaulttest.Start(t, c), vaulttest.Start(t, c)}
}

// TestTwoNodesStartTogether starts them on an empty database at the same moment:
// one makes the deployment, and both serve it.
func TestTwoNodesStartTogether(t *testing.T) {
	database, kms := pgtest.Database(t), "local:"+t.TempDir()
	var nodes [3]*node.Node
	var group sync.WaitGroup
	for i := range nodes {
		group.Go(func() {
			c := node.Config{Addr: "127.0.0.1:0", Data: t.TempDir(), DatabaseURL: database, KMS: kms}
			n, err := node.Open(t.Context(), c, node.Options{Version: "test", Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Errorf("node %d: %v", i, err)
			}
			nodes[i] = n
		})
	}
	group.Wait()
	if t.Failed() {
		t.FailNow()
	}
	for i, n := range nodes {
		head, err := n.Log.Head(t.Context(), domain.TenantID{})
		if err != nil || head.Next != 1 || n.Ring.LogID() != nodes[0].Ring.LogID() {
			t.Errorf("node %d: %d events on the system chain of %s, %v", i, head.Next, n.Ring.LogID(), err)
		}
	}
	for _, n := range nodes {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}
}

// written is what the writers of a test were answered.
type written struct {
	mu       sync.Mutex
	values   map[string]string // by handle
	receipts []string
	rotated  int // versions of the one credential that all of them rotate
}

// write seals and rotates on one node, and reads each of its writes there at once.
func (w *written) write(t *testing.T, c *vaulttest.Client, name, shared string) {
	const rounds = 5
	for n := range rounds {
		secret := fmt.Sprintf(`{"v":"%s-%d"}`, name, n)
		answer, err := c.Try(t.Context(), http.MethodPost, sealPath, `{"name":"`+name+`","values":`+secret+`}`)
		var sealed struct{ Data vaulttest.Entry }
		if err != nil || answer.Status != http.StatusCreated || json.Unmarshal(answer.Body, &sealed) != nil {
			t.Errorf("sealing: got %d %s, %v", answer.Status, answer.Body, err)
			return
		}
		listed, err := c.Try(t.Context(), http.MethodGet, vaultPath+sealed.Data.ID+"/versions", nil)
		if err != nil || listed.Status != http.StatusOK {
			t.Errorf("what was just sealed here is not listed here: %d %s, %v", listed.Status, listed.Body, err)
		}
		var turn vaulttest.Answer
		if n%4 == 0 {
			turn, err = c.Try(t.Context(), http.MethodPost, vaultPath+"rotate/"+shared, nil)
			if err != nil || turn.Status != http.StatusOK && turn.Status != http.StatusForbidden {
				t.Errorf("rotating: got %d %s, %v", turn.Status, turn.Body, err)
			}
		}
		w.mu.Lock()
		w.values[sealed.Data.CredentialID] = secret
		w.receipts = append(w.receipts, answer.Receipt(t))
		if turn.Status == http.StatusOK {
			w.receipts = append(w.receipts, turn.Receipt(t))
			w.rotated++
		}
		w.mu.Unlock()
	}
}

// TestTwoNodesKeepOneChain has 16 writers on each of two servers for one tenant.
func TestTwoNodesKeepOneChain(t *testing.T) {
	t.Parallel()
	nodes := twoNodes(t)
	a := nodes[0].Register(t, "owner@example.com")
	shared := a.Seal(t, "shared", `{"v":"shared"}`)
	all := written{values: map[string]string{}}
	var group sync.WaitGroup
	for i, v := range nodes {
		for n := range 16 {
			group.Go(func() { all.write(t, v.As(a.Key), fmt.Sprintf("node %d writer %d", i, n), shared.CredentialID) })
		}
	}
	group.Wait()

	for i, v := range nodes {
		c := v.As(a.Key)
		summary := proven(t, v, export(t, c), all.receipts...)
		if head, err := nodes[1-i].Log.Head(t.Context(), domain.TenantID{ID: summary.Bundle.TenantID}); err != nil || head.Next != summary.Events {
			t.Errorf("node %d exports %d events, the other one knows %d, %v", i, summary.Events, head.Next, err)
		}
		var readers errgroup.Group
		readers.SetLimit(16)
		for id, want := range all.values {
			readers.Go(func() error {
				var got struct{ Data vaulttest.Entry }
				answer, err := c.Try(t.Context(), http.MethodGet, vaultPath+id, nil)
				if err != nil || json.Unmarshal(answer.Body, &got) != nil || string(got.Data.Values) != want {
					t.Errorf("on node %d %s holds %d %s, want %s, %v", i, id, answer.Status, answer.Body, want, err)
				}
				return nil
			})
		}
		_ = readers.Wait() // they tell t
		if got := value(t, c, shared.ID); got != `{"v":"shared"}` {
			t.Errorf("on node %d the shared credential holds %s", i, got)
		}
	}
	distinct := map[string]bool{}
	for _, r := range all.receipts {
		distinct[r] = true
	}
	if len(distinct) != len(all.receipts) {
		t.Errorf("%d receipts name %d events", len(all.receipts), len(distinct))
	}
	w := watch(t, nodes[0], a.TenantID)
	w.next = 0
	facts := map[string]int{}
	for _, r := range w.since(t) {
		facts[r.Header.EventType]++
	}
	want := map[string]int{
		"CREDENTIAL_SEALED": len(all.values) + 1, "CREDENTIAL_ROTATED": all.rotated, "CREDENTIAL_VERSION_SHREDDED": all.rotated,
		"CREDENTIAL_UNSEALED": 2*len(all.values) + 2,
	}
	for name, n := range want {
		if facts[name] != n {
			t.Errorf("%d times %s is on the chain, want %d", facts[name], name, n)
		}
	}
	if all.rotated == 0 {
		t.Error("nobody rotated the shared credential")
	}
	sameViews(t, nodes)
}

// sameViews fails t unless both nodes see the same read models, and they are what
// the log folds to.
func sameViews(t *testing.T, nodes [2]*vaulttest.Vault) {
	t.Helper()
	last, err := nodes[0].Log.Store.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var digests [2]any
	for i, v := range nodes {
		if err := v.Views.Passed(t.Context(), last); err != nil {
			t.Fatal(err)
		}
		if digests[i], err = v.Views.Digest(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(digests[0], digests[1]); diff != "" {
		t.Errorf("the nodes see different read models (-first +second):\n%s", diff)
	}
	nodes[0].Stop()
	nodes[1].Stop()
	unlike(t, nodes[0].Config)
}

// unlike fails t for each read model of a stopped deployment that is not what the log says.
func unlike(t *testing.T, c node.Config) {
	t.Helper()
	n, err := node.Open(t.Context(), c, node.Options{Version: "test", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	differ, err := n.Rebuild(t.Context())
	if err != nil || len(differ) > 0 {
		t.Errorf("not what the log says: %v, %v", differ, err)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}

// TestRevocationReachesTheOtherNode revokes on one node what the other one has
// just let in, while the other one goes on using it.
func TestRevocationReachesTheOtherNode(t *testing.T) {
	nodes := twoNodes(t)
	a := nodes[0].Register(t, "owner@example.com")
	used, k := key(t, nodes[0], a, map[string]any{"name": "to be revoked"})
	for name, tt := range map[string]struct {
		c      *vaulttest.Client
		revoke func()
	}{
		"API key": {used, func() { a.Must(t, http.StatusOK, http.MethodDelete, keysPath+"/"+k.ID, nil) }},
		"session": {a.Token, func() {
			nodes[0].As("").Must(t, http.StatusOK, http.MethodPost, authPath+"logout", map[string]string{"refresh_token": a.Refresh})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			there := nodes[1].As(tt.c.Key)
			there.Must(t, http.StatusOK, http.MethodGet, vaultPath+"list", nil)
			var stop atomic.Bool
			var group sync.WaitGroup
			group.Go(func() {
				for !stop.Load() {
					if answer, err := there.Try(t.Context(), http.MethodGet, vaultPath+"list", nil); err != nil || answer.Status >= 500 {
						t.Errorf("got %d, %v", answer.Status, err)
					}
				}
			})
			tt.revoke()
			revoked := time.Now()
			tt.c.Must(t, http.StatusUnauthorized, http.MethodGet, vaultPath+"list", nil) // at once, here
			for there.Do(t, http.MethodGet, vaultPath+"list", nil).Status != http.StatusUnauthorized {
				if time.Since(revoked) > 5*time.Second {
					t.Error("5 s after it was revoked it is still let in")
					break
				}
			}
			stop.Store(true)
			group.Wait()
			there.Must(t, http.StatusUnauthorized, http.MethodGet, vaultPath+"list", nil) // and it stays so
		})
	}
}

// TestDeleteOnOneNodeEndsReadingOnTheOther races unseals on one node with a
// delete on the other: the log, not a cache, decides.
func TestDeleteOnOneNodeEndsReadingOnTheOther(t *testing.T) {
	t.Parallel()
	nodes := twoNodes(t)
	a := nodes[0].Register(t, "owner@example.com")
	for range 10 {
		e := a.Seal(t, "db", `{"k":"v"}`)
		there := nodes[1].As(a.Key)
		if got := value(t, there, e.ID); got != `{"k":"v"}` { // now it is in memory there
			t.Errorf("it holds %s", got)
		}
		var group sync.WaitGroup
		var deleted atomic.Bool
		for range 4 {
			group.Go(func() {
				for over := false; !over; {
					over = deleted.Load()
					if answer, err := there.Try(t.Context(), http.MethodGet, vaultPath+e.ID, nil); err != nil || over && answer.Status != http.StatusForbidden {
						t.Errorf("after the delete: got %d, %v", answer.Status, err)
					}
				}
			})
		}
		a.Must(t, http.StatusOK, http.MethodDelete, vaultPath+e.ID, nil)
		deleted.Store(true)
		group.Wait()
	}
	proven(t, nodes[1], export(t, nodes[1].As(a.Key)))
}
