package vaulttest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/auth"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

const otherPassword = "marker-password-other-5Tz8"

func (f sessionList) ids() (ids []string) {
	for _, s := range f {
		ids = append(ids, s.ID)
	}
	return ids
}

type sessionList []struct {
	ID        string  `json:"id"`
	Current   bool    `json:"current"`
	IP        *string `json:"ip_address"`
	UserAgent *string `json:"user_agent"`
}

// TestTourPassword replaces a password, knowing it and not.
func TestTourPassword(t *testing.T) {
	t.Parallel()
	enginesAt(t, func(t *testing.T, v *vaulttest.Vault, c *clock) {
		a := v.Register(t, "owner@example.com")
		nobody := v.As("")
		other := tokensOf(t, nobody.Must(t, http.StatusOK, http.MethodPost, authPath+"login", credentials(a.Email, vaulttest.Password)))
		w := watch(t, v, a.TenantID)
		change := func(by *vaulttest.Client, status int, current, next string) vaulttest.Answer {
			t.Helper()
			return by.Must(t, status, http.MethodPost, authPath+"password", map[string]string{"current_password": current, "new_password": next})
		}
		change(a.Token, http.StatusUnprocessableEntity, vaulttest.Password, "short")
		w.saw(t)
		w.receipted(t, change(a.Token, http.StatusForbidden, "not the password", otherPassword), "LOGIN_FAILED")
		w.receipted(t, change(a.Client, http.StatusForbidden, vaulttest.Password, otherPassword), "ACCESS_DENIED") // an API key

		changed := change(a.Token, http.StatusOK, vaulttest.Password, otherPassword)
		w.receipted(t, changed, "PASSWORD_SET")
		var fresh tokens
		changed.Into(t, &fresh)
		a.Token.Must(t, http.StatusUnauthorized, http.MethodGet, authPath+"me", nil)
		v.As(other.Token).Must(t, http.StatusUnauthorized, http.MethodGet, authPath+"me", nil)
		nobody.Must(t, http.StatusUnauthorized, http.MethodPost, authPath+"refresh", map[string]string{"refresh_token": other.Refresh})
		a.Must(t, http.StatusOK, http.MethodGet, keysPath, nil) // keys go on
		var live sessionList
		v.As(fresh.Token).Must(t, http.StatusOK, http.MethodGet, authPath+"sessions", nil).Into(t, &live)
		if len(live) != 1 || !live[0].Current {
			t.Errorf("the sessions that go on are %+v", live)
		}
		w.saw(t)
		nobody.Must(t, http.StatusOK, http.MethodPost, authPath+"refresh", map[string]string{"refresh_token": a.Refresh})
		w.saw(t, "SESSION_REFRESHED")
		nobody.Must(t, http.StatusUnauthorized, http.MethodPost, authPath+"login", credentials(a.Email, vaulttest.Password))
		w.saw(t, "LOGIN_FAILED")

		forgot := func(email string) vaulttest.Answer {
			return nobody.Must(t, http.StatusAccepted, http.MethodPost, authPath+"password/forgot", map[string]string{"email": email})
		}
		known, unknown := forgot("Owner@Example.com"), forgot("who@example.com")
		if diff := cmp.Diff(shown(known), shown(unknown)); diff != "" {
			t.Errorf("whether an account exists shows (-exists +unknown):\n%s", diff)
		}
		w.saw(t, "PROOF_ISSUED")
		forgot(a.Email) // a letter is on its way
		w.saw(t)
		sent := letters(t, v, "reset")
		if len(sent) != 1 {
			t.Fatalf("%d letters", len(sent))
		}
		reset := func(status int, token, password string) vaulttest.Answer {
			t.Helper()
			return nobody.Must(t, status, http.MethodPost, authPath+"password/reset", map[string]string{"token": token, "password": password})
		}
		token := proofIn(t, sent[0])
		reset(http.StatusUnprocessableEntity, token, "password123")
		reset(http.StatusUnprocessableEntity, another(token), vaulttest.Password)
		nobody.Must(t, http.StatusUnprocessableEntity, http.MethodPost, authPath+"verify-email", map[string]string{"token": token})
		w.saw(t)
		w.receipted(t, reset(http.StatusOK, token, vaulttest.Password), "PROOF_CONSUMED", "PASSWORD_SET")
		reset(http.StatusUnprocessableEntity, token, otherPassword)
		v.As(fresh.Token).Must(t, http.StatusUnauthorized, http.MethodGet, authPath+"me", nil)
		w.saw(t)
		nobody.Must(t, http.StatusOK, http.MethodPost, authPath+"login", credentials(a.Email, vaulttest.Password))
		w.saw(t, "LOGIN_SUCCEEDED", "SESSION_ISSUED")

		forgot(a.Email)
		settled(t, v) // after the token is over nobody would be sent it
		c.forward(domain.ProvesReset.Lifetime() + time.Second)
		late := letters(t, v, "reset")
		for _, text := range late {
			reset(http.StatusUnprocessableEntity, proofIn(t, text), otherPassword)
		}
		w.saw(t, "PROOF_ISSUED")
		if n := len(letters(t, v, "password")); n != 2 || len(late) != 2 {
			t.Errorf("%d letters tell of new passwords, %d carry proofs", n, len(late))
		}
	})
}

