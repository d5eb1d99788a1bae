package vaulttest_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// stopped is a clock that stands until it is put forward, so that nothing is
// earned while a test asks.
type stopped struct{ at atomic.Int64 }

func newStopped() *stopped {
	c := &stopped{}
	c.at.Store(time.Now().Truncate(time.Second).UnixNano())
	return c
}

func (c *stopped) now() time.Time          { return time.Unix(0, c.at.Load()) }
func (c *stopped) forward(d time.Duration) { c.at.Add(int64(d)) }

// deployments runs f with the nodes of a deployment, once embedded and once as two
// nodes on one PostgreSQL, all with one clock.
func deployments(t *testing.T, config node.Config, f func(t *testing.T, c *stopped, nodes ...*vaulttest.Vault)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		c := newStopped()
		f(t, c, vaulttest.StartAt(t, config, c.now))
	})
	t.Run("two nodes on postgres", func(t *testing.T) {
		c, config := newStopped(), config
		config.DatabaseURL, config.KMS = vaulttest.Postgres(t), "local:"+t.TempDir()
		f(t, c, vaulttest.StartAt(t, config, c.now), vaulttest.StartAt(t, config, c.now))
	})
}

// limitOf returns the three headers of an answer.
func limitOf(t testing.TB, a vaulttest.Answer) (limit, remaining int, reset int64) {
	t.Helper()
	var numbers [3]int64
	for i, name := range []string{"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} {
		var err error
		if numbers[i], err = strconv.ParseInt(a.Header.Get(name), 10, 64); err != nil {
			t.Errorf("%d %s: %s is %q", a.Status, a.Body, name, a.Header.Get(name))
		}
	}
	return int(numbers[0]), int(numbers[1]), numbers[2]
}

// crowdOf has callers send one request each at the same moment, the clients taking
// turns, and returns how many were answered with which status.
func crowdOf(t *testing.T, callers int, method, path string, clients ...*vaulttest.Client) map[int]int {
	t.Helper()
	var mu sync.Mutex
	var group sync.WaitGroup
	got, start := map[int]int{}, make(chan struct{})
	for i := range callers {
		group.Go(func() {
			<-start
			a, err := clients[i%len(clients)].Try(t.Context(), method, path, nil)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			got[a.Status]++
			if a.Status != http.StatusTooManyRequests {
				return
			}
			wait, err := strconv.Atoi(a.Header.Get("Retry-After"))
			if _, remaining, _ := limitOf(t, a); err != nil || wait < 1 || remaining != 0 || !strings.Contains(string(a.Body), `"type":"rate_limited"`) {
				t.Errorf("refused with Retry-After %q, %d remaining: %s", a.Header.Get("Retry-After"), remaining, a.Body)
			}
		})
	}
	close(start)
	group.Wait()
	return got
}

// TestLimitIsExact has 80 callers ask at once where 10 may pass, on one node and
// spread over two. What is refused leaves no trace on the chain.
func TestLimitIsExact(t *testing.T) {
	deployments(t, node.Config{RateLimit: 10}, func(t *testing.T, c *stopped, nodes ...*vaulttest.Vault) {
		a := nodes[0].Register(t, "owner@example.com")
		e := a.Seal(t, "k", `{"k":"v"}`)
		c.forward(time.Minute)
		var clients []*vaulttest.Client
		for _, v := range nodes {
			clients = append(clients, v.As(a.Key))
		}
		for _, pause := range []time.Duration{0, time.Minute} {
			c.forward(pause)
			w := watch(t, nodes[0], a.TenantID)
			if diff := cmp.Diff(map[int]int{200: 10, 429: 70}, crowdOf(t, 80, http.MethodGet, vaultPath+e.ID, clients...)); diff != "" {
				t.Errorf("statuses (-want +got):\n%s", diff)
			}
			if facts := w.since(t); len(facts) != 10 {
				t.Errorf("%d facts were recorded, want one for each that passed", len(facts))
			}
		}
		c.forward(6 * time.Second)
		if diff := cmp.Diff(map[int]int{200: 1, 429: 19}, crowdOf(t, 20, http.MethodGet, vaultPath+e.ID, clients...)); diff != "" {
			t.Errorf("after a tenth of a minute (-want +got):\n%s", diff)
		}
	})
}

