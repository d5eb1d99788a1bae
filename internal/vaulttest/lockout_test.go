package vaulttest_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// tryLogin logs in, from a browser that shows a device cookie if device is not empty.
func tryLogin(t testing.TB, v *vaulttest.Vault, email, password, device string) vaulttest.Answer {
	t.Helper()
	c := v.As("")
	if device != "" {
		c.Header = http.Header{"Cookie": {"knownDevice=" + device}}
	}
	return c.Do(t, http.MethodPost, authPath+"login", credentials(email, password))
}

// deviceIn returns the device cookie that an answer sets.
func deviceIn(t testing.TB, a vaulttest.Answer) string {
	t.Helper()
	for _, c := range (&http.Response{Header: a.Header}).Cookies() {
		if c.Name == "knownDevice" {
			if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteStrictMode || c.Path != "/api/v2/auth" || c.MaxAge < 86400*100 {
				t.Errorf("the cookie is %s", c)
			}
			return c.Value
		}
	}
	t.Fatalf("no device cookie in %d %v", a.Status, a.Header)
	return ""
}

// guess gives a wrong password n times, on the nodes in turn, and expects the one refusal.
func guess(t testing.TB, n int, email string, nodes ...*vaulttest.Vault) {
	t.Helper()
	for i := range n {
		if got := tryLogin(t, nodes[i%len(nodes)], email, "wrong password", ""); got.Status != http.StatusUnauthorized {
			t.Fatalf("guess %d: got %d %s", i, got.Status, got.Body)
		}
	}
}

