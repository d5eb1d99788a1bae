package vaulttest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

func refusalType(t testing.TB, a vaulttest.Answer) (kind, mfaToken string) {
	t.Helper()
	var body struct {
		Error struct {
			Type    string `json:"type"`
			Details struct {
				Token string `json:"mfa_token"`
			} `json:"details"`
		} `json:"error"`
	}
	if err := json.Unmarshal(a.Body, &body); err != nil {
		t.Fatal(err)
	}
	return body.Error.Type, body.Error.Details.Token
}

// TestTourMFA sets a second factor up, uses it, and takes it away.
func TestTourMFA(t *testing.T) {
	t.Parallel()
	enginesAt(t, func(t *testing.T, v *vaulttest.Vault, c *clock) {
		a := v.Register(t, "owner@example.com")
		w := watch(t, v, a.TenantID)
		a.Must(t, http.StatusConflict, http.MethodPost, authPath+"mfa/verify", map[string]string{"totp_code": "123456"})
		w.saw(t)

		setup := a.Must(t, http.StatusOK, http.MethodPost, authPath+"mfa/setup", "null") // by the key of the published SDKs
		var f factor
		setup.Into(t, &f)
		if len(f.Secret) != 32 || !strings.HasPrefix(f.QR, "data:image/png;base64,") ||
			!strings.HasPrefix(f.URI, "otpauth://totp/QuantaSeal:owner@example.com?") || len(f.Codes) != 10 {
			t.Errorf("the factor is %d characters, %.30s, %s, %d codes", len(f.Secret), f.QR, f.URI, len(f.Codes))
		}
		w.receipted(t, setup, "MFA_ENROLMENT_STARTED")
		wrong := map[string]string{"totp_code": "000000"}
		if f.code(t, c.now()) == "000000" {
			wrong["totp_code"] = "000001"
		}
		refused := a.Token.Must(t, http.StatusForbidden, http.MethodPost, authPath+"mfa/verify", wrong)
		if e, ok := w.receipted(t, refused, "LOGIN_FAILED")[0].Event.(domain.LoginFailed); !ok || e.Reason != "totp" {
			t.Errorf("recorded %+v", e)
		}

		first := map[string]string{"totp_code": f.code(t, c.now())}
		enabled := a.Token.Must(t, http.StatusOK, http.MethodPost, authPath+"mfa/verify", first)
		var got struct {
			Verified bool     `json:"verified"`
			Codes    []string `json:"backup_codes"`
			Token    string   `json:"access_token"`
		}
		enabled.Into(t, &got)
		if diff := cmp.Diff(f.Codes, got.Codes); diff != "" || !got.Verified {
			t.Errorf("verified: %v, other codes (-setup +verify):\n%s", got.Verified, diff)
		}
		w.receipted(t, enabled, "MFA_ENABLED", "SESSION_STEPPED_UP")
		a.Token.Must(t, http.StatusUnauthorized, http.MethodGet, authPath+"me", nil) // what it said of its user is no longer so
		session := v.As(got.Token)
		session.Must(t, http.StatusConflict, http.MethodPost, authPath+"mfa/setup", nil)
		if n := len(letters(t, v, "mfa-on")); n != 1 {
			t.Errorf("%d letters tell of it", n)
		}
		w.saw(t)

		nobody := v.As("")
		login := func(more map[string]string) vaulttest.Answer {
			body := credentials(a.Email, vaulttest.Password)
			for k, value := range more {
				body[k] = value
			}
			return nobody.Do(t, http.MethodPost, authPath+"login", body)
		}
		half := login(nil)
		kind, token := refusalType(t, half)
		if half.Status != http.StatusUnauthorized || kind != "mfa_required" || len(half.Header.Values("Set-Cookie")) > 0 {
			t.Errorf("without a code: %d %s", half.Status, kind)
		}
		v.As(token).Must(t, http.StatusUnauthorized, http.MethodGet, authPath+"me", nil)
		w.saw(t)
		if replay := login(first); replay.Status != http.StatusUnauthorized {
			t.Errorf("a code that was used before gets %d", replay.Status)
		}
		w.saw(t, "LOGIN_FAILED")

		c.forward(30 * time.Second)
		next := map[string]string{"totp_code": f.code(t, c.now())}
		in := login(next)
		tokensOf(t, in)
		facts := w.receipted(t, in, "MFA_CODE_USED", "LOGIN_SUCCEEDED", "SESSION_ISSUED")
		if e, ok := facts[1].Event.(domain.LoginSucceeded); !ok || !e.MFA {
			t.Errorf("recorded %+v", facts[1].Event)
		}
		if replay := login(next); replay.Status != http.StatusUnauthorized {
			t.Errorf("a code gets %d the second time", replay.Status)
		}
		w.saw(t, "LOGIN_FAILED")

		finish := map[string]string{"mfa_token": token, "backup_code": strings.ToLower(f.Codes[3])}
		finished := nobody.Must(t, http.StatusOK, http.MethodPost, authPath+"mfa/verify", finish)
		tokensOf(t, finished)
		w.receipted(t, finished, "MFA_BACKUP_CODE_USED", "LOGIN_SUCCEEDED", "SESSION_ISSUED")
		if n := len(letters(t, v, "backup")); n != 1 {
			t.Errorf("%d letters tell of a backup code", n)
		}
		nobody.Must(t, http.StatusUnauthorized, http.MethodPost, authPath+"mfa/verify", finish)
		w.saw(t, "LOGIN_FAILED")
		c.forward(6 * time.Minute)
		finish["backup_code"] = f.Codes[4]
		nobody.Must(t, http.StatusUnauthorized, http.MethodPost, authPath+"mfa/verify", finish)
		w.saw(t) // the token is too old for anybody to look at the code

		off := map[string]string{"password": vaulttest.Password, "totp_code": f.code(t, c.now())}
		w.receipted(t, a.Must(t, http.StatusForbidden, http.MethodPost, authPath+"mfa/disable", off), "ACCESS_DENIED")
		disabled := session.Must(t, http.StatusOK, http.MethodPost, authPath+"mfa/disable", off)
		w.receipted(t, disabled, "MFA_CODE_USED", "MFA_DISABLED", "SESSION_STEPPED_UP")
		tokensOf(t, login(nil))
		w.saw(t, "LOGIN_SUCCEEDED", "SESSION_ISSUED")
	})
}

