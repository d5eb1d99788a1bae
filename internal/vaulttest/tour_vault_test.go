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

const (
	vaultPath = "/api/v2/vault/"
	sealPath  = vaultPath + "seal"
)

// held is a credential's value as each unseal route names it.
type held struct {
	vaulttest.Entry
	Plaintext json.RawMessage `json:"plaintext"`
	Secret    string          `json:"secret"`
	Accessed  string          `json:"last_accessed_at"`
}

// TestTourSeal seals with every spelling of a value and in every dialect.
func TestTourSeal(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		a := v.Register(t, "owner@example.com")
		w := watch(t, v, a.TenantID)
		for name, tt := range map[string]struct{ body, want, secret string }{
			"values":            {`{"name":"n","credential_type":"database","values":{"u":"me","p":1.50},"ttl_days":30,"metadata":{"team":"x"}}`, `{"u":"me","p":1.5}`, `{"u":"me","p":1.50}`},
			"plaintext":         {`{"name":"n","plaintext":{"key":"sk"}}`, `{"key":"sk"}`, `sk`},
			"plaintext as text": {`{"name":"n","plaintext":"s\u00e9k"}`, `{"value":"sék"}`, `sék`},
			"secret":            {`{"name":"n","secret":"hush \"\\\n\u2028"}`, `{"secret":"hush \"\\\n\u2028"}`, "hush \"\\\n\u2028"},
			"with nulls":        {`{"name":"n","values":null,"plaintext":null,"secret":"x","credential_type":""}`, `{"secret":"x"}`, `x`},
		} {
			answer := a.Must(t, http.StatusCreated, http.MethodPost, sealPath, tt.body)
			facts := w.receipted(t, answer, "CREDENTIAL_SEALED")
			var e vaulttest.Entry
			answer.Into(t, &e)
			fact, ok := facts[0].Event.(domain.CredentialSealed)
			if !ok || fact.EntryID.String() != e.ID || e.EntryID != e.ID || fact.EntryID.Credential().Handle() != e.CredentialID ||
				fact.Type != e.Type || fact.Owner.String() != a.UserID || domain.ID(facts[0].Header.ActorID).String() != a.KeyID || e.Version != 1 || !e.Active {
				t.Errorf("%s: answered %+v, recorded %+v", name, e, facts[0].Event)
			}
			if ttl := fact.ExpiresAt != 0; ttl != (name == "values") {
				t.Errorf("%s: expires at %d", name, fact.ExpiresAt)
			}
			var got held
			a.Must(t, http.StatusOK, http.MethodGet, vaultPath+e.CredentialID, nil).Into(t, &got)
			equalJSON(t, name, got.Values, tt.want)
			a.Must(t, http.StatusOK, http.MethodPost, vaultPath+"unseal", map[string]string{"entry_id": e.ID}).Into(t, &got)
			if got.Secret != tt.secret {
				t.Errorf("%s: got %q, want %q", name, got.Secret, tt.secret)
			}
			w.saw(t, "CREDENTIAL_UNSEALED", "CREDENTIAL_UNSEALED")
		}
		for header, text := range map[[2]string]bool{
			{"X-Sdk-Language", "node"}: true, {"X-Sdk-Language", "python"}: true, {"User-Agent", "quantaseal-mcp/1.1.0"}: true,
			{"User-Agent", "quantaseal-cli/1.1.0"}: false, {"User-Agent", "quantaseal-go-sdk/1.0.0"}: false, {"X-Qs-Dialect", "node"}: true,
		} {
			c := &vaulttest.Client{URL: v.URL, Key: a.Key, Header: http.Header{header[0]: {header[1]}}}
			answer := c.Must(t, http.StatusCreated, http.MethodPost, sealPath, `{"name":"n","plaintext":{"k":"v"}}`)
			var data any
			answer.Into(t, &data)
			id, bare := data.(string)
			if _, err := domain.ParseID(id); bare != text || bare && err != nil {
				t.Errorf("%s: %s is answered with %s", header[0], header[1], answer.Body)
			}
			w.receipted(t, answer, "CREDENTIAL_SEALED")
		}
		for body, want := range map[string]int{
			`{"name":"n"}`: http.StatusUnprocessableEntity,
			`{"name":"n","values":{"a":1},"secret":"b"}`:                http.StatusUnprocessableEntity,
			`{"name":"n","values":"text"}`:                              http.StatusUnprocessableEntity,
			`{"name":"n","values":[1]}`:                                 http.StatusUnprocessableEntity,
			`{"name":"n","values":{"a":1},"ttl_days":0}`:                http.StatusUnprocessableEntity,
			`{"name":"n","values":{"a":1},"ttl_days":366}`:              http.StatusUnprocessableEntity,
			`{"name":" ","values":{"a":1}}`:                             http.StatusUnprocessableEntity,
			`{"name":"n\u0000","values":{"a":1}}`:                       http.StatusUnprocessableEntity,
			`{"name":"n","credential_type":"API Key","values":{"a":1}}`: http.StatusUnprocessableEntity,
			`{"name":"n","metadata":[],"values":{"a":1}}`:               http.StatusUnprocessableEntity,
			`{"name":"n","values":{"a":1,"a":2}}`:                       http.StatusBadRequest,
			`{"name":"n","values":{"a":"` + "\xff" + `"}}`:              http.StatusBadRequest,
			`{"name":"n","values":{"a":1}`:                              http.StatusBadRequest,
			`[]`:                                                        http.StatusUnprocessableEntity,
		} {
			if got := a.Do(t, http.MethodPost, sealPath, body); got.Status != want {
				t.Errorf("%s: got %d %s, want %d", body, got.Status, got.Body, want)
			}
		}
		large := strings.Repeat("0123456789abcdef", 15<<10)
		var e vaulttest.Entry
		a.Must(t, http.StatusCreated, http.MethodPost, sealPath, `{"name":"large","secret":"`+large+`"}`).Into(t, &e)
		if got := value(t, a.Client, e.ID); got != `{"secret":"`+large+`"}` {
			t.Errorf("a large value comes back as %d bytes", len(got))
		}
		a.Must(t, http.StatusBadRequest, http.MethodPost, sealPath, `{"name":"larger","secret":"`+large+large+`"}`)
		w.saw(t, "CREDENTIAL_SEALED", "CREDENTIAL_UNSEALED")
		custody := &vaulttest.Client{URL: v.URL, Key: a.Key, Header: http.Header{"X-Vault-Enable-Mpc": {"true"}}}
		custody.Must(t, http.StatusNotImplemented, http.MethodPost, sealPath, `{"name":"n","values":{"a":1}}`)
		w.saw(t)
	})
}

