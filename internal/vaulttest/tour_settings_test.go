package vaulttest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

const settingsPath = "/api/v2/settings"

// proxied starts a vault on each engine that believes its caller where a request
// comes from.
func proxied(t *testing.T, f func(t *testing.T, v *vaulttest.Vault)) {
	t.Helper()
	local := []string{"127.0.0.0/8", "::1/128"}
	t.Run("sqlite", func(t *testing.T) { f(t, vaulttest.Start(t, node.Config{TrustedProxies: local})) })
	t.Run("postgres", func(t *testing.T) {
		f(t, vaulttest.Start(t, node.Config{TrustedProxies: local, DatabaseURL: vaulttest.Postgres(t)}))
	})
}

// from returns c as it asks from an address.
func from(c *vaulttest.Client, address string) *vaulttest.Client {
	return &vaulttest.Client{URL: c.URL, Key: c.Key, Header: http.Header{"X-Forwarded-For": {address}}}
}

// TestTourSettings reads and changes settings: each change is one fact, and what
// names a person or a network is in no payload.
func TestTourSettings(t *testing.T) {
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		a := v.Register(t, "owner@example.com")
		w := watch(t, v, a.TenantID)
		var got map[string]any
		read := a.Must(t, http.StatusOK, http.MethodGet, settingsPath, nil)
		read.Into(t, &got)
		if w.receipted(t, read); got["tenant_id"] != a.TenantID || got["org_name"] != "Tenant of "+t.Name() || got["retention_days"] != nil {
			t.Errorf("read %v", got)
		}
		answer := a.Must(t, http.StatusOK, http.MethodPatch, settingsPath, `{"retention_days":365,"session_timeout_minutes":60,`+
			`"notification_emails":["marker@example.com"],"rate_limit_per_minute":4000,"password_min_length":12,"default_algorithm":"ML-KEM-768","theme":"dark"}`)
		keys := map[string]string{}
		for _, r := range w.receipted(t, answer, "TENANT_SETTINGS_CHANGED", "TENANT_SETTINGS_CHANGED", "TENANT_SETTINGS_CHANGED",
			"TENANT_SETTINGS_CHANGED", "TENANT_SETTINGS_CHANGED", "TENANT_SETTINGS_CHANGED") {
			fact, _ := r.Event.(domain.TenantSettingsChanged)
			keys[string(fact.Key)] = fact.New
		}
		want := map[string]string{
			"retention_days": "365", "session_timeout_minutes": "60", "notification_emails": "n=1", "rate_limit_per_minute": "4000",
			"password_min_length": "12", "extra": "n=1",
		}
		if diff := cmp.Diff(want, keys); diff != "" {
			t.Errorf("recorded (-want +got):\n%s", diff)
		}
		before := a.Must(t, http.StatusOK, http.MethodGet, settingsPath, nil)
		before.Into(t, &got)
		if got["retention_days"] != 365.0 || !cmp.Equal(got["notification_emails"], []any{"marker@example.com"}) || !cmp.Equal(got["extra"], map[string]any{"theme": "dark"}) || got["theme"] != nil {
			t.Errorf("read %v", got)
		}
		w.receipted(t, a.Must(t, http.StatusOK, http.MethodPatch, settingsPath, got)) // sent back as it was, it changes nothing
		for body, status := range map[string]int{
			`{"retention_days":1}`: 422, `{"default_algorithm":"RSA"}`: 422, `{"mfa_enforced":"yes"}`: 422, `{"allowed_ip_ranges":["x"]}`: 422,
			`{"password_min_length":9}`: 422, `{"retention_days":30,"lockout_attempts":99}`: 422, `[]`: 422, `{`: 400, `{"a":1,"a":2}`: 400,
			`{"allowed_ip_ranges":["203.0.113.0/24"]}`: 409,
		} {
			if answer := a.Do(t, http.MethodPatch, settingsPath, body); answer.Status != status {
				t.Errorf("%s: got %d %s, want %d", body, answer.Status, answer.Body, status)
			}
		}
		w.saw(t)
		reader, _ := key(t, v, a, map[string]any{"name": "reads", "scopes": []string{"settings:read"}})
		w.since(t)
		reader.Must(t, http.StatusOK, http.MethodGet, settingsPath, nil)
		reader.Must(t, http.StatusForbidden, http.MethodPatch, settingsPath, `{"retention_days":30}`)
		if denied, _ := w.saw(t, "ACCESS_DENIED")[0].Event.(domain.AccessDenied); denied.Permission != domain.ScopeSettings || denied.Reason != domain.BarredScope {
			t.Errorf("recorded %+v", denied)
		}
		a.Must(t, http.StatusOK, http.MethodPatch, settingsPath, `{"theme":null}`).Into(t, &got)
		if !cmp.Equal(got["extra"], map[string]any{}) {
			t.Errorf("extra is %v", got["extra"])
		}
	})
}

