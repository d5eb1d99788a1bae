package vaulttest_test

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/internal/auth"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

const listPath = "/api/v2/vault/list"

// TestCallersHaveLimitsOfTheirOwn gives users and API keys less than their tenant has.
func TestCallersHaveLimitsOfTheirOwn(t *testing.T) {
	t.Parallel()
	deployments(t, node.Config{RateLimit: 20, UserRateLimit: 6, KeyRateLimit: 5}, func(t *testing.T, c *stopped, nodes ...*vaulttest.Vault) {
		v := nodes[len(nodes)-1]
		a := nodes[0].Register(t, "owner@example.com")
		second, _ := key(t, v, a, map[string]any{"name": "second"})
		third, _ := key(t, v, a, map[string]any{"name": "third"})
		c.forward(time.Minute)
		for n, r := range []struct {
			by   *vaulttest.Client
			want map[int]int
		}{
			{v.As(a.Key), map[int]int{200: 5, 429: 7}},
			{second, map[int]int{200: 5, 429: 7}},
			{a.Token, map[int]int{200: 6, 429: 6}},
			{third, map[int]int{200: 4, 429: 8}}, // no more is left of the tenant's
		} {
			if diff := cmp.Diff(r.want, crowdOf(t, 12, http.MethodGet, listPath, r.by)); diff != "" {
				t.Errorf("caller %d (-want +got):\n%s", n, diff)
			}
		}
		c.forward(30 * time.Second)
		if limit, remaining, _ := limitOf(t, second.Do(t, http.MethodGet, listPath, nil)); limit != 5 || remaining != 1 {
			t.Errorf("a key sees %d of %d, want 1 of 5", remaining, limit)
		}
	})
}