// TestOneCodeOpensOneSession lets many use one code at once.
func TestOneCodeOpensOneSession(t *testing.T) {
	t.Parallel()
	enginesAt(t, func(t *testing.T, v *vaulttest.Vault, c *clock) {
		a := v.Register(t, "owner@example.com")
		f, _ := enrol(t, v, c, a.Token)
		c.forward(30 * time.Second)
		for _, name := range []string{"MFA_BACKUP_CODE_USED", "MFA_CODE_USED"} {
			w := watch(t, v, a.TenantID)
			body := credentials(a.Email, vaulttest.Password)
			if name == "MFA_CODE_USED" {
				body["totp_code"] = f.code(t, c.now())
			} else {
				body["backup_code"] = f.Codes[0]
			}
			statuses := together(t, 12, func() vaulttest.Answer { return v.As("").Do(t, http.MethodPost, authPath+"login", body) })
			used, sessions := 0, 0
			for _, r := range w.since(t) {
				switch r.Header.EventType {
				case name:
					used++
				case "SESSION_ISSUED":
					sessions++
				}
			}
			if statuses[http.StatusOK] != 1 || statuses[http.StatusUnauthorized] != 11 || used != 1 || sessions != 1 {
				t.Errorf("%s: answers %v, used %d times, %d sessions", name, statuses, used, sessions)
			}
			c.forward(24 * time.Hour) // whatever the failures locked is open again
		}
	})
}