// TestTourUnseal reads a value by every route and every id that leads to it.
func TestTourUnseal(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		a := v.Register(t, "owner@example.com")
		first := a.Seal(t, "db", `{"key":"old"}`)
		var second vaulttest.Entry
		a.Must(t, http.StatusOK, http.MethodPost, vaultPath+"entries/"+first.ID+"/rotate", `{"new_plaintext":{"key":"new"}}`).Into(t, &second)
		current, err := domain.ParseReference(second.NewEntryID)
		if err != nil {
			t.Fatal(err)
		}
		w := watch(t, v, a.TenantID)
		for _, id := range []string{first.CredentialID, first.ID, second.ID} {
			via, err := domain.ParseReference(id)
			if err != nil {
				t.Fatal(err)
			}
			for _, route := range []struct{ method, path, body string }{
				{http.MethodGet, id, ""},
				{http.MethodGet, "unseal/" + id, ""},
				{http.MethodPost, "unseal/" + id, ""},
				{http.MethodPost, "unseal/" + id, "null"},
				{http.MethodPost, "unseal/" + id + "/", "{}"},
				{http.MethodPost, "unseal", `{"entry_id":"` + id + `"}`},
				{http.MethodPost, "unseal", `{"credential_id":"` + id + `"}`},
			} {
				answer := a.Must(t, http.StatusOK, route.method, vaultPath+route.path, route.body)
				facts := w.receipted(t, answer, "CREDENTIAL_UNSEALED")
				want := domain.CredentialUnsealed{EntryID: current, ScopeUsed: domain.ScopeVaultUnseal, ViaEntryID: via}
				if diff := cmp.Diff(domain.Event(want), facts[0].Event); diff != "" {
					t.Errorf("%v (-want +got):\n%s", route, diff)
				}
				var got held
				answer.Into(t, &got)
				names := dataOf(t, answer)
				_, values := names["values"]
				_, plaintext := names["plaintext"]
				_, secret := names["secret"]
				whole := route.path == id
				if values != whole || secret != (route.path == "unseal") || plaintext == secret {
					t.Errorf("%v answers with %s", route, answer.Body)
				}
				if plaintext {
					equalJSON(t, route.path, got.Plaintext, `{"key":"new"}`)
				}
				if secret && got.Secret != "new" {
					t.Errorf("got %q, want new", got.Secret)
				}
				if got.CredentialID != first.CredentialID || got.EntryID != second.NewEntryID || got.Name != "db" || got.Version != 2 ||
					got.Accessed != time.UnixMicro(int64(facts[0].Header.TimeUS)).UTC().Format("2006-01-02T15:04:05.000000Z") {
					t.Errorf("%v answers with %s", route, answer.Body)
				}
			}
		}
		prefetch := &vaulttest.Client{URL: v.URL, Key: a.Key, Header: http.Header{"Sec-Purpose": {"prefetch"}}}
		prefetch.Must(t, http.StatusForbidden, http.MethodGet, vaultPath+first.ID, nil)
		a.Must(t, http.StatusUnprocessableEntity, http.MethodPost, vaultPath+"unseal", `{}`)
		v.As("").Must(t, http.StatusUnauthorized, http.MethodGet, vaultPath+first.ID, nil)
		w.saw(t)
	})
}
