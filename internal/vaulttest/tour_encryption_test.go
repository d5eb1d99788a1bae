package vaulttest_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

const encryptionPath = "/api/v2/encryption/"

// sealedEnvelope is the answer to encrypt and rewrap.
type sealedEnvelope struct {
	Algorithm  string          `json:"algorithm"`
	KeyID      string          `json:"key_id"`
	Ciphertext string          `json:"ciphertext"`
	Envelope   json.RawMessage `json:"envelope"`
	Signature  string          `json:"signature"`
	KEM        string          `json:"ciphertext_kem"`
	Data       string          `json:"ciphertext_data"`
	Nonce      string          `json:"nonce"`
	Metadata   struct {
		Algorithm string `json:"algorithm"`
		KeyID     string `json:"key_id"`
	} `json:"encryption_metadata"`
}

// openedEnvelope is the answer to decrypt.
type openedEnvelope struct {
	Plaintext string `json:"plaintext"`
	Encoding  string `json:"encoding"`
	Valid     bool   `json:"signature_valid"`
	KeyID     string `json:"key_id"`
}

// speaking returns a client that presents a's key as one of the published clients.
func speaking(a *vaulttest.Account, client string) *vaulttest.Client {
	h := http.Header{}
	switch client {
	case "node", "python":
		h.Set("X-SDK-Language", client)
	case "go":
		h.Set("User-Agent", "quantaseal-go-sdk/1.0.0")
	case "mcp", "cli":
		h.Set("User-Agent", "quantaseal-"+client+"/1.1.0")
	}
	return &vaulttest.Client{URL: a.URL, Key: a.Key, Header: h}
}

func encrypt(t *testing.T, c *vaulttest.Client, body any) (e sealedEnvelope) {
	t.Helper()
	c.Must(t, http.StatusOK, http.MethodPost, encryptionPath+"encrypt", body).Into(t, &e)
	return e
}

func decrypt(t *testing.T, c *vaulttest.Client, body any) (o openedEnvelope) {
	t.Helper()
	c.Must(t, http.StatusOK, http.MethodPost, encryptionPath+"decrypt", body).Into(t, &o)
	if !o.Valid {
		t.Errorf("a plaintext without a valid signature: %+v", o)
	}
	return o
}