// TestOnlyTheTenantCounts tries what must not make a limit wider or narrower: keys,
// tokens, headers, spellings of a path, other tenants, and wrong credentials.
func TestOnlyTheTenantCounts(t *testing.T) {
	deployments(t, node.Config{RateLimit: 15}, func(t *testing.T, c *stopped, nodes ...*vaulttest.Vault) {
		v := nodes[0]
		a, other := v.Register(t, "owner@example.com"), v.Register(t, "other@example.com")
		clients := []*vaulttest.Client{v.As(a.Key), a.Token}
		for i := range 10 {
			k, _ := key(t, v, a, map[string]any{"name": fmt.Sprint(i)})
			clients = append(clients, nodes[i%len(nodes)].As(k.Key))
		}
		for _, h := range []string{"X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Client-IP", "True-Client-IP", "X-QuantaSeal-Environment", "User-Agent", "X-Tenant-Id"} {
			clients = append(clients, &vaulttest.Client{URL: v.URL, Key: a.Key, Header: http.Header{h: {"203.0.113.9"}}})
		}
		c.forward(time.Minute)
		for range 40 {
			if got := v.As(a.Key[:len(a.Key)-1]+"0").Do(t, http.MethodGet, "/api/v2/vault/list", nil); got.Status != http.StatusUnauthorized {
				t.Fatalf("got %d %s, want 401", got.Status, got.Body)
			}
		}
		passed := 0
		for i := range 60 {
			path := []string{"/api/v2/vault/list", "/api/v2/vault/list/", "/api/v2/vault/entries?limit=5", "/api/v2/settings/api-keys", "/api/v2/vault/LIST"}[i%5]
			if got := clients[i%len(clients)].Do(t, http.MethodGet, path, nil); got.Status == http.StatusOK || got.Status == http.StatusForbidden && strings.HasSuffix(path, "LIST") {
				passed++
			} else if got.Status != http.StatusTooManyRequests {
				t.Errorf("got %d %s", got.Status, got.Body)
			}
		}
		if passed != 15 {
			t.Errorf("%d passed, want 15", passed)
		}
		for _, path := range []string{"/API/V2/settings", "/api/v2/Settings", "/api/v2/settings/API-KEYS"} { // lead nowhere
			a.Must(t, http.StatusNotFound, http.MethodGet, path, nil)
		}
		other.Must(t, http.StatusOK, http.MethodGet, "/api/v2/vault/list", nil)
	})
}

// TestEveryAnswerShowsALimit looks at answers of every status: who is known sees
// the tenant's limit, and everybody else that of the network.
func TestEveryAnswerShowsALimit(t *testing.T) {
	deployments(t, node.Config{RateLimit: 100, AuthRateLimit: 8}, func(t *testing.T, c *stopped, nodes ...*vaulttest.Vault) {
		v := nodes[len(nodes)-1]
		a := v.Register(t, "owner@example.com")
		c.forward(time.Minute)
		now := c.now().Unix()
		nobody, sealed := v.As(""), `{"name":"n","values":{"k":"v"}}`
		tenant, network := 0, 0 // how many were counted
		for _, r := range []struct {
			by                 *vaulttest.Client
			status             int
			method, path, body string
			counts             *int
		}{
			{a.Client, 200, "GET", "/api/v2/vault/list", "", &tenant},
			{a.Token, 200, "GET", "/api/v2/security/api-keys", "", &tenant},
			{a.Client, 201, "POST", "/api/v2/vault/seal", sealed, &tenant},
			{a.Client, 400, "POST", "/api/v2/vault/seal", "{", &tenant},
			{a.Client, 422, "POST", "/api/v2/vault/seal", "{}", &tenant},
			{a.Client, 403, "GET", "/api/v2/vault/nothing", "", &tenant},
			{a.Client, 200, "POST", "/api/v2/audit/export", `{"format":"bundle"}`, &tenant},
			{nobody, 401, "GET", "/api/v2/vault/list", "", nil},
			{nobody, 401, "GET", "/api/v2/vault/nothing", "", nil},
			{nobody, 403, "GET", "/api/v2/vault/no/such/route", "", nil},
			{nobody, 404, "GET", "/api/v2/nothing", "", nil},
			{nobody, 405, "PUT", "/api/v2/auth/login", "", nil},
			{nobody, 200, "GET", "/health", "", nil},
			{nobody, 400, "POST", "/api/v2/auth/login", "{", &network},
			{nobody, 422, "POST", "/api/v2/auth/register", "{}", &network},
			{nobody, 401, "POST", "/api/v2/auth/login", `{"email":"a@b.example","password":"x"}`, &network},
			{nobody, 200, "POST", "/api/v2/auth/login", `{"email":"owner@example.com","password":"` + vaulttest.Password + `"}`, &network},
			{nobody, 401, "POST", "/api/v2/auth/refresh", "{}", &network},
			{nobody, 200, "POST", "/api/v2/auth/logout", "{}", &network},
			{a.Client, 401, "POST", "/api/v2/auth/refresh", "{}", &network}, // public: the key does not count
		} {
			got := r.by.Do(t, r.method, r.path, r.body)
			if r.counts != nil {
				*r.counts++
			}
			if strings.HasSuffix(r.path, "/export") {
				tenant += 19 // as much as 20 others
			}
			limit, remaining, reset := limitOf(t, got)
			want := [3]int64{8, int64(8 - network), now + ceil(network*60, 8)}
			if r.counts == &tenant {
				want = [3]int64{100, int64(100 - tenant), now + ceil(tenant*60, 100)}
			}
			if have := [3]int64{int64(limit), int64(remaining), reset}; got.Status != r.status || have != want || got.Header.Get("Retry-After") != "" {
				t.Errorf("%s %s: got %d, limit %v, want %d, %v: %s", r.method, r.path, got.Status, have, r.status, want, got.Body)
			}
		}
		nobody.Do(t, http.MethodPost, "/api/v2/auth/refresh", "{}")
		got := nobody.Do(t, http.MethodPost, "/api/v2/auth/refresh", "{}")
		if _, remaining, _ := limitOf(t, got); got.Status != http.StatusTooManyRequests || remaining != 0 {
			t.Errorf("got %d, %d remaining: %s", got.Status, remaining, got.Body)
		}
	})
}

