package vaulttest_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// TestTourNewDevice logs in from where the user was before, and from where not: of
// the latter a letter tells, once.
func TestTourNewDevice(t *testing.T) {
	t.Parallel()
	proxied(t, func(t *testing.T, v *vaulttest.Vault) {
		a := v.Register(t, "owner@example.com")
		w := watch(t, v, a.TenantID)
		login := func(address, cookie string) vaulttest.Answer {
			t.Helper()
			c := from(v.As(""), address)
			c.Header.Set("User-Agent", "marker-agent/1.0")
			if cookie != "" {
				c.Header.Set("Cookie", cookie)
			}
			return c.Must(t, http.StatusOK, http.MethodPost, authPath+"login", credentials(a.Email, vaulttest.Password))
		}
		opened := []string{"LOGIN_SUCCEEDED", "SESSION_ISSUED"}
		w.receipted(t, login("127.0.0.1", ""), opened...) // where the user registered
		away := login("203.0.113.7", "")
		fact := w.receipted(t, away, append([]string{"NEW_DEVICE_SEEN"}, opened...)...)[0]
		if e, _ := fact.Event.(domain.NewDeviceSeen); e.First || e.UserID.String() != a.UserID || e.Personal.Network == (domain.Digest{}) {
			t.Errorf("recorded %+v", e)
		}
		if strings.Contains(string(fact.Record.Payload), "network") {
			t.Errorf("the payload says where: %s", fact.Record.Payload)
		}
		w.receipted(t, login("203.0.113.99", ""), opened...) // the same network
		device := ""
		for _, c := range away.Header.Values("Set-Cookie") {
			if strings.HasPrefix(c, "knownDevice=") {
				device, _, _ = strings.Cut(c, ";")
			}
		}
		w.receipted(t, login("198.51.100.7", device), opened...) // a browser that is known
		texts := letters(t, v, "device")
		if len(texts) != 1 || !strings.Contains(texts[0], "203.0.113.7") || !strings.Contains(texts[0], "marker-agent 1 0") {
			t.Errorf("the letters are %q", texts)
		}
		w.receipted(t, login("198.51.100.7", ""), append([]string{"NEW_DEVICE_SEEN"}, opened...)...)
		if n := len(letters(t, v, "device")); n != 2 {
			t.Errorf("%d letters", n)
		}
		if strings.Contains(v.Logs.String(), "203.0.113") || strings.Contains(v.Logs.String(), "marker-agent") {
			t.Error("the log says where from")
		}
	})
}

// TestTourNotices tells whom a tenant named of what concerns its security: users by
// the address that they have, others by theirs, and whoever is named no longer of
// just that.
func TestTourNotices(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		a := v.Register(t, "owner@example.com")
		bob := invite(t, a, "bob@example.com", "viewer")
		accept(t, v, bob.ID)
		w := watch(t, v, a.TenantID)
		before := 0
		told := func(n int, says ...string) {
			t.Helper()
			all := letters(t, v, "notice")
			if len(all) != before+n {
				t.Fatalf("%d letters, want %d more than %d", len(all), n, before)
			}
			before = len(all)
			for _, want := range says {
				if !slices.ContainsFunc(all, func(text string) bool { return strings.Contains(text, want) }) {
					t.Errorf("no letter says %q: %q", want, all)
				}
			}
		}
		set := func(recipients string) []any {
			t.Helper()
			var got map[string]any
			a.Must(t, http.StatusOK, http.MethodPatch, settingsPath, `{"notification_emails":`+recipients+`}`).Into(t, &got)
			shown, _ := got["notification_emails"].([]any)
			return shown
		}
		shown := set(`["Bob@Example.com","sec@example.com"]`)
		if want := []any{"bob@example.com", "sec@example.com"}; !slices.Equal(shown, want) {
			t.Errorf("named %v", shown)
		}
		fact, _ := w.saw(t, "TENANT_SETTINGS_CHANGED")[0].Event.(domain.TenantSettingsChanged)
		if !strings.Contains(fact.Personal.New, bob.ID) || strings.Contains(fact.Personal.New, "bob@") {
			t.Errorf("a user is kept as %s", fact.Personal.New)
		}
		told(2, "Setting: notification_emails")
		set(`["bob@example.com","sec@example.com"]`)
		w.saw(t)
		for _, wrong := range []string{`["no address"]`, `["` + a.TenantID + `"]`, `"x"`, `[1]`} {
			a.Must(t, http.StatusUnprocessableEntity, http.MethodPatch, settingsPath, `{"notification_emails":`+wrong+`}`)
		}
		w.saw(t)

		a.Must(t, http.StatusOK, http.MethodPatch, settingsPath, `{"lockout_attempts":3}`) // stricter
		w.since(t)
		told(0)
		a.Must(t, http.StatusOK, http.MethodPatch, settingsPath, `{"lockout_attempts":10}`)
		told(2, "Setting: lockout_attempts", "TENANT_SETTINGS_CHANGED")
		a.Must(t, http.StatusOK, http.MethodPost, "/api/v2/security/emergency-lockdown", `{"reason":"marker"}`)
		told(2, "EMERGENCY_LOCKDOWN_ACTIVATED")
		for _, text := range letters(t, v, "notice") {
			if strings.Contains(text, "marker") {
				t.Errorf("a letter repeats free text: %q", text)
			}
		}

		a.Token.Must(t, http.StatusOK, http.MethodPost, usersPath+"/"+bob.ID+"/erase", nil)
		settled(t, v)
		before -= 3 // the letters to whom nobody knows any more
		told(0)
		var got map[string]any
		a.Must(t, http.StatusOK, http.MethodGet, settingsPath, nil).Into(t, &got)
		if left, _ := got["notification_emails"].([]any); !slices.Equal(left, []any{"sec@example.com"}) {
			t.Errorf("named are %v", left)
		}
		set(`[]`)
		told(1)
		a.Must(t, http.StatusOK, http.MethodPatch, settingsPath, `{"session_timeout_minutes":60}`)
		a.Must(t, http.StatusOK, http.MethodPatch, settingsPath, `{"session_timeout_minutes":null}`)
		told(0)
		if strings.Contains(v.Logs.String(), "example.com") {
			t.Error("the log holds an address")
		}
	})
}