// TestTourSessions ends one session from another.
func TestTourSessions(t *testing.T) {
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		a, b := v.Register(t, "a@example.com"), v.Register(t, "b@example.com")
		other := tokensOf(t, v.As("").Must(t, http.StatusOK, http.MethodPost, authPath+"login", credentials(a.Email, vaulttest.Password)))
		w := watch(t, v, a.TenantID)
		var live, foreign sessionList
		a.Token.Must(t, http.StatusOK, http.MethodGet, authPath+"sessions", nil).Into(t, &live)
		b.Token.Must(t, http.StatusOK, http.MethodGet, authPath+"sessions", nil).Into(t, &foreign)
		if len(live) != 2 || live[0].Current || !live[1].Current || len(foreign) != 1 {
			t.Fatalf("a sees %+v, b sees %+v", live, foreign)
		}
		from := &vaulttest.Client{URL: v.URL, Header: http.Header{"User-Agent": {"Browser/2"}}}
		from.Must(t, http.StatusOK, http.MethodPost, authPath+"refresh", map[string]string{"refresh_token": other.Refresh}).Into(t, &other)
		w.saw(t, "SESSION_REFRESHED")
		a.Token.Must(t, http.StatusOK, http.MethodGet, authPath+"sessions", nil).Into(t, &live)
		for n, agent := range []string{"Browser/2", "Go-http-client/1.1"} {
			if s := live[n]; s.IP == nil || *s.IP != "127.0.0.1" || s.UserAgent == nil || *s.UserAgent != agent {
				t.Errorf("session %d is shown as used from %v with %v", n, s.IP, s.UserAgent)
			}
		}
		for _, id := range append(foreign.ids(), "00000000-0000-4000-8000-000000000000", "x") {
			a.Token.Must(t, http.StatusNotFound, http.MethodDelete, authPath+"sessions/"+id, nil)
		}
		w.saw(t)
		ended := a.Token.Must(t, http.StatusOK, http.MethodDelete, authPath+"sessions/"+live[0].ID, nil)
		w.receipted(t, ended, "SESSION_REVOKED")
		a.Token.Must(t, http.StatusOK, http.MethodDelete, authPath+"sessions/"+live[0].ID, nil)
		v.As(other.Token).Must(t, http.StatusUnauthorized, http.MethodGet, authPath+"me", nil)
		v.As("").Must(t, http.StatusUnauthorized, http.MethodPost, authPath+"refresh", map[string]string{"refresh_token": other.Refresh})
		b.Token.Must(t, http.StatusOK, http.MethodGet, authPath+"me", nil)
		w.saw(t)
		a.Must(t, http.StatusForbidden, http.MethodGet, authPath+"sessions", nil) // an API key has none
		w.saw(t, "ACCESS_DENIED")
	})
}

// TestTourStepUp needs a fresh proof for what is sensitive.
func TestTourStepUp(t *testing.T) {
	t.Parallel()
	enginesAt(t, func(t *testing.T, v *vaulttest.Vault, c *clock) {
		a := v.Register(t, "owner@example.com")
		w := watch(t, v, a.TenantID)
		newKey := map[string]string{"name": "second"}
		c.forward(domain.StepUpTTL + time.Second)
		if kind, _ := refusalType(t, a.Token.Must(t, http.StatusForbidden, http.MethodPost, keysPath, newKey)); kind != "step_up_required" {
			t.Errorf("refused as %s", kind)
		}
		w.saw(t, "ACCESS_DENIED")
		w.receipted(t, a.Token.Must(t, http.StatusForbidden, http.MethodPost, authPath+"step-up", map[string]string{"password": "not the password"}), "LOGIN_FAILED")
		up := a.Token.Must(t, http.StatusOK, http.MethodPost, authPath+"step-up", map[string]string{"password": vaulttest.Password})
		w.receipted(t, up, "SESSION_STEPPED_UP")
		var fresh tokens
		up.Into(t, &fresh)
		session := v.As(fresh.Token)
		session.Must(t, http.StatusCreated, http.MethodPost, keysPath, newKey)
		w.saw(t, "API_KEY_CREATED")

		f, session := enrol(t, v, c, session)
		c.forward(domain.StepUpTTL + time.Minute)
		w.since(t)
		session.Must(t, http.StatusForbidden, http.MethodPost, authPath+"step-up", map[string]string{"password": vaulttest.Password})
		w.saw(t, "LOGIN_FAILED") // who has a second factor shows it
		up = session.Must(t, http.StatusOK, http.MethodPost, authPath+"step-up", map[string]string{"totp_code": f.code(t, c.now())})
		w.receipted(t, up, "MFA_CODE_USED", "SESSION_STEPPED_UP")
	})
}

// TestCheapHashesAreMadeAgain starts a vault whose passwords cost more than before.
func TestCheapHashesAreMadeAgain(t *testing.T) {
	config := node.Config{Data: t.TempDir()}
	v := vaulttest.Start(t, config)
	a := v.Register(t, "owner@example.com")
	v.Stop()
	v = vaulttest.StartWith(t, config, node.Options{Argon: auth.Argon{MemoryKiB: 128, Passes: 1, Lanes: 1}})
	w, nobody := watch(t, v, a.TenantID), v.As("")
	nobody.Must(t, http.StatusOK, http.MethodPost, authPath+"login", credentials(a.Email, vaulttest.Password))
	facts := w.saw(t, "PASSWORD_SET", "LOGIN_SUCCEEDED", "SESSION_ISSUED")
	if e, ok := facts[0].Event.(domain.PasswordSet); !ok || !e.Rehashed || e.KDF != "hmac-sha512+argon2id$m=128,t=1,p=1" {
		t.Errorf("recorded %+v", facts[0].Event)
	}
	v.As(a.Token.Key).Must(t, http.StatusOK, http.MethodGet, authPath+"me", nil) // nothing ended
	nobody.Must(t, http.StatusOK, http.MethodPost, authPath+"login", credentials(a.Email, vaulttest.Password))
	w.saw(t, "LOGIN_SUCCEEDED", "SESSION_ISSUED")
}
