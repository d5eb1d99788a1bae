package vaulttest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// repeating returns a client that says that its requests are one request.
func repeating(c *vaulttest.Client, key string) *vaulttest.Client {
	return &vaulttest.Client{URL: c.URL, Key: c.Key, Header: http.Header{"Idempotency-Key": {key}}}
}

// TestIdempotentSeal repeats a seal, alone and all at once.
func TestIdempotentSeal(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		a := v.Register(t, "owner@example.com")
		w := watch(t, v, a.TenantID)
		const body = `{"name":"once","secret":"s"}`
		c := repeating(a.Client, "order-1")
		first := c.Must(t, http.StatusCreated, http.MethodPost, sealPath, body)
		w.receipted(t, first, "CREDENTIAL_SEALED")
		again := c.Must(t, http.StatusCreated, http.MethodPost, sealPath, body)
		w.saw(t)
		var one, two vaulttest.Entry
		first.Into(t, &one)
		again.Into(t, &two)
		if one.ID != two.ID || one.CredentialID != two.CredentialID || first.Receipt(t) != again.Receipt(t) {
			t.Errorf("a repeated seal made %+v after %+v", two, one)
		}
		for _, other := range []string{`{"name":"once","secret":"t"}`, `{"name":"once", "secret":"s"}`, `{"name":"twice","secret":"s"}`} {
			c.Must(t, http.StatusConflict, http.MethodPost, sealPath, other)
		}
		c.Must(t, http.StatusUnprocessableEntity, http.MethodPost, sealPath, `{"name":"once"}`) // the fields come first
		repeating(a.Client, strings.Repeat("k", 256)).Must(t, http.StatusUnprocessableEntity, http.MethodPost, sealPath, body)
		w.saw(t)
		if n := rows(t, v, "sealed_records"); n != 1 {
			t.Errorf("%d sealed records are kept, want 1", n)
		}

		// Another caller's key, and the same caller's in the other environment, are other keys.
		inTest := repeating(a.Token, "order-1")
		inTest.Header.Set("X-QuantaSeal-Environment", "test")
		for _, elsewhere := range []*vaulttest.Client{repeating(a.Token, "order-1"), inTest} {
			var e vaulttest.Entry
			elsewhere.Must(t, http.StatusCreated, http.MethodPost, sealPath, body).Into(t, &e)
			if e.ID == one.ID {
				t.Error("another caller's seal was taken for a repeat")
			}
			w.saw(t, "CREDENTIAL_SEALED")
		}
		a.Must(t, http.StatusOK, http.MethodDelete, vaultPath+one.ID, nil)
		w.saw(t, "CREDENTIAL_DELETED", "CREDENTIAL_SHREDDED")
		c.Must(t, http.StatusCreated, http.MethodPost, sealPath, body).Into(t, &two)
		a.Must(t, http.StatusForbidden, http.MethodGet, vaultPath+two.ID, nil) // it does not come back
		w.saw(t, "CREDENTIAL_UNSEAL_DENIED")

		race, before := repeating(a.Client, "order-2"), rows(t, v, "sealed_records")
		var group sync.WaitGroup
		ids := make([]string, 16)
		for i := range ids {
			group.Go(func() {
				answer, err := race.Try(t.Context(), http.MethodPost, sealPath, body)
				var sealed struct{ Data vaulttest.Entry }
				if err != nil || answer.Status != http.StatusCreated || json.Unmarshal(answer.Body, &sealed) != nil {
					t.Errorf("got %d %s, %v", answer.Status, answer.Body, err)
				}
				ids[i] = sealed.Data.ID
			})
		}
		group.Wait()
		w.saw(t, "CREDENTIAL_SEALED")
		for _, id := range ids {
			if id != ids[0] {
				t.Fatalf("one request made %v", ids)
			}
		}
		if n := rows(t, v, "sealed_records"); n != before+1 {
			t.Errorf("one request left %d sealed records", n-before)
		}
		if got := value(t, a.Client, ids[0]); got != `{"secret":"s"}` {
			t.Errorf("after the race it holds %s", got)
		}
	})
}

// TestIdempotentKey repeats the creation of an API key, which is shown once.
func TestIdempotentKey(t *testing.T) {
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		a := v.Register(t, "owner@example.com")
		w := watch(t, v, a.TenantID)
		c := repeating(a.Token, "order-1")
		var made newKey
		c.Must(t, http.StatusCreated, http.MethodPost, keysPath, `{"name":"ci"}`).Into(t, &made)
		w.saw(t, "API_KEY_CREATED")
		answer := c.Must(t, http.StatusConflict, http.MethodPost, keysPath, `{"name":"ci"}`)
		var again struct {
			Error struct {
				Type    string
				Details map[string]string
			}
		}
		if err := json.Unmarshal(answer.Body, &again); err != nil || again.Error.Type != "conflict" || again.Error.Details["id"] != made.ID {
			t.Errorf("got %s, want a conflict that names key %s", answer.Body, made.ID)
		}
		answer = c.Must(t, http.StatusConflict, http.MethodPost, keysPath, `{"name":"other"}`)
		again.Error.Details = nil
		if err := json.Unmarshal(answer.Body, &again); err != nil || again.Error.Type != "idempotency_key_reused" || again.Error.Details != nil {
			t.Errorf("got %s, want a conflict that says nothing", answer.Body)
		}
		w.saw(t)
		// The same key for another kind of request is another request.
		c.Must(t, http.StatusCreated, http.MethodPost, sealPath, `{"name":"n","secret":"s"}`)
		w.saw(t, "CREDENTIAL_SEALED")
	})
}