// TestExportsCostMore asks for what counts like twenty requests.
func TestExportsCostMore(t *testing.T) {
	t.Parallel()
	deployments(t, node.Config{RateLimit: 50}, func(t *testing.T, c *stopped, nodes ...*vaulttest.Vault) {
		a := nodes[0].Register(t, "owner@example.com")
		c.forward(time.Minute)
		export := func(n int) vaulttest.Answer {
			return nodes[n%len(nodes)].As(a.Key).Do(t, http.MethodPost, "/api/v2/audit/export", `{"format":"bundle"}`)
		}
		for n, want := range []int{200, 200, 429, 429} {
			if got := export(n); got.Status != want {
				t.Errorf("export %d: got %d, want %d", n, got.Status, want)
			} else if wait, err := strconv.Atoi(got.Header.Get("Retry-After")); want == 429 && (err != nil || wait < 9 || wait > 15) {
				t.Errorf("export %d: to be tried again after %q, want 12 s or a quarter more or less", n, got.Header.Get("Retry-After"))
			}
		}
		if diff := cmp.Diff(map[int]int{200: 10, 429: 5}, crowdOf(t, 15, http.MethodGet, listPath, a.Client)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestStrangersAreNotLookedFor shows keys that nobody has, from one network. Keys
// that were used here go on, and other networks do not notice.
func TestStrangersAreNotLookedFor(t *testing.T) {
	t.Parallel()
	deployments(t, node.Config{AuthRateLimit: 5, TrustedProxies: thisMachine}, func(t *testing.T, c *stopped, nodes ...*vaulttest.Vault) {
		v := nodes[0]
		a := v.Register(t, "owner@example.com")
		a.Must(t, http.StatusOK, http.MethodGet, listPath, nil)
		unused, _ := key(t, v, a, map[string]any{"name": "unused"})
		for n, want := range []int{401, 401, 401, 401, 401, 429, 429} {
			text, _, err := auth.NewAPIKey(strings.NewReader(strings.Repeat("random bytes, or nearly so"+strconv.Itoa(n), 20)), false)
			if err != nil {
				t.Fatal(err)
			}
			path := []string{listPath, vaultPath + "x", "/health"}[n%3]
			if path == "/health" {
				want = http.StatusOK // but it counts
			}
			if got := behind(v, string(text), "203.0.113.9").Do(t, http.MethodGet, path, nil); got.Status != want {
				t.Errorf("%d: got %d, want %d", n, got.Status, want)
			}
		}
		behind(v, a.Key, "203.0.113.8").Must(t, http.StatusOK, http.MethodGet, listPath, nil)
		behind(v, "qs_live_nonsense", "203.0.113.8").Must(t, http.StatusUnauthorized, http.MethodGet, listPath, nil)
		waits := behind(v, unused.Key, "203.0.113.8").Must(t, http.StatusTooManyRequests, http.MethodGet, listPath, nil)
		if waits.Header.Get("Retry-After") == "" {
			t.Error("nobody says until when")
		}
		behind(v, unused.Key, "198.51.100.8").Must(t, http.StatusOK, http.MethodGet, listPath, nil)
		behind(v, unused.Key, "203.0.113.8").Must(t, http.StatusOK, http.MethodGet, listPath, nil)
		c.forward(12 * time.Second)
	})
}

// TestGuessesDuringALock has a session and an API key guess while the account is
// locked: five times each, and the right answer does not count after that.
func TestGuessesDuringALock(t *testing.T) {
	t.Parallel()
	deployments(t, node.Config{}, func(t *testing.T, c *stopped, nodes ...*vaulttest.Vault) {
		v := nodes[len(nodes)-1]
		a := nodes[0].Register(t, "owner@example.com")
		guess(t, 5, a.Email, nodes...)
		w := watch(t, v, a.TenantID)
		prove := func(n int, password string) int {
			return nodes[n%len(nodes)].As(a.Token.Key).Do(t, http.MethodPost, authPath+"step-up", map[string]string{"password": password}).Status
		}
		for n := range 5 {
			if got := prove(n, "wrong password"); got != http.StatusForbidden {
				t.Errorf("guess %d: got %d", n, got)
			}
		}
		if got := prove(5, vaulttest.Password); got != http.StatusForbidden {
			t.Errorf("a sixth guess gets %d", got)
		}
		for n := range 5 {
			a.Must(t, http.StatusForbidden, http.MethodPost, authPath+"step-up", map[string]string{"password": "wrong" + strconv.Itoa(n)})
		}
		for _, r := range w.since(t) {
			if r.Header.EventType != "ACCESS_DENIED" { // of the key, which never may
				t.Errorf("recorded %s", r.Header.EventType)
			}
		}
		a.Token.Must(t, http.StatusOK, http.MethodGet, listPath, nil) // it goes on all the while
		c.forward(15 * time.Minute)
		if got := prove(0, vaulttest.Password); got != http.StatusOK {
			t.Errorf("later: got %d", got)
		}
	})
}

// TestForgedTokens shows what an attacker makes of a token, who has every key but ours.
func TestForgedTokens(t *testing.T) {
	v := vaulttest.New(t)
	a := v.Register(t, "owner@example.com")
	parts := strings.Split(a.Token.Key, ".")
	decode := func(part string) string {
		text, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	header, claims := decode(parts[0]), decode(parts[1])
	change := func(text, old, instead string) string {
		t.Helper()
		if strings.Count(text, old) != 1 {
			t.Fatalf("%s has not one %s", text, old)
		}
		return encode(strings.Replace(text, old, instead, 1))
	}
	v.As(strings.Join(parts, ".")).Must(t, http.StatusOK, http.MethodGet, authPath+"me", nil)
	for name, forged := range map[string]string{
		"alg none":            change(header, "HS512", "none") + "." + parts[1] + ".",
		"alg none, signed":    change(header, "HS512", "none") + "." + parts[1] + "." + parts[2],
		"HS/RS confusion":     change(header, "HS512", "RS512") + "." + parts[1] + "." + parts[2],
		"HS256":               change(header, "HS512", "HS256") + "." + parts[1] + "." + parts[2][:43],
		"wrong kid":           change(header, `"kid":"1"`, `"kid":"2"`) + "." + parts[1] + "." + parts[2],
		"a kid that is a way": change(header, `"kid":"1"`, `"kid":"../../dev/null"`) + "." + parts[1] + "." + parts[2],
		"another tenant":      parts[0] + "." + change(claims, a.TenantID, a.UserID) + "." + parts[2],
		"a later end":         parts[0] + "." + change(claims, `"exp":`, `"exp":9`) + "." + parts[2],
		"a claim twice":       parts[0] + "." + change(claims, `"role":"owner"`, `"role":"viewer","role":"owner"`) + "." + parts[2],
		"oversized":           parts[0] + "." + parts[1] + strings.Repeat("A", 4096) + "." + parts[2],
		"not signed":          parts[0] + "." + parts[1] + ".",
		"half signed":         a.Token.Key[:len(a.Token.Key)-40],
		"nothing":             "..",
	} {
		answer := v.As(forged).Do(t, http.MethodGet, authPath+"me", nil)
		if answer.Status != http.StatusUnauthorized {
			t.Errorf("%s: got %d, want 401", name, answer.Status)
		}
		if got := v.As(forged).Do(t, http.MethodGet, vaultPath+"x", nil); got.Status != http.StatusUnauthorized {
			t.Errorf("%s, under the vault: got %d, want 401", name, got.Status)
		}
	}
}
