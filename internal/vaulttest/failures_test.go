package vaulttest_test

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// behind returns a client that a trusted proxy on this machine stands for.
func behind(v *vaulttest.Vault, key, address string) *vaulttest.Client {
	return &vaulttest.Client{URL: v.URL, Key: key, Header: http.Header{"X-Forwarded-For": {address}}}
}

var thisMachine = []string{"127.0.0.1/32"}

// summed records what is due and returns the sums by bucket.
func summed(t testing.TB, v *vaulttest.Vault, system *witness, unfinished bool) map[domain.Digest]domain.AuthFailuresSummarised {
	t.Helper()
	if err := v.Failures.Record(t.Context(), domain.RequestID{}, unfinished); err != nil {
		t.Fatal(err)
	}
	sums := map[domain.Digest]domain.AuthFailuresSummarised{}
	for _, f := range system.since(t) {
		e, ok := f.Event.(domain.AuthFailuresSummarised)
		if !ok || f.Header.Outcome == uint8(domain.Success) {
			t.Errorf("recorded %+v with outcome %d", f.Event, f.Header.Outcome)
		}
		if _, twice := sums[e.Bucket]; twice {
			t.Errorf("two facts for one bucket: %+v", e)
		}
		sums[e.Bucket] = e
	}
	return sums
}

// TestRefusalsOfNobodyAreSummedUp fails in every way that there is, from two networks.
func TestRefusalsOfNobodyAreSummedUp(t *testing.T) {
	deployments(t, node.Config{RateLimit: 100, AuthRateLimit: 10, TrustedProxies: thisMachine}, func(t *testing.T, c *stopped, nodes ...*vaulttest.Vault) {
		v := nodes[0]
		a := v.Register(t, "owner@example.com")
		c.forward(time.Minute)
		system := watch(t, v, "")
		loud := func(key string) *vaulttest.Client { return behind(v, key, "203.0.113.5") }
		wrong := credentials("nobody@example.com", "wrong password")
		for n := range 15 { // 10 are refused for what they say, 5 unread
			if n == 9 {
				wrong = credentials(a.Email, "wrong password") // a second account
			}
			loud("").Do(t, http.MethodPost, authPath+"login", wrong)
		}
		last := "0"
		if strings.HasSuffix(a.Key, last) {
			last = "1"
		}
		loud(a.Key[:len(a.Key)-1]+last).Must(t, http.StatusUnauthorized, http.MethodGet, "/api/v2/vault/list", nil)
		loud("a.b.c").Must(t, http.StatusUnauthorized, http.MethodGet, "/api/v2/vault/list", nil)
		quiet := behind(v, "", "2001:db8::5")
		quiet.Must(t, http.StatusUnauthorized, http.MethodPost, authPath+"refresh", map[string]string{"refresh_token": "x"})
		for _, none := range []func() vaulttest.Answer{ // nobody failed to prove anything
			func() vaulttest.Answer { return quiet.Do(t, http.MethodGet, "/api/v2/vault/list", nil) },
			func() vaulttest.Answer { return quiet.Do(t, http.MethodPost, authPath+"login", "{") },
			func() vaulttest.Answer { return quiet.Do(t, http.MethodPost, authPath+"logout", "{}") },
			func() vaulttest.Answer {
				return behind(v, a.Key, "2001:db8::5").Do(t, http.MethodGet, "/api/v2/vault/x", nil)
			},
		} {
			if got := none(); got.Status == http.StatusTooManyRequests {
				t.Fatalf("got %d %s", got.Status, got.Body)
			}
		}

		if early := summed(t, v, system, false); len(early) != 0 {
			t.Errorf("before the window is over %+v is recorded", early)
		}
		c.forward(commands.FailureWindow)
		sums := summed(t, v, system, false)
		counts := map[uint64]int{}
		for bucket, e := range sums {
			if accounts := map[uint64]int{17: 2}[e.Count]; e.Accounts > accounts || accounts > 0 && e.Accounts == 0 {
				t.Errorf("%d accounts are counted, want %d", e.Accounts, accounts)
			}
			if counts[e.Count]++; bucket == (domain.Digest{}) || e.WindowSeconds != int(commands.FailureWindow.Seconds()) {
				t.Errorf("recorded %+v", e)
			}
		}
		if len(sums) != 2 || counts[17] != 1 || counts[1] != 1 {
			t.Errorf("recorded %+v, want 17 from one network and 1 from another", sums)
		}
		if again := summed(t, v, system, true); len(again) != 0 {
			t.Errorf("recorded twice: %+v", again)
		}
		loud("").Must(t, http.StatusUnauthorized, http.MethodPost, authPath+"login", wrong)
		for bucket := range summed(t, v, system, true) {
			if _, known := sums[bucket]; !known {
				t.Error("one network has two buckets")
			}
		}
	})
}

