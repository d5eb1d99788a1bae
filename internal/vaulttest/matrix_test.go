package vaulttest_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// driven are requests that succeed for whoever may send them, with who may: the
// roles, and the scope that an API key of an owner needs, "" for none that helps.
// {id} stands for a credential of their own, {user} for a viewer of their own.
var driven = []struct {
	request, body string
	roles         string
	scope         domain.Scope
}{
	{"GET vault/list", "", "viewer editor admin owner", domain.ScopeVaultList},
	{"GET vault/{id}/versions", "", "viewer editor admin owner", domain.ScopeVaultList},
	{"GET vault/{id}/history", "", "viewer editor admin owner auditor", domain.ScopeAuditRead},
	{"GET vault/{id}", "", "editor admin owner", domain.ScopeVaultUnseal},
	{"POST vault/unseal", `{"entry_id":"{id}"}`, "editor admin owner", domain.ScopeVaultUnseal},
	{"POST vault/seal", `{"name":"x","values":{"a":"b"}}`, "editor admin owner", domain.ScopeVaultSeal},
	{"POST vault/rotate/{id}", "", "editor admin owner", domain.ScopeVaultRotate},
	{"DELETE vault/entries/{id}", "", "admin owner", domain.ScopeVaultDelete},
	{"POST vault/{id}/restore", "", "admin owner", domain.ScopeVaultDelete},
	{"DELETE vault/{id}", "", "admin owner", domain.ScopeVaultDelete},
	{"GET security/api-keys", "", "editor admin owner", domain.ScopeKeysManage},
	{"POST security/api-keys", `{"name":"x"}`, "admin owner", domain.ScopeKeysManage},
	{"DELETE security/api-keys/{key}", "", "admin owner", domain.ScopeKeysManage},
	{"POST encryption/encrypt", `{"data":"x"}`, "editor admin owner", domain.ScopeEncrypt},
	{"POST encryption/sign", `{"data":"x"}`, "editor admin owner", domain.ScopeSign},
	{"POST encryption/verify", `{"data":"x"}`, "viewer editor admin owner", domain.ScopeVerify},
	{"POST encryption/selftest", "", "viewer editor admin owner", domain.ScopeVerify},
	{"GET encryption/keys", "", "viewer editor admin owner", domain.ScopeVerify},
	{"POST encryption/keys/rotate", `{"purpose":"document"}`, "admin owner", domain.ScopeSettings},
	{"POST settings/rotate-signing-key", "", "admin owner", domain.ScopeSettings},
	{"GET audit/logs", "", "viewer editor admin owner auditor", domain.ScopeAuditRead},
	{"GET metrics/usage", "", "admin owner auditor", domain.ScopeAuditRead},
	{"GET compliance/score/soc2", "", "viewer editor admin owner auditor", domain.ScopeCompliance},
	{"GET compliance/history/soc2", "", "viewer editor admin owner auditor", domain.ScopeCompliance},
	{"POST compliance/reports", `{"framework":"soc2","days":1}`, "admin owner", domain.ScopeReport},
	{"GET compliance/reports", "", "viewer editor admin owner auditor", domain.ScopeCompliance},
	{"GET compliance/frameworks", "", "viewer editor admin owner auditor", domain.ScopeCompliance},
	{"POST audit/export", `{"format":"bundle"}`, "admin owner auditor", domain.ScopeAuditExport},
	{"GET users", "", "admin owner", ""},
	{"PATCH users/{user}", `{"role":"viewer"}`, "admin owner", ""},
	{"PATCH users/{user}", `{"role":"owner"}`, "owner", ""},
	{"DELETE users/{user}", "", "admin owner", ""},
	{"POST users/invite", `{"email":"new@example.com","role":"auditor"}`, "admin owner", ""},
	{"POST users/invite", `{"email":"chief@example.com","role":"owner"}`, "owner", ""},
}

// drive sends every driven request, each about things of its own, and compares who
// got through with may. Whoever is refused gets 403 and nothing else, with the
// receipt of the denial but under the vault.
func drive(t *testing.T, v *vaulttest.Vault, a *vaulttest.Account, who string, client *vaulttest.Client, may func(n int) bool) {
	t.Helper()
	victim := invite(t, a, "victim-of-"+strings.ReplaceAll(who, ":", "-")+"@example.com", "viewer")
	_, doomed := key(t, v, a, map[string]any{"name": "doomed"})
	for n, d := range driven {
		id := "none"
		if strings.Contains(d.request+d.body, "{id}") {
			id = a.Seal(t, "x", `{"k":"v"}`).CredentialID
		}
		fill := strings.NewReplacer("{id}", id, "{user}", victim.ID, "{key}", doomed.ID)
		method, path, _ := strings.Cut(fill.Replace(d.request), " ")
		var body any
		if d.body != "" {
			body = fill.Replace(d.body)
		}
		answer := client.Do(t, method, "/api/v2/"+path, body)
		if passed := answer.Status < 300; passed != may(n) || !passed && answer.Status != http.StatusForbidden {
			t.Errorf("%s: %s gives %d %.200s, want it let through: %v", who, d.request, answer.Status, answer.Body, may(n))
		} else if vault := strings.HasPrefix(path, "vault/"); !passed && vault != (answer.Receipt(t) == "") {
			t.Errorf("%s: the denial of %s says %s", who, d.request, answer.Body)
		}
	}
}

