package vaulttest_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// keyRow is an API key as lists show it.
type keyRow struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Prefix      string   `json:"key_prefix"`
	Scopes      []string `json:"scopes"`
	Environment string   `json:"environment"`
	Active      bool     `json:"is_active"`
	CreatedAt   string   `json:"created_at"`
	ExpiresAt   string   `json:"expires_at"`
	LastUsedAt  string   `json:"last_used_at"`
}

// newKey is an API key in the one answer that holds it.
type newKey struct {
	keyRow
	Nested keyRow `json:"key"`
	Secret string `json:"secret"`
	APIKey string `json:"api_key"`
}

// key makes an API key and returns a client that presents it.
func key(t *testing.T, v *vaulttest.Vault, a *vaulttest.Account, body map[string]any) (*vaulttest.Client, newKey) {
	t.Helper()
	var k newKey
	a.Token.Must(t, http.StatusCreated, http.MethodPost, keysPath, body).Into(t, &k)
	if k.Secret == "" || k.Secret != k.APIKey || !cmp.Equal(k.keyRow, k.Nested) || !strings.HasPrefix(k.Secret, k.Prefix) {
		t.Errorf("a new key's names contradict one another: %+v", k.keyRow)
	}
	return v.As(k.Secret), k
}

// TestTourKeys makes, lists, uses and revokes API keys.
func TestTourKeys(t *testing.T) {
	t.Parallel()
	enginesAt(t, func(t *testing.T, v *vaulttest.Vault, c *clock) {
		a := v.Register(t, "owner@example.com")
		w := watch(t, v, a.TenantID)
		made := a.Token.Must(t, http.StatusCreated, http.MethodPost, keysPath, `{"name":"ci","scopes":["vault:read","audit:read"],"environment":"test","expires_in_days":7}`)
		facts := w.receipted(t, made, "API_KEY_CREATED")
		var k newKey
		made.Into(t, &k)
		fact, ok := facts[0].Event.(domain.APIKeyCreated)
		if !ok || fact.KeyID.String() != k.ID || fact.Owner.String() != a.UserID || fact.Environment != domain.Test || fact.Personal.Name != "ci" ||
			!slices.Equal(fact.Scopes, []domain.Scope{domain.ScopeAuditRead, domain.ScopeVaultList, domain.ScopeVaultUnseal}) {
			t.Errorf("recorded %+v", facts[0].Event)
		}
		if life := fact.ExpiresAt - int64(facts[0].Header.TimeUS); life < (7*24*time.Hour-time.Minute).Microseconds() || life > 7*24*time.Hour.Microseconds() {
			t.Errorf("the key lives for %v, want 7 days", time.Duration(life)*time.Microsecond)
		}
		if !strings.HasPrefix(k.Secret, "qs_test_") || k.Environment != "test" || !k.Active {
			t.Errorf("made %+v", k.keyRow)
		}
		for _, path := range []string{keysPath, "/api/v2/settings/api-keys"} {
			for _, asks := range []*vaulttest.Client{a.Token, a.Client} {
				answer := asks.Must(t, http.StatusOK, http.MethodGet, path, nil)
				var rows []keyRow
				answer.Into(t, &rows)
				if len(rows) != 2 || rows[0].ID != a.KeyID || rows[1].ID != k.ID || rows[1].Name != "ci" || rows[1].LastUsedAt != "" || !rows[1].Active {
					t.Errorf("%s lists %+v", path, rows)
				}
				if strings.Contains(string(answer.Body), k.Secret) {
					t.Errorf("%s shows a key", path)
				}
			}
		}
		w.saw(t)

		ci := &vaulttest.Client{URL: v.URL, Header: http.Header{"X-Api-Key": {k.Secret}}} // the other header
		ci.Must(t, http.StatusOK, http.MethodGet, "/api/v2/vault/list", nil)
		w.saw(t, "CREDENTIALS_LISTED")
		ci.Must(t, http.StatusForbidden, http.MethodPost, keysPath, `{"name":"more"}`)
		ci.Must(t, http.StatusForbidden, http.MethodGet, keysPath, nil)
		ci.Must(t, http.StatusForbidden, http.MethodDelete, keysPath+"/"+a.KeyID, nil)
		for i, route := range []string{"security.api_key.create", "security.api_key.list", "security.api_key.revoke"} {
			want := domain.AccessDenied{Permission: domain.ScopeKeysManage, Reason: "scope", Route: route}
			if i == 0 {
				facts = w.saw(t, "ACCESS_DENIED", "ACCESS_DENIED", "ACCESS_DENIED")
			}
			if diff := cmp.Diff(domain.Event(want), facts[i].Event); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}

		revoked := a.Token.Must(t, http.StatusOK, http.MethodDelete, keysPath+"/"+k.ID, nil)
		w.receipted(t, revoked, "API_KEY_REVOKED")
		ci.Must(t, http.StatusUnauthorized, http.MethodGet, "/api/v2/vault/list", nil)
		a.Token.Must(t, http.StatusOK, http.MethodDelete, keysPath+"/"+k.ID, nil) // again, for a client whose answer was lost
		a.Token.Must(t, http.StatusNotFound, http.MethodDelete, keysPath+"/"+a.UserID, nil)
		a.Token.Must(t, http.StatusNotFound, http.MethodDelete, keysPath+"/%00", nil)
		w.saw(t)

		_, short := key(t, v, a, map[string]any{"name": "short", "ttl_days": 1})
		c.forward(24*time.Hour + time.Second)
		v.As(short.Secret).Must(t, http.StatusUnauthorized, http.MethodGet, "/api/v2/vault/list", nil)
		var rows []keyRow
		a.Must(t, http.StatusOK, http.MethodGet, keysPath, nil).Into(t, &rows)
		var active []string
		for _, r := range rows {
			if r.Active {
				active = append(active, r.ID)
			}
		}
		if diff := cmp.Diff([]string{a.KeyID}, active); diff != "" {
			t.Errorf("active keys (-want +got):\n%s", diff)
		}
	})
}