// hearsOfLock returns once n knows of the lock that r is a fact about: what another
// node wrote it hears of a little later.
func hearsOfLock(t testing.TB, n *vaulttest.Vault, c *stopped, r eventstore.Recorded) {
	t.Helper()
	for {
		user, _, err := eventstore.Fold[domain.User, domain.UserEvent](t.Context(), n.Log, domain.TenantID{ID: r.Header.Tenant}, r.Aggregate())
		if err != nil {
			t.Fatal(err)
		}
		if user.Locked(c.now()) {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func lockedFor(t testing.TB, c *stopped, fact any, want time.Duration) {
	t.Helper()
	e, ok := fact.(domain.AccountLocked)
	if got := time.UnixMicro(e.LockedUntil).Sub(c.now()); !ok || got != want {
		t.Errorf("locked by %+v, for %s, want %s", fact, got, want)
	}
}

var fiveFailures = []string{"LOGIN_FAILED", "LOGIN_FAILED", "LOGIN_FAILED", "LOGIN_FAILED", "LOGIN_FAILED", "ACCOUNT_LOCKED"}

// TestLockout guesses at an account. While it is locked, the right password is
// refused like a wrong one and nothing is recorded; what the owner has open goes on.
func TestLockout(t *testing.T) {
	deployments(t, node.Config{}, func(t *testing.T, c *stopped, nodes ...*vaulttest.Vault) {
		v := nodes[len(nodes)-1]
		a := nodes[0].Register(t, "owner@example.com")
		e := a.Seal(t, "k", `{"k":"v"}`)
		w := watch(t, v, a.TenantID)

		guess(t, 4, a.Email, nodes...)
		tryLogin(t, v, a.Email, vaulttest.Password, "")
		w.saw(t, "LOGIN_FAILED", "LOGIN_FAILED", "LOGIN_FAILED", "LOGIN_FAILED", "LOGIN_SUCCEEDED", "SESSION_ISSUED")
		guess(t, 4, a.Email, nodes...)
		c.forward(domain.LockoutWindow + time.Second)
		guess(t, 4, a.Email, nodes...)
		w.saw(t, slices.Repeat([]string{"LOGIN_FAILED"}, 8)...)
		guess(t, 1, a.Email, v)
		locked := w.saw(t, "LOGIN_FAILED", "ACCOUNT_LOCKED")
		lockedFor(t, c, locked[1].Event, 30*time.Minute)

		wrong := shown(tryLogin(t, v, a.Email, "wrong password", ""))
		for name, other := range map[string]vaulttest.Answer{
			"the right password":   tryLogin(t, v, a.Email, vaulttest.Password, ""),
			"an account of nobody": tryLogin(t, v, "nobody@example.com", vaulttest.Password, ""),
			"a device of nobody":   tryLogin(t, v, a.Email, vaulttest.Password, strings.Repeat("A", 96)),
		} {
			if diff := cmp.Diff(wrong, shown(other)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		w.saw(t)
		if got := value(t, a.Client, e.ID); got != `{"k":"v"}` {
			t.Errorf("the key reads %s", got)
		}
		a.Token.Must(t, http.StatusOK, http.MethodGet, "/api/v2/vault/list", nil)
		v.As("").Must(t, http.StatusOK, http.MethodPost, authPath+"refresh", map[string]string{"refresh_token": a.Refresh})
		w.saw(t, "CREDENTIAL_UNSEALED", "CREDENTIALS_LISTED", "SESSION_REFRESHED")

		c.forward(30 * time.Minute)
		guess(t, 5, a.Email, nodes...)
		again := w.saw(t, fiveFailures...)
		lockedFor(t, c, again[5].Event, time.Hour)
		c.forward(time.Hour)
		if got := tryLogin(t, nodes[0], a.Email, vaulttest.Password, ""); got.Status != http.StatusOK {
			t.Errorf("after the lock: got %d %s", got.Status, got.Body)
		}
		w.saw(t, "ACCOUNT_UNLOCKED", "LOGIN_SUCCEEDED", "SESSION_ISSUED")
		guess(t, 5, a.Email, nodes...)
		lockedFor(t, c, w.saw(t, fiveFailures...)[5].Event, 30*time.Minute)
	})
}

// TestNobodyIsLockedOutOfHisOwnBrowser has the owner log in while strangers keep
// the account locked. A stolen cookie helps a stranger to five guesses.
func TestNobodyIsLockedOutOfHisOwnBrowser(t *testing.T) {
	t.Parallel()
	deployments(t, node.Config{}, func(t *testing.T, c *stopped, nodes ...*vaulttest.Vault) {
		v := nodes[len(nodes)-1]
		a, other := nodes[0].Register(t, "owner@example.com"), nodes[0].Register(t, "other@example.com")
		device := deviceIn(t, tryLogin(t, v, a.Email, vaulttest.Password, ""))
		foreign := deviceIn(t, tryLogin(t, v, other.Email, vaulttest.Password, ""))
		w := watch(t, v, a.TenantID)
		guess(t, 5, a.Email, v)
		w.saw(t, fiveFailures...)
		changed := device[:95] + "A"
		if changed == device {
			changed = device[:95] + "B"
		}
		for _, unknown := range []string{"", foreign, changed, device + "A"} {
			if got := tryLogin(t, v, a.Email, vaulttest.Password, unknown); got.Status != http.StatusUnauthorized {
				t.Errorf("with the cookie %q: got %d", unknown, got.Status)
			}
		}
		w.saw(t)
		in := tryLogin(t, v, a.Email, vaulttest.Password, device)
		if in.Status != http.StatusOK {
			t.Fatalf("with the cookie: got %d %s", in.Status, in.Body)
		}
		w.saw(t, "ACCOUNT_UNLOCKED", "LOGIN_SUCCEEDED", "SESSION_ISSUED")

		guess(t, 5, a.Email, nodes...)
		failures := w.saw(t, fiveFailures...)
		for _, n := range nodes {
			hearsOfLock(t, n, c, failures[len(failures)-1])
		}
		stolen := deviceIn(t, in)
		for i := range 4 { // the owner's own guess was the first
			if got := tryLogin(t, nodes[i%len(nodes)], a.Email, "wrong password", stolen); got.Status != http.StatusUnauthorized {
				t.Fatalf("got %d", got.Status)
			}
		}
		if got := tryLogin(t, v, a.Email, vaulttest.Password, stolen); got.Status != http.StatusUnauthorized {
			t.Errorf("a device guesses without an end: got %d", got.Status)
		}
		w.saw(t)
		c.forward(3 * time.Minute)
		if got := tryLogin(t, v, a.Email, vaulttest.Password, stolen); got.Status != http.StatusOK {
			t.Errorf("later: got %d %s", got.Status, got.Body)
		}
	})
}

// TestLockoutTogether guesses at one account from many sides at once.
func TestLockoutTogether(t *testing.T) {
	t.Parallel()
	deployments(t, node.Config{}, func(t *testing.T, _ *stopped, nodes ...*vaulttest.Vault) {
		a := nodes[0].Register(t, "owner@example.com")
		w := watch(t, nodes[0], a.TenantID)
		var group sync.WaitGroup
		for i := range 40 {
			group.Go(func() {
				got, err := nodes[i%len(nodes)].As("").Try(t.Context(), http.MethodPost, authPath+"login", credentials(a.Email, "wrong password"))
				if err != nil || got.Status != http.StatusUnauthorized {
					t.Errorf("got %d %s, %v", got.Status, got.Body, err)
				}
			})
		}
		group.Wait()
		facts := map[string]int{}
		for _, f := range w.since(t) {
			facts[f.Header.EventType]++
		}
		if n := facts["LOGIN_FAILED"]; facts["ACCOUNT_LOCKED"] != 1 || n < 5 || n >= 5+len(nodes) || len(facts) != 2 {
			t.Errorf("recorded %v", facts)
		}
	})
}

// TestLockedForGood guesses a hundred times in a row: then no patience helps.
func TestLockedForGood(t *testing.T) {
	t.Parallel()
	deployments(t, node.Config{}, func(t *testing.T, c *stopped, nodes ...*vaulttest.Vault) {
		v := nodes[0]
		a := v.Register(t, "owner@example.com")
		device := deviceIn(t, tryLogin(t, v, a.Email, vaulttest.Password, ""))
		w := watch(t, v, a.TenantID)
		for range domain.MaxFailures / 5 {
			guess(t, 5, a.Email, nodes...)
			c.forward(6 * 24 * time.Hour)
		}
		if facts := w.since(t); len(facts) != domain.MaxFailures+domain.MaxFailures/5 {
			t.Errorf("%d facts were recorded", len(facts))
		}
		c.forward(24 * time.Hour)
		if got := tryLogin(t, v, a.Email, vaulttest.Password, ""); got.Status != http.StatusUnauthorized {
			t.Errorf("got %d", got.Status)
		}
		if got := tryLogin(t, v, a.Email, vaulttest.Password, device); got.Status != http.StatusOK {
			t.Errorf("in the owner's browser: got %d %s", got.Status, got.Body)
		}
	})
}