// Every role gets as far as it may, over HTTP, and no further.
func TestRolesOverHTTP(t *testing.T) {
	t.Parallel()
	v := vaulttest.New(t)
	a := v.Register(t, "owner@example.com")
	for _, role := range domain.Roles() {
		client, _ := join(t, v, a, string(role)+".of@example.com", string(role))
		drive(t, v, a, string(role), client, func(n int) bool { return slices.Contains(strings.Fields(driven[n].roles), string(role)) })
	}
}

// Every API key gets as far as its one scope does, over HTTP, and no further.
func TestScopesOverHTTP(t *testing.T) {
	v := vaulttest.New(t)
	a := v.Register(t, "owner@example.com")
	for _, scope := range domain.AllScopes() {
		client, _ := key(t, v, a, map[string]any{"name": string(scope), "scopes": []string{string(scope)}})
		drive(t, v, a, string(scope), client, func(n int) bool { return driven[n].scope == scope })
	}
}

// A key does no more than its owner's role allows, from the moment on that it changes.
func TestKeysFollowTheirOwnersRole(t *testing.T) {
	v := vaulttest.New(t)
	a := v.Register(t, "owner@example.com")
	admin, row := join(t, v, a, "admin@example.com", "admin")
	var k newKey
	admin.Must(t, http.StatusCreated, http.MethodPost, keysPath, `{"name":"admin's"}`).Into(t, &k)
	owned := v.As(k.Secret)
	owned.Must(t, http.StatusCreated, http.MethodPost, vaultPath+"seal", `{"name":"x","values":{"a":"b"}}`)
	a.Token.Must(t, http.StatusOK, http.MethodPatch, usersPath+"/"+row.ID, `{"role":"viewer"}`)
	owned.Must(t, http.StatusForbidden, http.MethodPost, vaultPath+"seal", `{"name":"x","values":{"a":"b"}}`)
	owned.Must(t, http.StatusOK, http.MethodGet, vaultPath+"list", nil)
	owned.Must(t, http.StatusForbidden, http.MethodGet, keysPath, nil)
}

// Who sees only what is theirs sees nothing else, whatever they ask for.
func TestOwnOnlyOverHTTP(t *testing.T) {
	v := vaulttest.New(t)
	a := v.Register(t, "owner@example.com")
	editor, row := join(t, v, a, "editor@example.com", "editor")
	a.Seal(t, "x", `{"k":"v"}`)
	editor.Must(t, http.StatusCreated, http.MethodPost, vaultPath+"seal", `{"name":"x","values":{"a":"b"}}`)
	for _, query := range []string{"", "?user=" + a.UserID, "?user=" + row.ID, "?actor_id=" + a.KeyID, "?user=owner@example.com&limit=1000"} {
		var entries []logEntry
		editor.Must(t, http.StatusOK, http.MethodGet, logsPath+query, nil).Into(t, &entries)
		for _, e := range entries {
			if e.ActorID != row.ID {
				t.Errorf("%q shows an act of %s", query, e.ActorID)
			}
		}
		if own := query == "" || strings.HasSuffix(query, row.ID); own != (len(entries) > 0) {
			t.Errorf("%q shows %d entries", query, len(entries))
		}
	}
	var keys []keyRow
	editor.Must(t, http.StatusOK, http.MethodGet, keysPath, nil).Into(t, &keys)
	if len(keys) != 0 {
		t.Errorf("an editor without keys sees %+v", keys)
	}
}

// An old login opens nothing that takes a fresh proof; a new one does.
func TestStepUpOverHTTP(t *testing.T) {
	enginesAt(t, func(t *testing.T, v *vaulttest.Vault, c *clock) {
		a := v.Register(t, "owner@example.com")
		w := watch(t, v, a.TenantID)
		c.forward(domain.StepUpTTL + 1e9)
		a.Token.Must(t, http.StatusOK, http.MethodGet, keysPath, nil)
		answer := a.Token.Must(t, http.StatusForbidden, http.MethodPost, keysPath, `{"name":"x"}`)
		if !strings.Contains(string(answer.Body), `"step_up_required"`) {
			t.Errorf("got %s", answer.Body)
		}
		a.Token.Must(t, http.StatusForbidden, http.MethodPost, usersPath+"/invite", `{"email":"bob@example.com","role":"viewer"}`)
		facts := w.saw(t, "ACCESS_DENIED", "ACCESS_DENIED")
		if denied, ok := facts[0].Event.(domain.AccessDenied); !ok || denied.Reason != domain.BarredStepUp {
			t.Errorf("recorded %+v", facts[0].Event)
		}
		a.Must(t, http.StatusCreated, http.MethodPost, keysPath, `{"name":"x"}`) // a key proves itself each time
	})
}
