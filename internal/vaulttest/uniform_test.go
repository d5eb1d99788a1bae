package vaulttest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
	"github.com/quantaseal/quantaseal/migrations"
)

// variable is all that one denial differs in from the next.
var variable = regexp.MustCompile(`req_[0-9a-f]{32}|"timestamp":"[^"]*"|Date: [^\r]*|X-Ratelimit-Re[a-z]*: \d+`)

// shown returns what a caller sees of an answer, but for request id and time.
func shown(a vaulttest.Answer) any {
	h := maps.Clone(a.Header)
	h.Del("Date")
	for _, name := range []string{"X-Request-Id", "X-RateLimit-Remaining", "X-RateLimit-Reset"} {
		if h.Get(name) != "" {
			h.Set(name, "…")
		}
	}
	return []any{a.Status, h, variable.ReplaceAllString(string(a.Body), "…")}
}

// vaultRoute is a route that takes an id.
type vaultRoute struct {
	method, path, body string // {id} stands for the id, in the path as it is on the wire
	name               string // as facts call it
	scope              domain.Scope
}

func (r vaultRoute) String() string { return r.method + " " + r.path }

var vaultRoutes = []vaultRoute{
	{"GET", "{id}", "", "unseal", domain.ScopeVaultUnseal},
	{"GET", "unseal/{id}", "", "unseal", domain.ScopeVaultUnseal},
	{"POST", "unseal/{id}", "", "unseal", domain.ScopeVaultUnseal},
	{"POST", "unseal", `{"entry_id":{id}}`, "unseal", domain.ScopeVaultUnseal},
	{"POST", "rotate/{id}", "", "vault.rotate", domain.ScopeVaultRotate},
	{"POST", "rotate/{id}", `{"values":{"a":"b"}}`, "vault.rotate", domain.ScopeVaultRotate},
	{"POST", "entries/{id}/rotate", "null", "vault.rotate", domain.ScopeVaultRotate},
	{"DELETE", "{id}", "", "vault.delete", domain.ScopeVaultDelete},
	{"DELETE", "entries/{id}", "", "vault.retire", domain.ScopeVaultDelete},
	{"POST", "{id}/restore", "", "vault.restore", domain.ScopeVaultDelete},
	{"GET", "{id}/versions", "", "vault.versions", domain.ScopeVaultList},
}