// TestTourEnvelopes has every published client encrypt as it does, and decrypt what it got.
func TestTourEnvelopes(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		a := v.Register(t, "owner@example.com")
		w := watch(t, v, a.TenantID)
		const text = "sensitive <customer> \"PII\"\n"
		coded := base64.StdEncoding.EncodeToString([]byte(text))
		first := true
		for _, c := range []struct {
			client, field, sent, back string
			has                       []string // of the three forms
		}{
			{"rest", "data", text, text, []string{"ciphertext", "envelope", "pieces"}},
			{"node", "plaintext", coded, coded, []string{"ciphertext", "envelope"}},
			{"python", "plaintext", coded, coded, []string{"ciphertext", "envelope"}},
			{"mcp", "plaintext", coded, coded, []string{"envelope"}},
			{"cli", "plaintext", text, text, []string{"ciphertext"}},
			{"go", "plaintext", text, text, []string{"ciphertext"}},
		} {
			client := speaking(a, c.client)
			answer := client.Must(t, http.StatusOK, http.MethodPost, encryptionPath+"encrypt", map[string]any{c.field: c.sent, "algorithm": "ML-KEM-768"})
			var e sealedEnvelope
			answer.Into(t, &e)
			want := []string{"DATA_ENCRYPTED"}
			if first {
				want, first = []string{"KEY_GENERATED", "DATA_ENCRYPTED"}, false
			}
			facts := w.receipted(t, answer, want...)
			fact, ok := facts[len(facts)-1].Event.(domain.DataEncrypted)
			if !ok || fact.Dialect != c.client || fact.KeyID.String() != e.KeyID || e.Metadata.KeyID != e.KeyID || e.Algorithm != "ML-KEM-768" {
				t.Errorf("%s: answered %+v, recorded %+v", c.client, e.Metadata, fact)
			}
			var forms []string
			bodies := map[string]any{
				"ciphertext": map[string]any{"ciphertext": e.Ciphertext}, "envelope": map[string]any{"envelope": e.Envelope, "verify_signature": false},
				"pieces": map[string]any{"ciphertext_kem": e.KEM, "ciphertext_data": e.Data, "nonce": e.Nonce},
			}
			for _, form := range []string{"ciphertext", "envelope", "pieces"} {
				if given := map[string]bool{"ciphertext": e.Ciphertext != "", "envelope": e.Envelope != nil, "pieces": e.KEM != ""}; !given[form] {
					continue
				}
				forms = append(forms, form)
				answer := client.Must(t, http.StatusOK, http.MethodPost, encryptionPath+"decrypt", bodies[form])
				var o openedEnvelope
				answer.Into(t, &o)
				if o.Plaintext != c.back || !o.Valid || o.KeyID != e.KeyID {
					t.Errorf("%s: decrypted %+v", c.client, o)
				}
				fact, ok := w.receipted(t, answer, "DATA_DECRYPTED")[0].Event.(domain.DataDecrypted)
				if stored := map[string]string{"ciphertext": "token"}[form]; !ok || fact.Form != form && fact.Form != stored || fact.Unverified != (form == "envelope") {
					t.Errorf("%s: recorded %+v", c.client, fact)
				}
			}
			if diff := cmp.Diff(c.has, forms); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.client, diff)
			}
		}

		// What one client encrypted another one decrypts, and pieces come in any form.
		e := encrypt(t, a.Client, map[string]any{"plaintext": coded, "encoding": "base64"})
		if o := decrypt(t, speaking(a, "node"), map[string]any{"ciphertext": e.Ciphertext}); o.Plaintext != coded {
			t.Errorf("got %+v", o)
		}
		if o := decrypt(t, speaking(a, "go"), map[string]any{"ciphertext": base64.StdEncoding.EncodeToString(e.Envelope)}); o.Plaintext != text {
			t.Errorf("got %+v", o)
		}
		data, err := base64.StdEncoding.DecodeString(e.Data)
		if err != nil {
			t.Fatal(err)
		}
		decrypt(t, a.Client, map[string]any{"ciphertext_kem": e.KEM, "ciphertext_data": base64.StdEncoding.EncodeToString(data[12:]), "nonce": e.Nonce})
		decrypt(t, a.Client, map[string]any{"envelope": map[string]string{
			"version": "1", "algorithm": "ML-KEM-768", "encapsulated_key": e.KEM, "ciphertext": e.Data, "nonce": e.Nonce,
		}})
		var whole struct {
			Encrypted json.RawMessage `json:"encrypted"`
			Signature json.RawMessage `json:"signature"`
		}
		if err := json.Unmarshal(e.Envelope, &whole); err != nil {
			t.Fatal(err)
		}
		decrypt(t, a.Client, map[string]any{"envelope": map[string]any{"encrypted_payload": whole.Encrypted, "signed_payload": whole.Signature}})
		binary := encrypt(t, a.Client, map[string]any{"data": "/wA=", "encoding": "base64"})
		if o := decrypt(t, a.Client, map[string]any{"ciphertext": binary.Ciphertext}); o.Encoding != "base64" || o.Plaintext != "/wA=" {
			t.Errorf("what is no text comes as %+v", o)
		}
		w.since(t)

		// A context is bound and travels along; pieces need it beside them.
		bound := encrypt(t, a.Client, `{"data":"x","encryption_context":{"b":"2","a":"1"}}`)
		if !strings.Contains(string(bound.Envelope), `"version":"1.1"`) || !strings.Contains(string(bound.Envelope), `"context":{"a":"1","b":"2"}`) {
			t.Errorf("got %.300s", bound.Envelope)
		}
		decrypt(t, a.Client, map[string]any{"envelope": bound.Envelope})
		decrypt(t, a.Client, map[string]any{"ciphertext": bound.Ciphertext, "encryption_context": map[string]string{"a": "1", "b": "2"}})
		pieces := map[string]any{"ciphertext_kem": bound.KEM, "ciphertext_data": bound.Data, "encryption_context": map[string]string{"a": "1", "b": "2"}}
		decrypt(t, a.Client, pieces)
		w.saw(t, "DATA_ENCRYPTED", "DATA_DECRYPTED", "DATA_DECRYPTED", "DATA_DECRYPTED")
		pieces["encryption_context"] = map[string]string{"a": "2"}
		a.Must(t, http.StatusForbidden, http.MethodPost, encryptionPath+"decrypt", pieces)
		a.Must(t, http.StatusForbidden, http.MethodPost, encryptionPath+"decrypt", map[string]any{"ciphertext": bound.Ciphertext, "encryption_context": map[string]string{}})
		w.saw(t, "DATA_DECRYPT_DENIED", "DATA_DECRYPT_DENIED")

		// Another tenant, and the other environment, open nothing.
		b := v.Register(t, "stranger@example.com")
		encrypt(t, b.Client, `{"data":"theirs"}`)
		for _, body := range []any{
			map[string]any{"ciphertext": e.Ciphertext}, map[string]any{"ciphertext_kem": e.KEM, "ciphertext_data": e.Data},
		} {
			b.Must(t, http.StatusForbidden, http.MethodPost, encryptionPath+"decrypt", body)
			test := &vaulttest.Client{URL: v.URL, Key: a.Token.Key, Header: http.Header{"X-Quantaseal-Environment": {"test"}}}
			test.Must(t, http.StatusForbidden, http.MethodPost, encryptionPath+"decrypt", body)
		}
		w.saw(t, "DATA_DECRYPT_DENIED", "DATA_DECRYPT_DENIED")
		for body, want := range map[string]int{
			`{}`:                                                http.StatusUnprocessableEntity,
			`{"data":"x","plaintext":"x"}`:                      http.StatusUnprocessableEntity,
			`{"data":"x","algorithm":"ML-KEM-1024"}`:            http.StatusUnprocessableEntity,
			`{"data":"%","encoding":"base64"}`:                  http.StatusUnprocessableEntity,
			`{"data":"x","encoding":"hex"}`:                     http.StatusUnprocessableEntity,
			`{"data":"x","encryption_context":{"a":1}}`:         http.StatusUnprocessableEntity,
			`{"data":"` + strings.Repeat("x", 128<<10+1) + `"}`: http.StatusUnprocessableEntity,
			`{"data":"` + strings.Repeat("x", 128<<10) + `"}`:   http.StatusOK,
		} {
			a.Must(t, want, http.MethodPost, encryptionPath+"encrypt", body)
		}
		a.Must(t, http.StatusUnprocessableEntity, http.MethodPost, encryptionPath+"encrypt?representation=xml", `{"data":"x"}`)
		a.Must(t, http.StatusUnprocessableEntity, http.MethodPost, encryptionPath+"decrypt", `{}`)
		w.saw(t, "DATA_ENCRYPTED")

		// A new envelope for an old one, and no plaintext on the way.
		answer := a.Must(t, http.StatusOK, http.MethodPost, encryptionPath+"rewrap", map[string]any{"ciphertext": bound.Ciphertext})
		var again sealedEnvelope
		answer.Into(t, &again)
		w.receipted(t, answer, "DATA_REWRAPPED")
		if again.Data == bound.Data || again.KEM == bound.KEM {
			t.Error("a rewrapped envelope is the one it was")
		}
		decrypt(t, a.Client, map[string]any{"ciphertext": again.Ciphertext, "encryption_context": map[string]string{"a": "1", "b": "2"}})
		pieces["encryption_context"], pieces["ciphertext_kem"], pieces["ciphertext_data"] = map[string]string{"a": "1", "b": "2"}, again.KEM, again.Data
		decrypt(t, a.Client, pieces)
		b.Must(t, http.StatusForbidden, http.MethodPost, encryptionPath+"rewrap", map[string]any{"ciphertext": bound.Ciphertext})
		w.saw(t, "DATA_DECRYPTED", "DATA_DECRYPTED")

		// A batch answers each item as it would be answered alone.
		made := a.Must(t, http.StatusOK, http.MethodPost, encryptionPath+"encrypt/batch?representation=token", `{"items":[{"data":"1"},{"data":"x","algorithm":"RSA"},{"data":"3"}]}`)
		var sealed struct {
			Results []struct {
				Success bool           `json:"success"`
				Data    sealedEnvelope `json:"data"`
				Error   *struct {
					Code int `json:"code"`
				} `json:"error"`
				Audit *struct {
					Seq uint64 `json:"seq"`
				} `json:"audit"`
			} `json:"results"`
		}
		made.Into(t, &sealed)
		w.receipted(t, made, "DATA_ENCRYPTED", "DATA_ENCRYPTED")
		if r := sealed.Results; len(r) != 3 || !r[0].Success || r[1].Success || r[1].Error.Code != 422 || r[1].Audit != nil || r[2].Audit == nil || r[2].Error != nil {
			t.Fatalf("got %s", made.Body)
		}
		made = a.Must(t, http.StatusOK, http.MethodPost, encryptionPath+"decrypt/batch", map[string]any{"items": []any{
			map[string]string{"ciphertext": sealed.Results[2].Data.Ciphertext}, map[string]string{"ciphertext": "qs1."}, map[string]string{"ciphertext": sealed.Results[0].Data.Ciphertext},
		}})
		var opened struct {
			Results []struct {
				Success bool           `json:"success"`
				Data    openedEnvelope `json:"data"`
			} `json:"results"`
		}
		made.Into(t, &opened)
		if r := opened.Results; len(r) != 3 || r[0].Data.Plaintext != "3" || r[1].Success || r[2].Data.Plaintext != "1" {
			t.Errorf("got %s", made.Body)
		}
		if n := len(w.since(t)); n != 3 {
			t.Errorf("%d facts of a batch of 3", n)
		}
		for _, items := range []string{``, strings.Repeat(`{"data":"x"},`, 100) + `{"data":"x"}`} {
			a.Must(t, http.StatusUnprocessableEntity, http.MethodPost, encryptionPath+"encrypt/batch", `{"items":[`+items+`]}`)
		}

		// Under lockdown nothing is released, and the refusal is the usual one.
		a.Token.Must(t, http.StatusOK, http.MethodPost, "/api/v2/security/emergency-lockdown", `{"reason":"drill","drill":true}`)
		a.Must(t, http.StatusForbidden, http.MethodPost, encryptionPath+"decrypt", map[string]any{"ciphertext": e.Ciphertext})
		a.Must(t, http.StatusForbidden, http.MethodPost, encryptionPath+"decrypt/batch", map[string]any{"items": []any{map[string]any{"ciphertext": e.Ciphertext}, map[string]any{}}})
		facts := w.saw(t, "EMERGENCY_LOCKDOWN_ACTIVATED", "DATA_DECRYPT_DENIED", "DATA_DECRYPT_DENIED")
		if denied, ok := facts[1].Event.(domain.DataDecryptDenied); !ok || denied.Reason != domain.BarredLockdown {
			t.Errorf("recorded %+v", facts[1].Event)
		}
	})
}

