package vaulttest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// tokens are what a login answers with, under every name that clients read.
type tokens struct {
	Token         string `json:"token"`
	AccessToken   string `json:"access_token"`
	TokenType     string `json:"token_type"`
	ExpiresIn     int    `json:"expires_in"`
	Refresh       string `json:"refresh_token"`
	RefreshIn     int    `json:"refresh_expires_in"`
	UserID        string `json:"user_id"`
	TenantID      string `json:"tenant_id"`
	OrgID         string `json:"org_id"`
	SecondFactors *bool  `json:"mfa_required"`
}

func tokensOf(t *testing.T, a vaulttest.Answer) tokens {
	t.Helper()
	var got tokens
	a.Into(t, &got)
	if got.Token == "" || got.Token != got.AccessToken || got.TokenType != "bearer" || got.ExpiresIn != 1800 ||
		got.Refresh == "" || got.RefreshIn <= 604700 || got.RefreshIn > 604800 ||
		got.UserID == "" || got.TenantID == "" || got.TenantID != got.OrgID || got.SecondFactors == nil || *got.SecondFactors {
		t.Errorf("tokens are missing or contradict one another: %d", a.Status)
	}
	for _, want := range []string{"accessToken=" + got.Token + "; Path=/api/v2;", "refreshToken=" + got.Refresh + "; Path=/api/v2/auth;"} {
		found := false
		for _, c := range a.Header.Values("Set-Cookie") {
			found = found || strings.HasPrefix(c, want) && strings.HasSuffix(c, "; HttpOnly; Secure; SameSite=Strict")
		}
		if !found {
			t.Error("a token does not come as a cookie that scripts cannot read")
		}
	}
	return got
}

const (
	authPath = "/api/v2/auth/"
	keysPath = "/api/v2/security/api-keys"
)

func credentials(email, password string) map[string]string {
	return map[string]string{"email": email, "password": password}
}

// TestTourRegister follows a registration over both chains.
func TestTourRegister(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		nobody, system := v.As(""), watch(t, v, "")
		body := map[string]string{"email": "New@Example.com", "password": vaulttest.Password, "org_name": "Acme Corp"}
		a := nobody.Must(t, http.StatusCreated, http.MethodPost, authPath+"register", body)
		got := tokensOf(t, a)
		claimed := system.saw(t, "ACCOUNT_CLAIMED", "TENANT_ADDED")
		added, ok := claimed[1].Event.(domain.TenantAdded)
		if !ok || added.TenantID.String() != got.TenantID || added.TenantIndex != 1 {
			t.Errorf("the system chain says %+v", claimed[1].Event)
		}
		w := watch(t, v, got.TenantID)
		w.next = 0
		facts := w.receipted(t, a, "CHAIN_GENESIS", "TENANT_REGISTERED", "USER_REGISTERED", "PASSWORD_SET", "NEW_DEVICE_SEEN", "LOGIN_SUCCEEDED", "SESSION_ISSUED")
		if e, ok := facts[2].Event.(domain.UserRegistered); !ok || e.UserID.String() != got.UserID || e.Role != domain.RoleOwner ||
			!e.Verified || e.Personal.Email != "new@example.com" {
			t.Errorf("recorded %+v", facts[2].Event)
		}
		if e, ok := facts[1].Event.(domain.TenantRegistered); !ok || e.Personal.Name != "Acme Corp" {
			t.Errorf("recorded %+v", facts[1].Event)
		}
		v.As(got.Token).Must(t, http.StatusOK, http.MethodGet, "/api/v2/vault/list", nil)
		w.saw(t, "CREDENTIALS_LISTED")

		body["email"] = "new@EXAMPLE.com" // another spelling of the same address
		nobody.Must(t, http.StatusConflict, http.MethodPost, authPath+"register", body)
		for name, wrong := range map[string]map[string]string{
			"two names":       {"email": "b@example.com", "password": vaulttest.Password, "org_name": "A", "tenant_name": "B"},
			"no name":         {"email": "b@example.com", "password": vaulttest.Password},
			"no address":      {"email": "nobody", "password": vaulttest.Password, "org_name": "A"},
			"short password":  {"email": "b@example.com", "password": "a1b2c3d4e", "org_name": "A"},
			"common password": {"email": "b@example.com", "password": "password123", "org_name": "A"},
		} {
			if a := nobody.Do(t, http.MethodPost, authPath+"register", wrong); a.Status != http.StatusUnprocessableEntity {
				t.Errorf("%s: got %d %s, want 422", name, a.Status, a.Body)
			}
		}
		system.saw(t)
		w.saw(t)
	})
}