// TestTenantLifetimes seals and rotates under a default and a maximum of lifetimes.
func TestTenantLifetimes(t *testing.T) {
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		a := v.Register(t, "owner@example.com")
		forever := a.Seal(t, "n", `{"k":"v"}`)
		w := watch(t, v, a.TenantID)
		sealed := func(ttl string) (days int, expires time.Duration) {
			t.Helper()
			a.Must(t, http.StatusCreated, http.MethodPost, vaultPath+"seal", `{"name":"n","values":{"k":"v"}`+ttl+`}`)
			r := w.saw(t, "CREDENTIAL_SEALED")[0]
			fact, _ := r.Event.(domain.CredentialSealed)
			if fact.ExpiresAt == 0 {
				return fact.TTLDays, 0
			}
			return fact.TTLDays, time.UnixMicro(fact.ExpiresAt).Sub(time.UnixMicro(int64(r.Header.TimeUS))).Round(time.Hour)
		}
		const day = 24 * time.Hour
		for _, tt := range []struct {
			settings, ttl string
			days          int
		}{
			{`{"default_ttl_days":30}`, ``, 30},
			{`{"default_ttl_days":30}`, `,"ttl_days":200`, 200},
			{`{"default_ttl_days":30,"max_ttl_days":90}`, ``, 30},
			{`{"default_ttl_days":30,"max_ttl_days":90}`, `,"ttl_days":90`, 90},
			{`{"default_ttl_days":null,"max_ttl_days":7}`, ``, 7},
			{`{"default_ttl_days":30,"max_ttl_days":7}`, ``, 7},
			{`{"default_ttl_days":null,"max_ttl_days":null}`, ``, 0},
		} {
			a.Must(t, http.StatusOK, http.MethodPatch, settingsPath, tt.settings)
			w.since(t)
			if days, expires := sealed(tt.ttl); days != tt.days || expires != time.Duration(tt.days)*day {
				t.Errorf("%s%s: sealed for %d days, until %v from then", tt.settings, tt.ttl, days, expires)
			}
		}

		a.Must(t, http.StatusOK, http.MethodPatch, settingsPath, `{"default_ttl_days":null,"max_ttl_days":90}`)
		w.since(t)
		answer := a.Must(t, http.StatusUnprocessableEntity, http.MethodPost, vaultPath+"seal", `{"name":"n","values":{"k":"v"},"ttl_days":91}`)
		if !strings.Contains(string(answer.Body), "ttl_days must be 1 to 90") {
			t.Errorf("refused with %s", answer.Body)
		}
		a.Must(t, http.StatusForbidden, http.MethodDelete, vaultPath+"cred_00", nil) // the refusal left nothing before this on the record
		w.saw(t, "ACCESS_DENIED")
		rotated := a.Must(t, http.StatusOK, http.MethodPost, vaultPath+"rotate/"+forever.CredentialID, nil)
		if fact, _ := w.since(t)[0].Event.(domain.CredentialRotated); fact.ExpiresAt != 0 {
			t.Errorf("new keys alone end it at %d: %s", fact.ExpiresAt, rotated.Body)
		}
		a.Must(t, http.StatusOK, http.MethodPost, vaultPath+"entries/"+forever.CredentialID+"/rotate", `{"new_plaintext":{"k":"w"}}`)
		r := w.since(t)[0]
		if fact, _ := r.Event.(domain.CredentialRotated); time.UnixMicro(fact.ExpiresAt).Sub(time.UnixMicro(int64(r.Header.TimeUS))).Round(time.Hour) != 90*day {
			t.Errorf("a new value ends at %d", fact.ExpiresAt)
		}
	})
}

