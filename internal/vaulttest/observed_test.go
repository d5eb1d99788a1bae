package vaulttest_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// private is what metrics and traces must not repeat of requests to a vault.
func private(a *vaulttest.Account, id string) []string {
	return []string{a.Key, a.Token.Key, a.Email, a.TenantID, a.UserID, id, vaulttest.Password, "marker-", "127.0.0.1"}
}

// tour has an account do some things that hold markers, and returns a credential's id.
func tour(t *testing.T, v *vaulttest.Vault) (*vaulttest.Account, string) {
	t.Helper()
	a := v.Register(t, "owner@example.com")
	e := a.Seal(t, "marker-name", `{"k":"marker-value"}`)
	a.Header = http.Header{"User-Agent": {"marker-agent"}, "Tracestate": {"marker-state=1"}}
	a.Must(t, http.StatusOK, http.MethodGet, vaultPath+e.ID+"?q=marker-query", nil)
	a.Must(t, http.StatusForbidden, http.MethodGet, vaultPath+"marker-id", nil)
	a.Must(t, http.StatusNotFound, http.MethodGet, "/marker-path", nil)
	a.Must(t, http.StatusMethodNotAllowed, "MARKER-METHOD", "/health", nil)
	return a, e.ID
}

func TestMetrics(t *testing.T) {
	v := vaulttest.Start(t, node.Config{MetricsAddr: "127.0.0.1:0"})
	a, id := tour(t, v)
	scrape := &vaulttest.Client{URL: strings.TrimSuffix(v.MetricsURL(), "/metrics")}
	text := string(scrape.Must(t, http.StatusOK, http.MethodGet, "/metrics", nil).Body)
	for _, want := range []string{
		`quantaseal_http_requests_total{method="GET",route="/api/v2/vault/:id",status="2xx"} 1`,
		`quantaseal_http_requests_total{method="GET",route="/api/v2/vault/:id",status="4xx"} 1`,
		`quantaseal_http_requests_total{method="GET",route="unmatched",status="4xx"} 1`,
		`quantaseal_http_requests_total{method="other",route="unmatched",status="4xx"} 1`,
		`quantaseal_http_request_duration_seconds_count{method="POST",route="/api/v2/vault/seal"} 1`,
		`quantaseal_http_requests_in_flight 0`,
		`quantaseal_facts_appended_total{type="CREDENTIAL_UNSEALED"} 1`,
		`quantaseal_append_batch_facts_bucket{le="256"}`,
		`quantaseal_appends_waiting 0`,
		`quantaseal_chains_at_hand 2`,
		`quantaseal_projections_lag_facts 0`,
		`quantaseal_projections_stand_still 0`,
		`quantaseal_connections_open `,
		`quantaseal_kms_call_duration_seconds_count{call="sign"} `,
		`quantaseal_build_info{version="test"} 1`,
		"\ngo_goroutines ", "\nprocess_open_fds ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
	for _, marker := range append(private(a, id), "MARKER") {
		if strings.Contains(text, marker) {
			t.Errorf("the metrics hold %q", marker)
		}
	}
	if t.Failed() {
		t.Logf("%s", text)
	}
	for _, path := range []string{"/", "/debug/pprof/", "/debug/vars"} {
		scrape.Must(t, http.StatusNotFound, http.MethodGet, path, nil)
		a.Must(t, http.StatusNotFound, http.MethodGet, path, nil)
	}
	a.Must(t, http.StatusNotFound, http.MethodGet, "/metrics", nil) // not where strangers are
}

// collector is an OpenTelemetry collector that keeps what it gets.
type collector struct {
	mu   sync.Mutex
	got  bytes.Buffer
	path string
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.path = r.URL.Path
	_, _ = io.Copy(&c.got, r.Body)
	w.WriteHeader(http.StatusOK)
}

func TestTraces(t *testing.T) {
	c := &collector{}
	server := httptest.NewServer(c)
	defer server.Close()
	v := vaulttest.Start(t, node.Config{TraceEndpoint: server.URL})
	a, id := tour(t, v)
	v.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, want := range []string{
		"GET /api/v2/vault/:id", "POST /api/v2/vault/seal", "GET unmatched", "other unmatched", "http.response.status_code",
		"command vault.seal", "log.append", "store.append", "records.put", "quantaseal.facts",
	} {
		if !bytes.Contains(c.got.Bytes(), []byte(want)) {
			t.Errorf("no span tells %q", want)
		}
	}
	for _, marker := range append(private(a, id), "MARKER") {
		if bytes.Contains(c.got.Bytes(), []byte(marker)) {
			t.Errorf("a span tells %q", marker)
		}
	}
	if c.path != "/v1/traces" {
		t.Errorf("traces went to %s", c.path)
	}
}
