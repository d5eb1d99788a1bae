package vaulttest_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/quantaseal/quantaseal/internal/nodetest"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// TestOutsideOpener has a program in another language, with other implementations of
// ML-KEM and ML-DSA and the keys of an escrow, open envelopes of the API and check
// what the API signed. It was written from docs/envelope.md.
func TestOutsideOpener(t *testing.T) {
	t.Parallel()
	dir := nodetest.Package(t, "../../docs/openenvelope")
	v := vaulttest.New(t)
	a := v.Register(t, "owner@example.com")
	const text = "Zażółć gęślą jaźń, \"π\"\n"
	plain := encrypt(t, a.Client, map[string]any{"data": text})
	bound := encrypt(t, a.Client, map[string]any{"data": text, "encryption_context": map[string]string{"z": "\u2028<\x01\U0001F512", "ä": "1", "a": "\"2\""}})
	var signed struct {
		KeyID string `json:"key_id"`
		PQC   string `json:"pqc_signature"`
		HMAC  string `json:"hmac_signature"`
	}
	a.Must(t, http.StatusOK, http.MethodPost, encryptionPath+"sign", map[string]any{"data": text}).Into(t, &signed)
	escrow := func(key string) (keys json.RawMessage) {
		a.Token.Must(t, http.StatusOK, http.MethodPost, encryptionPath+"keys/"+key+"/escrow", nil).Into(t, &keys)
		return keys
	}
	keys, documentKeys := escrow(plain.KeyID), escrow(signed.KeyID)
	ask := func(job any) (found map[string]any, err error) {
		input, err := json.Marshal(job)
		if err != nil {
			t.Fatal(err)
		}
		out, err := nodetest.Run(t, dir, input, "open.mjs")
		if len(out) > 0 {
			if err := json.Unmarshal([]byte(out), &found); err != nil {
				t.Fatal(err)
			}
		}
		return found, err
	}
	for _, e := range []sealedEnvelope{plain, bound} {
		found, err := ask(map[string]any{"envelope": e.Envelope, "keys": keys})
		opened, _ := found["plaintext"].(string)
		if got, _ := base64.StdEncoding.DecodeString(opened); err != nil || string(got) != text || found["keys_agree"] != true {
			t.Errorf("the outsider found %v: %v", found, err)
		}
	}
	document := map[string]any{
		"document": base64.StdEncoding.EncodeToString([]byte(text)), "keys": documentKeys,
		"signed": map[string]string{"pqc_signature": signed.PQC, "hmac_signature": signed.HMAC},
	}
	if found, err := ask(document); err != nil || found["pqc_valid"] != true || found["hmac_valid"] != true {
		t.Errorf("of a document the outsider found %v: %v", found, err)
	}
	document["document"] = base64.StdEncoding.EncodeToString([]byte("another one"))
	if found, err := ask(document); err == nil || found["pqc_valid"] != false || found["hmac_valid"] != false {
		t.Errorf("of another document the outsider found %v", found)
	}
	var swapped map[string]map[string]any
	if err := json.Unmarshal(plain.Envelope, &swapped); err != nil {
		t.Fatal(err)
	}
	swapped["encrypted"]["ciphertext_kem"] = bound.KEM
	if found, err := ask(map[string]any{"envelope": swapped, "keys": keys}); err == nil || found["binding_valid"] != false || found["plaintext"] != nil {
		t.Errorf("of an envelope of two the outsider found %v", found)
	}
}