// TestDeclaredRanges holds every request of a tenant to the ranges it declared.
func TestDeclaredRanges(t *testing.T) {
	t.Parallel()
	proxied(t, func(t *testing.T, v *vaulttest.Vault) {
		a := v.Register(t, "owner@example.com")
		e := a.Seal(t, "n", `{"k":"v"}`)
		home, away := from(a.Client, "203.0.113.7"), from(a.Client, "198.51.100.7")
		w := watch(t, v, a.TenantID)
		away.Must(t, http.StatusConflict, http.MethodPatch, settingsPath, `{"allowed_ip_ranges":["203.0.113.0/24"]}`)
		w.saw(t)
		w.receipted(t, home.Must(t, http.StatusOK, http.MethodPatch, settingsPath, `{"allowed_ip_ranges":["203.0.113.9/24"]}`), "TENANT_SETTINGS_CHANGED")
		if got := value(t, home, e.ID); got != `{"k":"v"}` {
			t.Errorf("it holds %s", got)
		}
		fromThere(t, domain.InRange, w.saw(t, "CREDENTIAL_UNSEALED")...)
		away.Must(t, http.StatusForbidden, http.MethodPost, authPath+"mfa/verify", `{"totp_code":"123456"}`) // it asks by itself who that is
		for _, path := range []string{vaultPath + e.ID, vaultPath + "list", settingsPath, "/api/v2/audit/logs", keysPath} {
			away.Must(t, http.StatusForbidden, http.MethodGet, path, nil)
			from(a.Token, "198.51.100.7").Must(t, http.StatusForbidden, http.MethodGet, path, nil)
		}
		denials := w.since(t)
		fromThere(t, domain.OutOfRange, denials...)
		for _, r := range denials {
			switch fact := r.Event.(type) {
			case domain.AccessDenied:
				if fact.Reason != domain.BarredAddress {
					t.Errorf("recorded %+v", fact)
				}
			case domain.CredentialUnsealDenied:
				if fact.Reason != domain.BarredAddress {
					t.Errorf("recorded %+v", fact)
				}
			default:
				t.Errorf("recorded %s", r.Header.EventType)
			}
		}
		home.Must(t, http.StatusOK, http.MethodPatch, settingsPath, `{"allowed_ip_ranges":[]}`)
		fromThere(t, domain.NoneDeclared, w.since(t)[1:]...)
		away.Must(t, http.StatusOK, http.MethodGet, vaultPath+e.ID, nil)
		away.Must(t, http.StatusOK, http.MethodGet, vaultPath+"list", nil)
		fromThere(t, domain.NoneDeclared, w.saw(t, "CREDENTIAL_UNSEALED", "CREDENTIALS_LISTED")...)
	})
}

// fromThere fails t unless every fact says so of where its request came from.
func fromThere(t *testing.T, want string, facts ...eventstore.Recorded) {
	t.Helper()
	for _, r := range facts {
		var says struct {
			Declared string `json:"in_declared_range"`
		}
		if err := json.Unmarshal(r.Record.Payload, &says); err != nil || says.Declared != want {
			t.Errorf("%s %s says %q, want %q", r.Header.EventType, r.Record.Payload, says.Declared, want)
		}
	}
}
