package mail_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/internal/mail"
)

const resendKey = "re_marker_key"

// api of Resend, as far as letters need it: it remembers what it accepted by
// idempotency key, and does to each request what the script says.
type resendAPI struct {
	*httptest.Server
	mu       sync.Mutex
	script   []string // how to treat the next requests; the last one goes on
	requests int
	accepted map[string]map[string]any // by idempotency key
}

func startResend(t *testing.T, script ...string) *resendAPI {
	t.Helper()
	a := &resendAPI{script: script, accepted: map[string]map[string]any{}}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

func (a *resendAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	a.mu.Lock()
	a.requests++
	does := a.script[0]
	if len(a.script) > 1 {
		a.script = a.script[1:]
	}
	if does == "accept" || does == "lose" {
		var said map[string]any
		if err == nil && json.Unmarshal(body, &said) == nil && r.Method == http.MethodPost && r.URL.Path == "/emails" &&
			r.Header.Get("Authorization") == "Bearer "+resendKey {
			a.accepted[r.Header.Get("Idempotency-Key")] = said
		}
	}
	a.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch does {
	case "accept":
		_, _ = io.WriteString(w, `{"id":"49a3999c-0ce1-4ea6-ab68-afcd6dc2e794"}`)
	case "lose":
		panic(http.ErrAbortHandler)
	case "slow":
		<-r.Context().Done()
	case "redirect":
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	case "garbage":
		_, _ = io.WriteString(w, "<html>")
	case "reject":
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.WriteString(w, `{"message":"Invalid to: `+address+`"}`)
	case "busy":
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `{"message":"slow down, `+address+`"}`)
	case "fail":
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, `{"message":"oops `+address+`"}`)
	}
}

// saw returns how many requests there were, and what was accepted.
func (a *resendAPI) saw() (int, map[string]map[string]any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.requests, maps.Clone(a.accepted)
}

func (a *resendAPI) sender(t *testing.T) *mail.Resend {
	t.Helper()
	from, err := mail.ParseFrom("QuantaSeal <noreply@vault.example>")
	if err != nil {
		t.Fatal(err)
	}
	r, err := (&mail.Resend{Key: resendKey, BaseURL: a.URL + "/", From: from, API: api, Timeout: 200 * time.Millisecond}).Open()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const letterKey = "01000000-0000-0000-0000-000000000000"

func TestResendSends(t *testing.T) {
	a := startResend(t, "accept")
	l := letter(mail.VerifyAddress)
	if err := a.sender(t).Send(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	_, accepted := a.saw()
	got := accepted[letterKey]
	to, _ := got["to"].([]any)
	text, _ := got["text"].(string)
	if len(to) != 1 || to[0] != address || got["from"] != `"QuantaSeal" <noreply@vault.example>` ||
		got["subject"] != "Confirm your address for QuantaSeal" || !strings.Contains(text, string(l.Token)) || got["html"] != nil {
		t.Errorf("Resend was told %v", got)
	}
}

// Nothing of the address, the token or the key is in an error, whatever the
// answer repeats; and what cannot help by itself is told from what may pass.
func TestResendErrors(t *testing.T) {
	for script, rejected := range map[string]bool{
		"fail": false, "busy": false, "lose": false, "slow": false, "garbage": false, "redirect": true, "reject": true,
	} {
		a := startResend(t, script)
		l := letter(mail.ResetPassword)
		err := a.sender(t).Send(t.Context(), l)
		if err == nil || errors.Is(err, mail.ErrRejected) != rejected {
			t.Errorf("%s: got %v", script, err)
			continue
		}
		for _, secret := range []string{address, string(l.Token), resendKey} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: %v", script, err)
			}
		}
		if requests, _ := a.saw(); requests != 1 {
			t.Errorf("%s: %d requests, want one attempt", script, requests)
		}
	}
}

func TestResendNeedsItsFields(t *testing.T) {
	from, err := mail.ParseFrom("noreply@vault.example")
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]mail.Resend{
		"no key": {BaseURL: mail.ResendURL, From: from}, "no sender": {Key: resendKey, BaseURL: mail.ResendURL},
		"no URL": {Key: resendKey, From: from}, "odd URL": {Key: resendKey, BaseURL: "resend", From: from},
	} {
		if _, err := r.Open(); err == nil || strings.Contains(err.Error(), resendKey) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestResendEndsWithItsRequest(t *testing.T) {
	a := startResend(t, "slow")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.sender(t).Send(ctx, letter(mail.VerifyAddress)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
