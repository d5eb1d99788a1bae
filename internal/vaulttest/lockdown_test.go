package vaulttest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

const lockdownPath = "/api/v2/security/emergency-lockdown"

type lockdown struct {
	Locked       bool   `json:"locked"`
	LockedAt     string `json:"locked_at"`
	Instructions string `json:"unlock_instructions"`
}

// TestLockdown stops the release of values with an API key, and starts it again
// as only an owner who has just proven who they are can.
func TestLockdown(t *testing.T) {
	t.Parallel()
	enginesAt(t, func(t *testing.T, v *vaulttest.Vault, c *clock) {
		a := v.Register(t, "owner@example.com")
		e := a.Seal(t, "n", `{"k":"v"}`)
		unknown := a.Do(t, http.MethodGet, vaultPath+"cred_00000000000000000000000000000000", nil)
		w := watch(t, v, a.TenantID)
		a.Must(t, http.StatusUnprocessableEntity, http.MethodPost, lockdownPath, map[string]string{"reason": strings.Repeat("r", domain.MaxReason+1)})
		w.saw(t)
		first := a.Must(t, http.StatusOK, http.MethodPost, lockdownPath, `{"reason":"marker-reason"}`)
		begun := w.receipted(t, first, "EMERGENCY_LOCKDOWN_ACTIVATED")[0]
		fact, _ := begun.Event.(domain.LockdownActivated)
		var payload map[string]any
		if err := json.Unmarshal(begun.Record.Payload, &payload); err != nil {
			t.Fatal(err)
		}
		if fact.Personal.Reason != "marker-reason" || fact.ActivationEventID != begun.Header.EventID || len(payload) != 3 || payload["in_declared_range"] != domain.NoneDeclared {
			t.Errorf("recorded %+v with payload %s", fact, begun.Record.Payload)
		}
		again := a.Must(t, http.StatusOK, http.MethodPost, lockdownPath, `{"reason":"twice"}`)
		w.receipted(t, again)
		var one, two lockdown
		first.Into(t, &one)
		again.Into(t, &two)
		if !one.Locked || one.LockedAt == "" || one.Instructions == "" || one != two {
			t.Errorf("answered %+v, then %+v", one, two)
		}
		for _, client := range []*vaulttest.Client{a.Client, a.Token} {
			for _, r := range []struct{ method, path string }{{"GET", e.ID}, {"GET", "unseal/" + e.ID}, {"POST", "unseal/" + e.CredentialID}} {
				denied := client.Do(t, r.method, vaultPath+r.path, nil)
				if diff := cmp.Diff(shown(unknown), shown(denied)); diff != "" {
					t.Errorf("%s %s tells itself apart from what is unknown:\n%s", r.method, r.path, diff)
				}
				if f, _ := w.saw(t, "CREDENTIAL_UNSEAL_DENIED")[0].Event.(domain.CredentialUnsealDenied); f.Reason != domain.BarredLockdown {
					t.Errorf("recorded %+v", f)
				}
			}
			client.Must(t, http.StatusOK, http.MethodGet, vaultPath+"list", nil)
			client.Must(t, http.StatusOK, http.MethodGet, vaultPath+e.ID+"/versions", nil)
			w.since(t)
		}
		bars := func(client *vaulttest.Client, reason string) {
			t.Helper()
			client.Must(t, http.StatusForbidden, http.MethodPost, lockdownPath+"/release", nil)
			if f, _ := w.saw(t, "ACCESS_DENIED")[0].Event.(domain.AccessDenied); f.Reason != reason {
				t.Errorf("recorded %+v, want %q", f, reason)
			}
		}
		bars(a.Client, domain.BarredKey)
		c.forward(6 * time.Minute)
		bars(a.Token, domain.BarredStepUp)
		var renewed struct {
			Token string `json:"access_token"`
		}
		a.Token.Must(t, http.StatusOK, http.MethodPost, authPath+"step-up", map[string]string{"password": vaulttest.Password}).Into(t, &renewed)
		w.saw(t, "SESSION_STEPPED_UP")
		owner := v.As(renewed.Token)
		released := owner.Must(t, http.StatusOK, http.MethodPost, lockdownPath+"/release", nil)
		lifted, _ := w.receipted(t, released, "EMERGENCY_LOCKDOWN_LIFTED")[0].Event.(domain.LockdownLifted)
		if lifted.ActivationEventID != fact.ActivationEventID {
			t.Errorf("recorded %+v", lifted)
		}
		if got := value(t, a.Client, e.ID); got != `{"k":"v"}` {
			t.Errorf("it holds %s", got)
		}
		w.saw(t, "CREDENTIAL_UNSEALED")
		w.receipted(t, owner.Must(t, http.StatusOK, http.MethodPost, lockdownPath+"/release", nil))
	})
}

// TestLockdownReachesTheOtherNode locks a tenant on one node while the other one
// goes on releasing its values from memory: within 5 s it stops, for good.
func TestLockdownReachesTheOtherNode(t *testing.T) {
	nodes := twoNodes(t)
	a := nodes[0].Register(t, "owner@example.com")
	b := nodes[0].Register(t, "other@example.com")
	e, other := a.Seal(t, "n", `{"k":"v"}`), b.Seal(t, "n", `{"k":"v"}`)
	there, bystander := nodes[1].As(a.Key), nodes[1].As(b.Key)
	if got := value(t, there, e.ID); got != `{"k":"v"}` { // now tenant and credential are in memory there
		t.Errorf("it holds %s", got)
	}
	a.Must(t, http.StatusOK, http.MethodPost, lockdownPath, `{"reason":"stop"}`)
	locked := time.Now()
	a.Must(t, http.StatusForbidden, http.MethodGet, vaultPath+e.ID, nil) // at once, here
	for there.Do(t, http.MethodGet, vaultPath+e.ID, nil).Status != http.StatusForbidden {
		if time.Since(locked) > 5*time.Second {
			t.Fatal("5 s after the lockdown values are still released")
		}
	}
	t.Logf("the other node stopped after %v", time.Since(locked))
	for range 20 {
		there.Must(t, http.StatusForbidden, http.MethodGet, vaultPath+e.ID, nil)
	}
	bystander.Must(t, http.StatusOK, http.MethodGet, vaultPath+other.ID, nil) // another tenant is not concerned
	a.Token.Must(t, http.StatusOK, http.MethodPost, lockdownPath+"/release", nil)
	for lifted := time.Now(); there.Do(t, http.MethodGet, vaultPath+e.ID, nil).Status != http.StatusOK; {
		if time.Since(lifted) > 5*time.Second {
			t.Fatal("5 s after the release values are still kept")
		}
	}
	proven(t, nodes[1], export(t, there))
}
