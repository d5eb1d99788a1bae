package vaulttest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// delivered is a letter as Resend was told to deliver it.
type delivered struct {
	To      []string `json:"to"`
	Subject string   `json:"subject"`
	Text    string   `json:"text"`
}

// mailing starts a vault whose mail leaves through a Resend of the test's own,
// which fails once before each letter that it takes.
func mailing(t *testing.T, config node.Config) (*vaulttest.Vault, <-chan delivered) {
	t.Helper()
	letters := make(chan delivered, 100)
	failed := map[string]bool{}
	turn := make(chan struct{}, 1)
	resend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		turn <- struct{}{}
		defer func() { <-turn }()
		id := r.Header.Get("Idempotency-Key")
		var l delivered
		if err := json.NewDecoder(r.Body).Decode(&l); err != nil || r.Header.Get("Authorization") != "Bearer re_test" || id == "" {
			t.Errorf("Resend got %v, %v", r.Header, err)
		}
		if !failed[id] {
			failed[id] = true
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		letters <- l
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"id":"x"}`))
	}))
	t.Cleanup(resend.Close)
	config.Mail, config.MailFrom, config.ResendKey, config.PublicURL = "resend", "QuantaSeal <noreply@vault.example>", "re_test", "https://vault.example"
	return vaulttest.StartWith(t, config, node.Options{ResendURL: resend.URL + "/"}), letters
}

var anyID = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// anonymous is what an answer shows beside the ids that it gives.
func anonymous(a vaulttest.Answer) any {
	a.Body = anyID.ReplaceAll(a.Body, []byte("id"))
	return shown(a)
}

// TestTourVerification registers where an address has to be proven.
func TestTourVerification(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]func() node.Config{
		"sqlite":   func() node.Config { return node.Config{} },
		"postgres": func() node.Config { return node.Config{DatabaseURL: vaulttest.Postgres(t)} },
	} {
		t.Run(name, func(t *testing.T) {
			v, letters := mailing(t, config())
			nobody := v.As("")
			register := func(email string) (vaulttest.Answer, map[string]any) {
				a := nobody.Must(t, http.StatusCreated, http.MethodPost, authPath+"register",
					map[string]string{"email": email, "password": vaulttest.Password, "tenant_name": "Acme"})
				var ids map[string]any
				a.Into(t, &ids)
				return a, ids
			}
			first, ids := register("new@example.com")
			if ids["token"] != nil || ids["refresh_token"] != nil || len(first.Header.Values("Set-Cookie")) > 0 || first.Receipt(t) != "" {
				t.Error("tokens come before the address was proven")
			}
			tenant, _ := ids["tenant_id"].(string)
			w := watch(t, v, tenant)
			letter := <-letters
			if len(letter.To) != 1 || letter.To[0] != "new@example.com" || !strings.HasPrefix(letter.Subject, "Confirm") {
				t.Fatalf("the letter is %q to %v", letter.Subject, letter.To)
			}
			token := proofIn(t, letter.Text)
			nobody.Must(t, http.StatusUnauthorized, http.MethodPost, authPath+"login", credentials("new@example.com", vaulttest.Password))
			w.saw(t, "LOGIN_FAILED") // and no other letter: one is on its way

			again, other := register("New@Example.com")
			if diff := cmp.Diff(anonymous(first), anonymous(again)); diff != "" || other["tenant_id"] == ids["tenant_id"] || other["user_id"] == ids["user_id"] {
				t.Errorf("whether an account exists shows (-new +existing):\n%s", diff)
			}
			w.saw(t)
			verified := nobody.Must(t, http.StatusOK, http.MethodPost, authPath+"verify-email", map[string]string{"token": token})
			w.receipted(t, verified, "PROOF_CONSUMED", "USER_EMAIL_VERIFIED")
			for _, wrong := range []string{token, another(token), "nonsense", ""} {
				nobody.Must(t, http.StatusUnprocessableEntity, http.MethodPost, authPath+"verify-email", map[string]string{"token": wrong})
			}
			w.saw(t)
			tokensOf(t, nobody.Must(t, http.StatusOK, http.MethodPost, authPath+"login", credentials("new@example.com", vaulttest.Password)))
			w.saw(t, "NEW_DEVICE_SEEN", "LOGIN_SUCCEEDED", "SESSION_ISSUED")

			third, _ := register("new@example.com")
			if diff := cmp.Diff(anonymous(first), anonymous(third)); diff != "" {
				t.Errorf("whether an account exists shows (-new +existing):\n%s", diff)
			}
			if letter := <-letters; letter.Subject != "You already have a QuantaSeal account" || proofLine.MatchString(letter.Text) {
				t.Errorf("the owner is told %q", letter.Subject)
			}
			register("new@example.com") // once a minute is enough
			nobody.Must(t, http.StatusAccepted, http.MethodPost, authPath+"password/forgot", map[string]string{"email": "new@example.com"})
			if letter := <-letters; !strings.HasPrefix(letter.Subject, "Choose a new") {
				t.Errorf("the owner is told %q", letter.Subject)
			}
			w.saw(t, "PROOF_ISSUED")
			if text := v.Logs.String(); strings.Contains(text, "new@example.com") || strings.Contains(text, token) || strings.Contains(text, "re_test") {
				t.Error("the log holds an address, a token or the key")
			}
		})
	}
}