// TestTourLogin logs in, with and without the right proof.
func TestTourLogin(t *testing.T) {
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		a := v.Register(t, "owner@example.com")
		w := watch(t, v, a.TenantID)
		nobody := v.As("")
		right := nobody.Must(t, http.StatusOK, http.MethodPost, authPath+"login", credentials(a.Email, vaulttest.Password))
		if got := tokensOf(t, right); got.UserID != a.UserID || got.TenantID != a.TenantID {
			t.Errorf("logged in as %s of %s", got.UserID, got.TenantID)
		}
		w.receipted(t, right, "LOGIN_SUCCEEDED", "SESSION_ISSUED")
		v.As("qs_live_of-an-old-client").Must(t, http.StatusOK, http.MethodPost, authPath+"login", credentials(a.Email, vaulttest.Password))
		w.saw(t, "LOGIN_SUCCEEDED", "SESSION_ISSUED")

		wrong := nobody.Must(t, http.StatusUnauthorized, http.MethodPost, authPath+"login", credentials(a.Email, "not the password"))
		failed := w.saw(t, "LOGIN_FAILED") // without a receipt: that would tell that the account exists
		if e, ok := failed[0].Event.(domain.LoginFailed); !ok || e.Reason != "password" || domain.ActorKind(failed[0].Header.ActorKind) != domain.ActorAnonymous {
			t.Errorf("recorded %+v", failed[0].Event)
		}
		unknown := nobody.Must(t, http.StatusUnauthorized, http.MethodPost, authPath+"login", credentials("who@example.com", "not the password"))
		if diff := cmp.Diff(shown(wrong), shown(unknown)); diff != "" {
			t.Errorf("whether an account exists shows (-exists +unknown):\n%s", diff)
		}
		w.saw(t)
	})
}

// TestTourRefresh trades refresh tokens in, by body and by cookie, and one twice.
func TestTourRefresh(t *testing.T) {
	enginesAt(t, func(t *testing.T, v *vaulttest.Vault, c *clock) {
		a := v.Register(t, "owner@example.com")
		w, nobody := watch(t, v, a.TenantID), v.As("")
		byBody := func(token string) vaulttest.Answer {
			return nobody.Do(t, http.MethodPost, authPath+"refresh", map[string]string{"refresh_token": token})
		}
		byCookie := func(token string) vaulttest.Answer {
			browser := &vaulttest.Client{URL: v.URL, Header: http.Header{"Cookie": {"refreshToken=" + token}, "Sec-Fetch-Site": {"same-origin"}}}
			return browser.Do(t, http.MethodPost, authPath+"refresh", nil)
		}
		first := byBody(a.Refresh)
		second := tokensOf(t, first)
		w.receipted(t, first, "SESSION_REFRESHED")
		if again := byBody(a.Refresh); again.Status != http.StatusOK || tokensOf(t, again).Refresh != second.Refresh || again.Receipt(t) != "" {
			t.Errorf("a client whose answer was lost gets %d, want the same successor and no new fact", again.Status)
		}
		w.saw(t)
		last := byCookie(second.Refresh)
		third := tokensOf(t, last)
		w.receipted(t, last, "SESSION_REFRESHED")
		foreign := &vaulttest.Client{URL: v.URL, Header: http.Header{"Cookie": {"refreshToken=" + third.Refresh}, "Origin": {"https://evil.example"}}}
		foreign.Must(t, http.StatusForbidden, http.MethodPost, authPath+"refresh", nil)
		nobody.Must(t, http.StatusUnauthorized, http.MethodPost, authPath+"refresh", nil)
		v.As(third.Token).Must(t, http.StatusOK, http.MethodGet, keysPath, nil)
		w.saw(t)

		c.forward(domain.RefreshGrace)
		if stolen := byBody(second.Refresh); stolen.Status != http.StatusUnauthorized {
			t.Errorf("a used token gets %d, want 401", stolen.Status)
		}
		facts := w.saw(t, "REFRESH_TOKEN_REUSE_DETECTED", "SESSION_REVOKED")
		if e, ok := facts[1].Event.(domain.SessionRevoked); !ok || e.Reason != "token_reuse" {
			t.Errorf("recorded %+v", facts[1].Event)
		}
		for name, left := range map[string]int{
			"the access token":  v.As(third.Token).Do(t, http.MethodGet, keysPath, nil).Status,
			"the refresh token": byBody(third.Refresh).Status,
			"a made-up token":   byBody("qs_rt_" + strings.Repeat("A", 90)).Status,
		} {
			if left != http.StatusUnauthorized {
				t.Errorf("%s of a family that is over gets %d, want 401", name, left)
			}
		}
		w.saw(t)
	})
}

