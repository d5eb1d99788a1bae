package vaulttest_test

import (
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/keyring"
	"github.com/quantaseal/quantaseal/internal/kmstest"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// cloud starts a vault whose keys AWS KMS keeps, on each engine. On one of them the
// root key too never leaves it.
func cloud(t *testing.T, f func(t *testing.T, v *vaulttest.Vault, a *kmstest.AWS, c *clock)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		a, c := kmstest.NewAWS(t), &clock{}
		f(t, vaulttest.StartAt(t, node.Config{KMS: "aws:" + a.Key, RootKey: "aws:" + a.Root, AWSEndpoint: a.URL}, c.now), a, c)
	})
	t.Run("postgres", func(t *testing.T) {
		a, c := kmstest.NewAWS(t), &clock{}
		f(t, vaulttest.StartAt(t, node.Config{KMS: "aws:" + a.Key, AWSEndpoint: a.URL, DatabaseURL: vaulttest.Postgres(t)}, c.now), a, c)
	})
}

// opens requires a value to come back.
func opens(t *testing.T, a *vaulttest.Account, e vaulttest.Entry, value string) string {
	t.Helper()
	answer := a.Must(t, http.StatusOK, http.MethodGet, vaultPath+e.CredentialID, nil)
	var got vaulttest.Entry
	answer.Into(t, &got)
	if string(got.Values) != value {
		t.Errorf("got %s, want %s", got.Values, value)
	}
	return answer.Receipt(t)
}

// unavailable requires a tenant to be told 503 before anything is looked up: for
// what it has and for what nobody has, alike.
func unavailable(t *testing.T, a *vaulttest.Account, e vaulttest.Entry) {
	t.Helper()
	real := a.Must(t, http.StatusServiceUnavailable, http.MethodGet, vaultPath+e.CredentialID, nil)
	none := a.Must(t, http.StatusServiceUnavailable, http.MethodGet, vaultPath+"cred_0b6a3c862f638c0e9d2a2d3d5f0a0000", nil)
	if diff := cmp.Diff(shown(real), shown(none)); diff != "" {
		t.Errorf("the answer shows whether a credential exists:\n%s", diff)
	}
	a.Must(t, http.StatusServiceUnavailable, http.MethodPost, "/api/v2/vault/seal", `{"name":"n","credential_type":"api_key","values":{"a":"b"}}`)
}

// TestAWSKMS walks a deployment on AWS KMS through what may happen to that.
func TestAWSKMS(t *testing.T) {
	t.Parallel()
	cloud(t, func(t *testing.T, v *vaulttest.Vault, a *kmstest.AWS, c *clock) {
		one, two := v.Register(t, "one@example.com"), v.Register(t, "two@example.com")
		value := `{"v":"of-two"}`
		e, other := one.Seal(t, "a", `{"v":"of-one"}`), two.Seal(t, "b", value)
		receipt := opens(t, one, e, `{"v":"of-one"}`)
		proven(t, v, export(t, one.Client), receipt)
		for _, call := range a.Calls("") {
			if call.Refused != "" {
				t.Errorf("%s was refused: %s", call.Operation, call.Refused)
			}
		}
		if used := len(a.Calls("Sign")) > 0; used != (v.Config.RootKey != "") {
			t.Errorf("AWS KMS signed: %t, with root key %q", used, v.Config.RootKey)
		}

		// The next start knows all again.
		v.Stop()
		v = vaulttest.StartAt(t, v.Config, c.now)
		one.URL, two.URL = v.URL, v.URL
		opens(t, one, e, `{"v":"of-one"}`)

		// The KMS goes. Who is at hand goes on, who is not is told so, and is not asked for
		// again and again.
		a.Break("", kmstest.Fault{Deny: true})
		asked := len(a.Calls("Decrypt"))
		receipt = opens(t, one, e, `{"v":"of-one"}`)
		unavailable(t, two, other)
		if got := len(a.Calls("Decrypt")) - asked; got > 1 {
			t.Errorf("the KMS was asked %d times within a second of its failure", got)
		}
		c.forward(keyring.CacheTTL)
		unavailable(t, one, e)
		a.Mend()
		c.forward(2 * time.Second)
		opens(t, one, e, `{"v":"of-one"}`)

		// A KMS that lies gives no keys. Nothing is wrong with what is stored, and nothing says so.
		a.Break("Decrypt", kmstest.Fault{Lie: true, Times: 1})
		unavailable(t, two, other)
		c.forward(2 * time.Second)
		opens(t, two, other, value)

		slow(t, v, a, c, two, other)
		lyingWhileRegistering(t, v, a, c)
		proven(t, v, export(t, one.Client), receipt)
	})
}

// slow has many ask at once for keys that come slowly: the KMS is asked once.
func slow(t *testing.T, v *vaulttest.Vault, a *kmstest.AWS, c *clock, account *vaulttest.Account, e vaulttest.Entry) {
	t.Helper()
	v.Ring.Purge()
	c.forward(2 * time.Second)
	a.Break("", kmstest.Fault{Delay: 200 * time.Millisecond})
	before := len(a.Calls("Decrypt"))
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			answer, err := account.Try(t.Context(), http.MethodGet, vaultPath+e.CredentialID, nil)
			if err != nil || answer.Status != http.StatusOK {
				t.Errorf("got %d %s, %v", answer.Status, answer.Body, err)
			}
		})
	}
	all.Wait()
	a.Mend()
	asked := 0
	for _, call := range a.Calls("Decrypt")[before:] {
		if call.Context["tenant_id"] == account.TenantID {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("the KMS was asked %d times for the keys of the tenant, want once", asked)
	}
}

// lyingWhileRegistering has the KMS answer with a key and the ciphertext of another:
// nothing is ever wrapped by it, and the same person registers a moment later.
func lyingWhileRegistering(t *testing.T, v *vaulttest.Vault, a *kmstest.AWS, c *clock) {
	t.Helper()
	a.Break("GenerateDataKey", kmstest.Fault{Lie: true, Times: 1})
	body := map[string]string{"email": "three@example.com", "password": vaulttest.Password, "tenant_name": "three"}
	if answer := v.As("").Do(t, http.MethodPost, "/api/v2/auth/register", body); answer.Status < 500 {
		t.Errorf("got %d %s, want a fault", answer.Status, answer.Body)
	}
	c.forward(2 * time.Second)
	if err := v.Views.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := v.Reconciler.Run(t.Context(), domain.RequestID{ID: domain.ID{1}}); err != nil {
		t.Fatal(err)
	}
	var session struct{ Token string }
	login := v.As("").Must(t, http.StatusOK, http.MethodPost, "/api/v2/auth/login", map[string]string{"email": "three@example.com", "password": vaulttest.Password})
	if login.Into(t, &session); session.Token == "" {
		raw, _ := json.Marshal(login)
		t.Errorf("no session: %s", raw)
	}
}