// ask sends a request over a connection of its own and returns the answer as it
// came, byte for byte.
func ask(t *testing.T, v *vaulttest.Vault, key string, r vaultRoute, id string) string {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(v.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	body := r.body
	if strings.Contains(body, "{id}") {
		plain, err := url.PathUnescape(id)
		if err != nil {
			t.Fatal(err)
		}
		quoted, err := json.Marshal(plain)
		if err != nil {
			t.Fatal(err)
		}
		body = strings.ReplaceAll(body, "{id}", string(quoted))
	}
	request := r.method + " " + vaultPath + strings.ReplaceAll(r.path, "{id}", id) + " HTTP/1.1\r\nHost: vault\r\nX-API-Key: " + key +
		"\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\nConnection: close\r\n\r\n" + body
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// cause is a reason why a credential is not to be had.
type cause struct {
	name, key, id string
	reason        string          // as recorded
	not           map[string]bool // routes on which it is no reason
}

// denial is what must be on record of a cause on a route.
func (c cause) denial(r vaultRoute) string {
	switch {
	case c.reason == "integrity":
		return "INTEGRITY_VIOLATION sealed_record"
	case r.name == "unseal":
		return "CREDENTIAL_UNSEAL_DENIED " + c.reason
	}
	reason := c.reason
	if r.name == "vault.versions" && reason != "scope" {
		reason = "not_found"
	}
	return fmt.Sprintf("ACCESS_DENIED %s %s %s", r.scope, reason, r.name)
}

func not(routes ...string) map[string]bool {
	set := map[string]bool{}
	for _, r := range routes {
		set[r] = true
	}
	return set
}

// TestEveryDenialLooksTheSame asks every vault route for what it does not give,
// for every reason there is. The answers may differ in request id and time only,
// and the reason must be on the record.
func TestEveryDenialLooksTheSame(t *testing.T) {
	enginesAt(t, func(t *testing.T, v *vaulttest.Vault, c *clock) {
		a, other := v.Register(t, "owner@example.com"), v.Register(t, "other@example.com")
		scopeless, _ := key(t, v, a, map[string]any{"name": "blind", "scopes": []string{"audit:read"}})
		inTest, _ := key(t, v, a, map[string]any{"name": "test", "environment": "test"})
		live, foreign := a.Seal(t, "live", `{"k":"v"}`), other.Seal(t, "foreign", `{"k":"v"}`)
		deleted, retired, record, slot := a.Seal(t, "deleted", `{"k":"v"}`), a.Seal(t, "retired", `{"k":"v"}`), a.Seal(t, "record", `{"k":"v"}`), a.Seal(t, "slot", `{"k":"v"}`)
		a.Must(t, http.StatusOK, http.MethodDelete, vaultPath+deleted.ID, nil)
		a.Must(t, http.StatusOK, http.MethodDelete, vaultPath+"entries/"+retired.ID, nil)
		var expired vaulttest.Entry
		a.Must(t, http.StatusCreated, http.MethodPost, sealPath, `{"name":"e","secret":"s","ttl_days":1}`).Into(t, &expired)
		corrupt(t, underneath(t, v.Config, migrations.Records), "sealed_records", hashOf(t, a, record), 200)
		corrupt(t, underneath(t, v.Config, migrations.Keys), "key_slots", hashOf(t, a, slot), 0) // the length before the slot
		c.forward(24 * time.Hour)

		causes := []cause{
			{"random id", a.Key, "0b6a3c86-2f63-8c0e-9d2a-2d3d5f0a0001", "not_found", nil},
			{"random handle", a.Key, "cred_0b6a3c862f638c0e9d2a2d3d5f0a0000", "not_found", nil},
			{"a version to come", a.Key, live.ID[:32] + "0002", "unknown_version", not("vault.versions")},
			{"a version to come", a.Key, live.ID[:32] + "0002", "not_found", not("unseal", "vault.rotate", "vault.delete", "vault.retire", "vault.restore")},
			{"other tenant's entry", a.Key, foreign.ID, "not_found", nil},
			{"other tenant's handle", a.Key, foreign.CredentialID, "not_found", nil},
			{"deleted", a.Key, deleted.ID, "ended", not("vault.versions")},
			{"deleted, by handle", a.Key, deleted.CredentialID, "ended", not("vault.versions")},
			{"retired", a.Key, retired.ID, "retired", not("vault.delete", "vault.restore", "vault.versions")},
			{"expired", a.Key, expired.ID, "expired", not("vault.delete", "vault.versions")},
			{"corrupted record", a.Key, record.ID, "integrity", not("vault.delete", "vault.retire", "vault.restore", "vault.versions", "value")},
			{"corrupted slot", a.Key, slot.CredentialID, "integrity", not("vault.delete", "vault.retire", "vault.restore", "vault.versions", "value")},
			{"missing scope", scopeless.Key, live.ID, "scope", nil},
			{"missing scope, random id", scopeless.Key, "0b6a3c86-2f63-8c0e-9d2a-2d3d5f0a0001", "scope", nil},
			{"wrong environment", inTest.Key, live.ID, "environment", nil},
		}
		malformed := []string{
			"x", "%00", "%00" + live.ID, live.ID + "%00", "%0d%0aSet-Cookie:%20a=b", "%ff%fe", "..", "%2e%2e", "-1", "'%20OR%201=1--",
			strings.ToUpper(live.ID), "%7B" + live.ID + "%7D", strings.ReplaceAll(live.ID, "-", ""), live.ID[:35], "cred_", live.CredentialID[:36],
			strings.ToUpper(live.CredentialID), live.CredentialID + "0", "00000000-0000-0000-0000-000000000000", strings.Repeat("a", 8000), "%E2%80%AE",
		}
		if v.Config.DatabaseURL != "" {
			malformed = malformed[:5] // none of them gets as far as a database
		}
		for _, id := range malformed {
			causes = append(causes, cause{"malformed id " + id[:min(len(id), 60)], a.Key, id, "not_found", nil})
		}
		w, others := watch(t, v, a.TenantID), watch(t, v, other.TenantID)
		want := ""
		for _, r := range vaultRoutes {
			for _, cause := range causes {
				if cause.not[r.name] || cause.not["value"] && strings.Contains(r.body, "values") || cause.id == "%ff%fe" && r.path == "unseal" {
					continue
				}
				got := variable.ReplaceAllString(ask(t, v, cause.key, r, cause.id), "…")
				if want == "" {
					want = got
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s, %s (-want +got):\n%s", r, cause.name, diff)
				}
				recordedAs(t, w, r, cause)
			}
		}
		if !strings.HasPrefix(want, "HTTP/1.1 403 Forbidden\r\n") || strings.Contains(want, "audit\"") {
			t.Errorf("the denial is\n%s", want)
		}
		for _, r := range []vaultRoute{
			{"POST", "seal", `{"name":"n","secret":"s"}`, "vault.seal", domain.ScopeVaultSeal},
			{"GET", "list", "", "vault.list", domain.ScopeVaultList},
			{"GET", "entries", "", "vault.list", domain.ScopeVaultList},
		} {
			if diff := cmp.Diff(want, variable.ReplaceAllString(ask(t, v, scopeless.Key, r, ""), "…")); diff != "" {
				t.Errorf("%s without its scope (-want +got):\n%s", r, diff)
			}
			recordedAs(t, w, r, cause{name: "missing scope", reason: "scope"})
		}
		others.saw(t)
		if got := value(t, a.Client, live.ID); got != `{"k":"v"}` {
			t.Errorf("after all this the credential holds %s", got)
		}
	})
}

// recordedAs fails t unless the denial, and nothing more than it takes, was recorded.
func recordedAs(t *testing.T, w *witness, r vaultRoute, c cause) {
	t.Helper()
	var got []string
	for _, f := range w.since(t) {
		switch e := f.Event.(type) {
		case domain.CredentialsListed:
			if r.name != "vault.versions" {
				t.Errorf("%s, %s recorded a listing", r, c.name)
			}
		case domain.CredentialUnsealDenied:
			got = append(got, "CREDENTIAL_UNSEAL_DENIED "+e.Reason)
		case domain.AccessDenied:
			got = append(got, fmt.Sprintf("ACCESS_DENIED %s %s %s", e.Permission, e.Reason, e.Route))
		case domain.IntegrityViolated:
			got = append(got, "INTEGRITY_VIOLATION "+e.Check)
		default:
			got = append(got, f.Header.EventType)
		}
		if f.Header.Outcome == uint8(domain.Success) && f.Header.EventType != "CREDENTIALS_LISTED" {
			t.Errorf("%s, %s: %s is recorded as a success", r, c.name, f.Header.EventType)
		}
	}
	if diff := cmp.Diff([]string{c.denial(r)}, got); diff != "" {
		t.Errorf("%s, %s: recorded (-want +got):\n%s", r, c.name, diff)
	}
}