// together asks n times at once and counts the statuses of the answers.
func together(t *testing.T, n int, ask func() vaulttest.Answer) map[int]int {
	t.Helper()
	statuses := map[int]int{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			a := ask()
			mu.Lock()
			defer mu.Unlock()
			statuses[a.Status]++
		})
	}
	all.Wait()
	return statuses
}

// TestManyRefreshesMakeOneSuccessor uses one refresh token 50 times at once.
func TestManyRefreshesMakeOneSuccessor(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		a := v.Register(t, "owner@example.com")
		w := watch(t, v, a.TenantID)
		successors := map[string]bool{}
		var mu sync.Mutex
		statuses := together(t, 50, func() vaulttest.Answer {
			got := v.As("").Do(t, http.MethodPost, authPath+"refresh", map[string]string{"refresh_token": a.Refresh})
			var s tokens
			if got.Status == http.StatusOK {
				got.Into(t, &s)
				mu.Lock()
				defer mu.Unlock()
				successors[s.Refresh] = true
			}
			return got
		})
		if statuses[http.StatusOK]+statuses[http.StatusUnauthorized] != 50 || len(successors) != 1 {
			t.Errorf("answers %v, %d successors", statuses, len(successors))
		}
		w.saw(t, "SESSION_REFRESHED")
		for successor := range successors {
			v.As("").Must(t, http.StatusOK, http.MethodPost, authPath+"refresh", map[string]string{"refresh_token": successor})
		}
		w.saw(t, "SESSION_REFRESHED")
	})
}

// TestTourEnforcedMFA follows a user whose tenant begins to demand a second factor.
func TestTourEnforcedMFA(t *testing.T) {
	t.Parallel()
	enginesAt(t, func(t *testing.T, v *vaulttest.Vault, c *clock) {
		a := v.Register(t, "owner@example.com")
		enforce(t, v, a.TenantID)
		for path, kind := range map[string]string{"/api/v2/vault/list": "access_denied", keysPath: "mfa_enrolment_required", authPath + "sessions": "mfa_enrolment_required"} {
			if got, _ := refusalType(t, a.Token.Must(t, http.StatusForbidden, http.MethodGet, path, nil)); got != kind {
				t.Errorf("%s: refused as %s, want %s", path, got, kind)
			}
		}
		a.Must(t, http.StatusOK, http.MethodGet, "/api/v2/vault/list", nil) // a key is no person
		var owes struct {
			Owes bool `json:"mfa_enrolment_required"`
		}
		a.Token.Must(t, http.StatusOK, http.MethodGet, authPath+"me", nil).Into(t, &owes)
		if !owes.Owes {
			t.Error("the user is not told what to do")
		}
		_, session := enrol(t, v, c, a.Token)
		session.Must(t, http.StatusOK, http.MethodGet, "/api/v2/vault/list", nil)
	})
}

// enforce makes a tenant demand a second factor of its users.
func enforce(t *testing.T, v *vaulttest.Vault, tenant string) {
	t.Helper()
	raw, err := domain.ParseID(tenant)
	if err != nil {
		t.Fatal(err)
	}
	id := domain.TenantID{ID: raw}
	aggregate := domain.AggregateID{Kind: domain.KindTenant, ID: raw}
	_, version, err := eventstore.Fold[domain.Tenant](t.Context(), v.Log, id, aggregate)
	if err != nil {
		t.Fatal(err)
	}
	_, err = v.Log.Append(t.Context(), domain.System(id, domain.RequestID{}), eventstore.Fact{
		Event: domain.TenantSettingsChanged{Key: domain.SettingMFA, New: "true", Old: "false"}, Aggregate: aggregate, Changes: true, Version: version,
	})
	if err != nil {
		t.Fatal(err)
	}
	v.Log.Forget(id, aggregate)
}