func ceil(n, by int) int64 { return int64((n + by - 1) / by) }

// TestLimitComesInItsPlace asks wrongly where nothing is left: who asks and what
// does not exist come before the limit, all that is in the request after it.
func TestLimitComesInItsPlace(t *testing.T) {
	deployments(t, node.Config{RateLimit: 5}, func(t *testing.T, c *stopped, nodes ...*vaulttest.Vault) {
		v := nodes[0]
		a := v.Register(t, "owner@example.com")
		c.forward(time.Minute)
		crowdOf(t, 10, http.MethodGet, "/api/v2/vault/list", v.As(a.Key))
		w := watch(t, v, a.TenantID)
		custody := &vaulttest.Client{URL: v.URL, Key: a.Key, Header: http.Header{"X-Vault-Custody-Key": {"k"}}}
		prefetch := &vaulttest.Client{URL: v.URL, Key: a.Key, Header: http.Header{"Sec-Purpose": {"prefetch"}}}
		for _, r := range []struct {
			by                 *vaulttest.Client
			status             int
			method, path, body string
		}{
			{v.As("qs_live_nonsense"), 401, "GET", "/api/v2/vault/list", ""},
			{custody, 501, "POST", "/api/v2/vault/seal", "{"},
			{prefetch, 429, "GET", "/api/v2/vault/nothing", ""},
			{a.Client, 429, "POST", "/api/v2/vault/seal", "{"},
			{a.Client, 429, "POST", "/api/v2/vault/seal", `{"name":1}`},
			{a.Client, 429, "POST", "/api/v2/vault/seal", strings.Repeat(" ", 300<<10)},
			{a.Client, 429, "GET", "/api/v2/vault/nothing", ""},
			{a.Token, 429, "POST", "/api/v2/audit/export", "{"},
			{a.Token, 429, "DELETE", "/api/v2/security/api-keys/nothing", ""},
		} {
			if got := r.by.Do(t, r.method, r.path, r.body); got.Status != r.status {
				t.Errorf("%s %s: got %d %s, want %d", r.method, r.path, got.Status, got.Body, r.status)
			}
		}
		w.saw(t)
	})
}

// TestProxies has two callers behind a trusted proxy and one that only claims to be.
func TestProxies(t *testing.T) {
	wrong := credentials("nobody@example.com", "wrong")
	through := func(v *vaulttest.Vault, forwarded string) *vaulttest.Client {
		return &vaulttest.Client{URL: v.URL, Header: http.Header{"X-Forwarded-For": {forwarded}}}
	}
	t.Run("trusted", func(t *testing.T) {
		c := newStopped()
		v := vaulttest.StartAt(t, node.Config{AuthRateLimit: 2, TrustedProxies: []string{"127.0.0.1/32", "10.0.0.0/8"}}, c.now)
		for i, want := range []int{401, 401, 429, 429} {
			client := through(v, fmt.Sprintf("9.9.9.%d, 203.0.113.%d, 10.1.2.%d", i, i, i)) // one /24
			if got := client.Do(t, http.MethodPost, authPath+"login", wrong); got.Status != want {
				t.Errorf("request %d: got %d, want %d", i, got.Status, want)
			}
		}
		if got := through(v, "203.0.114.1").Do(t, http.MethodPost, authPath+"login", wrong); got.Status != http.StatusUnauthorized {
			t.Errorf("another network: got %d, want 401", got.Status)
		}
		if got := through(v, "2001:db8::1").Do(t, http.MethodPost, authPath+"login", wrong); got.Status != http.StatusUnauthorized {
			t.Errorf("another network: got %d, want 401", got.Status)
		}
	})
	t.Run("not trusted", func(t *testing.T) {
		c := newStopped()
		v := vaulttest.StartAt(t, node.Config{AuthRateLimit: 2}, c.now)
		for i, want := range []int{401, 401, 429, 429} {
			if got := through(v, fmt.Sprintf("203.0.%d.1", i)).Do(t, http.MethodPost, authPath+"login", wrong); got.Status != want {
				t.Errorf("request %d: got %d, want %d", i, got.Status, want)
			}
		}
	})
}