// TestTourKeysGrowNoRights has a key make keys.
func TestTourKeysGrowNoRights(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		a := v.Register(t, "owner@example.com")
		maker, made := key(t, v, a, map[string]any{"name": "maker", "scopes": []string{"keys:manage", "vault:list"}})
		w := watch(t, v, a.TenantID)
		var child newKey
		answer := maker.Must(t, http.StatusCreated, http.MethodPost, keysPath, `{"name":"child"}`)
		answer.Into(t, &child)
		w.receipted(t, answer, "API_KEY_CREATED")
		if diff := cmp.Diff(made.Scopes, child.Scopes); diff != "" {
			t.Errorf("a key's default scopes (-maker's +its own):\n%s", diff)
		}
		for body, want := range map[string]int{
			`{"name":"x","scopes":["vault:unseal"]}`:              http.StatusForbidden,
			`{"name":"x","environment":"test"}`:                   http.StatusForbidden,
			`{"name":"x","environment":"production"}`:             http.StatusUnprocessableEntity,
			`{"name":"x","scopes":["everything"]}`:                http.StatusUnprocessableEntity,
			`{"name":""}`:                                         http.StatusUnprocessableEntity,
			`{"name":"x","ttl_days":0}`:                           http.StatusUnprocessableEntity,
			`{"name":"x","ttl_days":366}`:                         http.StatusUnprocessableEntity,
			`{"name":"x","name":"y"}`:                             http.StatusBadRequest,
			`{"name":"x","Scopes":["vault:list"]}`:                http.StatusUnprocessableEntity,
			`{"name":"x"} {}`:                                     http.StatusBadRequest,
			`{"name":"` + strings.Repeat("x", 256<<10) + `"}`:     http.StatusBadRequest,
			`{"name":"` + strings.Repeat("x", 256) + `"}`:         http.StatusUnprocessableEntity,
			`{"name":"x","scopes":` + strings.Repeat("[", 10_000): http.StatusBadRequest,
		} {
			if a := maker.Do(t, http.MethodPost, keysPath, body); a.Status != want {
				t.Errorf("%.60s: got %d %s, want %d", body, a.Status, a.Body, want)
			}
		}
		w.saw(t, "ACCESS_DENIED", "ACCESS_DENIED") // wanting more than one has is on the record
	})
}