// TestRefusalsAreRecordedAtTheEnd stops a node in the middle of a window.
func TestRefusalsAreRecordedAtTheEnd(t *testing.T) {
	v := vaulttest.New(t)
	for range 3 {
		v.As("").Must(t, http.StatusUnauthorized, http.MethodPost, authPath+"login", credentials("nobody@example.com", "wrong"))
	}
	v.Stop()
	again := vaulttest.Start(t, v.Config)
	w := watch(t, again, "")
	w.next = 1
	if e, ok := w.saw(t, "AUTH_FAILURES_SUMMARISED")[0].Event.(domain.AuthFailuresSummarised); !ok || e.Count != 3 {
		t.Errorf("recorded %+v", e)
	}
}

// wrongLogins is how many the next test sends. QUANTASEAL_WRONG_LOGINS sets it.
func wrongLogins(t *testing.T) int {
	t.Helper()
	s := os.Getenv("QUANTASEAL_WRONG_LOGINS")
	if s == "" {
		return 500
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestWrongLoginsDoNotGrowTheChains sends wrong logins for accounts that exist and
// that do not, from one network and then from as many as there are requests. The
// chains grow by no more than the cap, and the owner goes on working meanwhile.
func TestWrongLoginsDoNotGrowTheChains(t *testing.T) {
	t.Parallel()
	n := wrongLogins(t)
	for _, spread := range []bool{false, true} {
		t.Run(map[bool]string{false: "from one network", true: "from many networks"}[spread], func(t *testing.T) {
			deployments(t, node.Config{AuthRateLimit: 20, TrustedProxies: thisMachine}, func(t *testing.T, c *stopped, nodes ...*vaulttest.Vault) {
				a := nodes[0].Register(t, "owner@example.com")
				e := a.Seal(t, "k", `{"k":"v"}`)
				c.forward(time.Minute)
				system, tenant := watch(t, nodes[0], ""), watch(t, nodes[0], a.TenantID)
				statuses := make([]int, n)
				var senders errgroup.Group
				senders.SetLimit(32)
				for i := range n {
					senders.Go(func() error {
						from, email := "203.0.113.5", fmt.Sprintf("user-%d@example.com", i)
						if spread {
							from = fmt.Sprintf("10.%d.%d.1", i>>8&255, i&255)
						}
						if i%10 == 0 {
							email = a.Email
						}
						got, err := behind(nodes[i%len(nodes)], "", from).Try(t.Context(), http.MethodPost, authPath+"login", credentials(email, "wrong password"))
						statuses[i] = got.Status
						return err
					})
				}
				for range 5 { // meanwhile
					if got := value(t, nodes[0].As(a.Key), e.ID); got != `{"k":"v"}` {
						t.Errorf("the owner reads %s", got)
					}
				}
				if err := senders.Wait(); err != nil {
					t.Fatal(err)
				}
				got := map[int]int{}
				for _, s := range statuses {
					got[s]++
				}
				want := 20
				if spread {
					want = n
				}
				if got[401] != min(want, n) || got[401]+got[429] != n {
					t.Errorf("answered %v", got)
				}
				refused := uint64(0)
				facts := 0
				for _, v := range nodes {
					sums := summed(t, v, system, true)
					facts += len(sums)
					if len(sums) > commands.MaxFailureFacts {
						t.Errorf("a node records %d facts about a window, the cap is %d", len(sums), commands.MaxFailureFacts)
					}
					for _, s := range sums {
						refused += s.Count
					}
				}
				if refused != uint64(n) {
					t.Errorf("%d refusals are on the record, want %d", refused, n)
				}
				failed := 0
				for _, f := range tenant.since(t) {
					if f.Header.EventType != "CREDENTIAL_UNSEALED" {
						failed++
					}
				}
				if failed > len(fiveFailures)+len(nodes)-1 {
					t.Errorf("the tenant's chain grew by %d facts", failed)
				}
				t.Logf("%d wrong logins, %v: %d facts on the system chain, %d on the tenant's", n, got, facts, failed)
			})
		})
	}
}