// volatile is what differs between two answers that say the same.
var volatile = regexp.MustCompile(`req_[0-9a-f]{32}|"timestamp":"[^"]*"|"seq":\d+,"event_hash":"[0-9a-f]{64}"`)

// TestEnvelopesAreRefusedAlike changes envelopes in every way.
func TestEnvelopesAreRefusedAlike(t *testing.T) {
	t.Parallel()
	v := vaulttest.New(t)
	a := v.Register(t, "owner@example.com")
	e := encrypt(t, a.Client, `{"data":"value","encryption_context":{"purpose":"tests"}}`)
	other := encrypt(t, a.Client, `{"data":"other","encryption_context":{"purpose":"tests"}}`)
	w := watch(t, v, a.TenantID)
	changed := func(change func(encrypted, signature map[string]any)) any {
		var whole map[string]any
		if err := json.Unmarshal(e.Envelope, &whole); err != nil {
			t.Fatal(err)
		}
		change(whole["encrypted"].(map[string]any), whole["signature"].(map[string]any))
		return map[string]any{"envelope": whole, "verify_signature": false}
	}
	flip := func(field string, in map[string]any, at int) {
		b := []byte(in[field].(string))
		switch b[at] {
		case 'A':
			b[at] = 'B'
		default:
			b[at] = 'A'
		}
		in[field] = string(b)
	}
	signedData := map[string]string{}
	a.Must(t, http.StatusOK, http.MethodPost, encryptionPath+"sign", map[string]any{"data": e.Data, "encoding": "base64"}).Into(t, &signedData)
	w.since(t)
	cases := map[string]any{
		"swapped KEM":           changed(func(e, _ map[string]any) { e["ciphertext_kem"] = other.KEM }),
		"other algorithm":       changed(func(e, _ map[string]any) { e["algorithm"] = "ML-KEM-512" }),
		"other signatures":      changed(func(_, s map[string]any) { s["algorithm"] = "none" }),
		"other tenant":          changed(func(e, s map[string]any) { e["tenant_id"], s["tenant_id"] = a.UserID, a.UserID }),
		"other context":         changed(func(e, _ map[string]any) { e["context"] = map[string]string{"purpose": "theft"} }),
		"no binding":            changed(func(_, s map[string]any) { delete(s, "binding_hmac") }),
		"no binding, no key id": changed(func(_, s map[string]any) { delete(s, "binding_hmac"); delete(s, "key_id") }),
		"no key id":             changed(func(_, s map[string]any) { delete(s, "key_id") }),
		"no ML-DSA signature":   changed(func(_, s map[string]any) { delete(s, "pqc_signature") }),
		"no HMAC":               changed(func(_, s map[string]any) { delete(s, "hmac_signature") }),
		"no signatures":         changed(func(_, s map[string]any) { clear(s) }),
		"signed as a document": changed(func(_, s map[string]any) {
			s["pqc_signature"], s["hmac_signature"] = signedData["pqc_signature"], signedData["hmac_signature"]
		}),
		"a token of nothing":     map[string]any{"ciphertext": "qs1."},
		"a token cut":            map[string]any{"ciphertext": e.Ciphertext[:len(e.Ciphertext)-3]},
		"no token":               map[string]any{"ciphertext": "hunter2"},
		"pieces of two":          map[string]any{"ciphertext_kem": other.KEM, "ciphertext_data": e.Data, "encryption_context": map[string]string{"purpose": "tests"}},
		"pieces without context": map[string]any{"ciphertext_kem": e.KEM, "ciphertext_data": e.Data},
		"pieces of nobody":       map[string]any{"ciphertext_kem": e.KEM, "ciphertext_data": strings.Repeat("A", 40)},
		"another nonce":          map[string]any{"ciphertext_kem": e.KEM, "ciphertext_data": e.Data, "nonce": "AAAAAAAAAAAAAAAA"},
	}
	for field, in := range map[string]int{"ciphertext_kem": 0, "ciphertext_data": 0, "pqc_signature": 1, "hmac_signature": 1, "binding_hmac": 1} {
		for _, at := range []int{0, 7, 30} {
			cases[field+" changed"] = changed(func(e, s map[string]any) { flip(field, []map[string]any{e, s}[in], at) })
			want := a.Do(t, http.MethodPost, encryptionPath+"decrypt", cases[field+" changed"])
			if want.Status != http.StatusForbidden {
				t.Errorf("%s changed at %d: got %d", field, at, want.Status)
			}
		}
	}
	w.since(t)
	var first string
	for name, body := range cases {
		answer := a.Do(t, http.MethodPost, encryptionPath+"decrypt", body)
		got := volatile.ReplaceAllString(string(answer.Body), "")
		if first == "" {
			first = got
		}
		if answer.Status != http.StatusForbidden || got != first || strings.Contains(got, "value") {
			t.Errorf("%s: got %d %s, want %s", name, answer.Status, got, first)
		}
		denied, ok := w.saw(t, "DATA_DECRYPT_DENIED")[0].Event.(domain.DataDecryptDenied)
		if !ok || denied.Reason != domain.ReasonUnverified {
			t.Errorf("%s: recorded %+v", name, denied)
		}
	}
	decrypt(t, a.Client, changed(func(_, _ map[string]any) {})) // and unchanged it opens
}
