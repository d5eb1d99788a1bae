package http_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/apitest"
	"github.com/quantaseal/quantaseal/internal/auth"
)

// server is a whole node on the embedded engine, behind its edge but no socket,
// with a registered owner.
type server struct {
	*node.Node
	handler http.Handler
	store   *unreliable
	logs    *lines
	owner   map[string]any // the answer to the registration
}

func start(t *testing.T) *server {
	t.Helper()
	s := &server{logs: &lines{}}
	var err error
	s.Node, err = node.Open(t.Context(), node.Config{Addr: "127.0.0.1:0", Data: t.TempDir(), KMS: "local"}, node.Options{
		Version: "test", Logger: slog.New(slog.NewTextHandler(s.logs, nil)), Argon: auth.Argon{MemoryKiB: 64, Passes: 1, Lanes: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.store = &unreliable{Store: s.Log.Store}
	s.Log.Store, s.handler = s.store, s.Server.Handler()
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() { _ = s.Run(ctx, nil) })
	t.Cleanup(func() {
		stop()
		group.Wait()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	s.owner = s.must(t, http.StatusCreated, "POST", "/auth/register", `{"email":"owner@example.com","password":"marker-password-7Rk2","tenant_name":"T"}`)
	return s
}

func (s *server) token() []string {
	return []string{"Authorization", "Bearer " + s.owner["token"].(string)}
}

// key makes an API key and returns the header that presents it.
func (s *server) key(t *testing.T, fields string) []string {
	t.Helper()
	made := s.must(t, http.StatusCreated, "POST", "/security/api-keys", `{"name":"k"`+fields+`}`, s.token()...)
	return []string{"X-API-Key", made["secret"].(string)}
}

// do sends a request under the API's prefix.
func (s *server) do(method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/api/v2"+target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

// must is do for what has to end with a status; it returns the data, if that is an object.
func (s *server) must(t *testing.T, status int, method, target, body string, headers ...string) map[string]any {
	t.Helper()
	w := s.do(method, target, body, headers...)
	if err := apitest.Check(method, "/api/v2"+target, []byte(body), w.Code, w.Header(), w.Body.Bytes()); err != nil {
		t.Error(err)
	}
	if w.Code != status {
		t.Errorf("%s %s: got %d %s, want %d", method, target, w.Code, w.Body, status)
	}
	var answer struct{ Data any }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Errorf("%s %s: %v", method, target, err)
	}
	data, _ := answer.Data.(map[string]any)
	return data
}

// lines collects what is logged.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var errDown = errors.New("the disk is gone")

// unreliable is a store that a test can stop from reading.
type unreliable struct {
	eventstore.Store
	blind atomic.Bool
}

func (u *unreliable) Aggregate(ctx context.Context, tenant domain.TenantID, id domain.AggregateID) iter.Seq2[chain.Record, error] {
	if u.blind.Load() {
		return func(yield func(chain.Record, error) bool) { yield(chain.Record{}, errDown) }
	}
	return u.Store.Aggregate(ctx, tenant, id)
}

// id reads an id of an answer.
func id(t *testing.T, of map[string]any, name string) domain.ID {
	t.Helper()
	parsed, err := domain.ParseID(fmt.Sprint(of[name]))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// Who cannot be asked who they are is told to try again, on every route: nothing
// was looked up yet. What is wrong is for the log.
func TestAnOutageBeforeAnybodyIsKnown(t *testing.T) {
	s := start(t)
	sealed := s.must(t, http.StatusCreated, "POST", "/vault/seal", `{"name":"n","secret":"s"}`, s.token()...)
	s.store.blind.Store(true)
	tenant := domain.TenantID{ID: id(t, s.owner, "tenant_id")}
	for _, target := range []string{"/vault/list", "/vault/" + sealed["credential_id"].(string), "/vault/x", "/audit/logs"} {
		s.Log.Forget(tenant, domain.AggregateID{Kind: domain.KindSession, ID: id(t, s.owner, "session_id")})
		s.must(t, http.StatusServiceUnavailable, "GET", target, "", s.token()...)
	}
	if !strings.Contains(s.logs.String(), errDown.Error()) {
		t.Errorf("the log does not say why:\n%s", s.logs)
	}
}

// The order of checks is the promise of decisions: 401, 501, 400, 422.
func TestChecksComeInOrder(t *testing.T) {
	s := start(t)
	const env, mpc = "X-QuantaSeal-Environment", "X-Vault-Enable-MPC"
	for _, prefix := range []string{"/vault/seal", "/security/api-keys"} {
		for _, c := range []struct {
			want    int
			body    string
			headers []string
		}{
			{401, "{", []string{env, "x", mpc, "true"}},
			{501, "{", append(s.token(), env, "x", mpc, "true")},
			{400, "{", append(s.token(), env, "x")},
			{422, "{}", append(s.token(), env, "x")},
			{422, "{}", s.token()},
		} {
			s.must(t, c.want, "POST", prefix, c.body, c.headers...)
		}
	}
}