// TestTourLogout ends sessions by body, by cookie and by the access token alone.
func TestTourLogout(t *testing.T) {
	t.Parallel()
	enginesAt(t, func(t *testing.T, v *vaulttest.Vault, c *clock) {
		a := v.Register(t, "owner@example.com")
		w, nobody := watch(t, v, a.TenantID), v.As("")
		out := nobody.Must(t, http.StatusOK, http.MethodPost, authPath+"logout", map[string]string{"refresh_token": a.Refresh})
		w.receipted(t, out, "SESSION_REVOKED")
		a.Token.Must(t, http.StatusUnauthorized, http.MethodGet, keysPath, nil)
		for _, body := range []any{map[string]string{"refresh_token": a.Refresh}, map[string]string{"refresh_token": "nonsense"}, nil} {
			nobody.Must(t, http.StatusOK, http.MethodPost, authPath+"logout", body)
		}
		w.saw(t)

		session := tokensOf(t, nobody.Must(t, http.StatusOK, http.MethodPost, authPath+"login", credentials(a.Email, vaulttest.Password)))
		w.saw(t, "LOGIN_SUCCEEDED", "SESSION_ISSUED")
		cookies := []string{"accessToken=" + session.Token + "; refreshToken=" + session.Refresh}
		browser := &vaulttest.Client{URL: v.URL, Header: http.Header{"Cookie": cookies, "Sec-Fetch-Site": {"same-origin"}}}
		browser.Must(t, http.StatusOK, http.MethodGet, keysPath, nil)
		out = browser.Must(t, http.StatusOK, http.MethodPost, authPath+"logout", nil)
		w.receipted(t, out, "SESSION_REVOKED")
		if got := out.Header.Values("Set-Cookie"); len(got) != 2 || !strings.Contains(got[0], "Max-Age=0") || !strings.Contains(got[1], "Max-Age=0") {
			t.Errorf("the browser keeps %q", got)
		}
		browser.Must(t, http.StatusUnauthorized, http.MethodGet, keysPath, nil)

		session = tokensOf(t, nobody.Must(t, http.StatusOK, http.MethodPost, authPath+"login", credentials(a.Email, vaulttest.Password)))
		w.saw(t, "LOGIN_SUCCEEDED", "SESSION_ISSUED")
		foreign := &vaulttest.Client{URL: v.URL, Header: http.Header{"Cookie": {"accessToken=" + session.Token}, "Sec-Fetch-Site": {"cross-site"}}}
		for _, nothing := range []*vaulttest.Client{a.Client, foreign, v.As(session.Token[:len(session.Token)-9] + "forged-it")} {
			nothing.Must(t, http.StatusOK, http.MethodPost, authPath+"logout", nil)
		}
		w.saw(t)
		bearer := v.As(session.Token)
		w.receipted(t, bearer.Must(t, http.StatusOK, http.MethodPost, authPath+"logout", nil), "SESSION_REVOKED")
		bearer.Must(t, http.StatusUnauthorized, http.MethodGet, keysPath, nil)
		nobody.Must(t, http.StatusUnauthorized, http.MethodPost, authPath+"refresh", map[string]string{"refresh_token": session.Refresh})
		bearer.Must(t, http.StatusOK, http.MethodPost, authPath+"logout", nil)
		w.saw(t)

		c.forward(domain.AccessTTL + time.Minute)
		a.Must(t, http.StatusOK, http.MethodGet, keysPath, nil) // the API key goes on
		last := tokensOf(t, nobody.Must(t, http.StatusOK, http.MethodPost, authPath+"login", credentials(a.Email, vaulttest.Password)))
		c.forward(domain.AccessTTL + 30*time.Second) // clocks differ
		v.As(last.Token).Must(t, http.StatusUnauthorized, http.MethodGet, keysPath, nil)
		c.forward(domain.RefreshTTL)
		nobody.Must(t, http.StatusUnauthorized, http.MethodPost, authPath+"refresh", map[string]string{"refresh_token": last.Refresh})
		w.saw(t, "LOGIN_SUCCEEDED", "SESSION_ISSUED")
	})
}
