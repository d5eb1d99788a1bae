package vaulttest_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/mlkem"
	"crypto/sha512"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"testing"
	"time"

	"filippo.io/mldsa"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// signatures is the answer to sign.
type signatures struct {
	Signature string `json:"signature"`
	PQC       string `json:"pqc_signature"`
	HMAC      string `json:"hmac_signature"`
	PublicKey string `json:"public_key"`
	Algorithm string `json:"algorithm"`
	KeyID     string `json:"key_id"`
	Encoding  string `json:"encoding"`
}

// judged is the answer to verify.
type judged struct {
	Valid    bool `json:"valid"`
	PQC      bool `json:"pqc_valid"`
	HMAC     bool `json:"hmac_valid"`
	Trusted  bool `json:"key_trusted"`
	Metadata struct {
		KeyID *string `json:"key_id"`
		Trust string  `json:"key_trust"`
	} `json:"verification_metadata"`
}

// cryptoKey is a key as GET /encryption/keys shows it.
type cryptoKey struct {
	ID       string `json:"key_id"`
	OldID    string `json:"old_key_id"`
	Purpose  string `json:"purpose"`
	State    string `json:"state"`
	Binding  bool   `json:"binding_signature"`
	HMACTill string `json:"hmac_verifies_until"`
	Public   []struct {
		Algorithm string `json:"algorithm"`
		Key       string `json:"public_key"`
		PEM       string `json:"pem"`
		JWK       struct {
			Kty string `json:"kty"`
			Alg string `json:"alg"`
			Kid string `json:"kid"`
			Pub string `json:"pub"`
		} `json:"jwk"`
	} `json:"public_keys"`
}

func signDocument(t *testing.T, c *vaulttest.Client, body any) (s signatures) {
	t.Helper()
	c.Must(t, http.StatusOK, http.MethodPost, encryptionPath+"sign", body).Into(t, &s)
	return s
}

func judge(t *testing.T, c *vaulttest.Client, body any) (j judged) {
	t.Helper()
	c.Must(t, http.StatusOK, http.MethodPost, encryptionPath+"verify", body).Into(t, &j)
	if j.Valid && (!j.PQC || !j.HMAC) {
		t.Errorf("one signature was enough: %+v", j)
	}
	return j
}

func fromBase64(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestTourDocuments has every published client sign as it does, and verify what it got.
func TestTourDocuments(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		a := v.Register(t, "owner@example.com")
		w := watch(t, v, a.TenantID)
		if j := judge(t, a.Client, `{"data":"x","pqc_signature":"AA==","hmac_signature":"AA=="}`); j.Valid || j.Metadata.Trust != "none" {
			t.Errorf("without any key: %+v", j)
		}
		w.saw(t, "SIGNATURE_VERIFY_FAILED")
		const text = "payload to sign"
		coded := base64.StdEncoding.EncodeToString([]byte(text))
		first := true
		for client, sent := range map[string]string{"rest": text, "go": text, "node": coded, "python": coded, "mcp": coded, "cli": coded} {
			c := speaking(a, client)
			answer := c.Must(t, http.StatusOK, http.MethodPost, encryptionPath+"sign", map[string]string{"data": sent})
			var s signatures
			answer.Into(t, &s)
			want := []string{"DATA_SIGNED"}
			if first {
				want, first = []string{"KEY_GENERATED", "DATA_SIGNED"}, false
			}
			w.receipted(t, answer, want...)
			body := map[string]string{"data": sent, "signature": s.Signature, "hmac_signature": s.HMAC, "public_key": s.PublicKey}
			switch client {
			case "cli":
				body = map[string]string{"data": sent, "signature": s.Signature}
			case "rest":
				body = map[string]string{"data": sent, "pqc_signature": s.PQC, "hmac_signature": s.HMAC}
			}
			answer = c.Must(t, http.StatusOK, http.MethodPost, encryptionPath+"verify", body)
			var j judged
			answer.Into(t, &j)
			w.receipted(t, answer, "SIGNATURE_VERIFIED")
			if !j.Valid || !j.Trusted || j.Metadata.Trust != "tenant_current" || *j.Metadata.KeyID != s.KeyID {
				t.Errorf("%s: signed %+v, verified %+v", client, s.Algorithm, j)
			}
			// The other implementation agrees, by what is published alone.
			public, err := mldsa.NewPublicKey(mldsa.MLDSA65(), fromBase64(t, s.PublicKey))
			if err != nil {
				t.Fatal(err)
			}
			if err := mldsa.Verify(public, []byte(text), fromBase64(t, s.PQC), nil); err != nil {
				t.Errorf("%s: %v", client, err)
			}
		}
		s := signDocument(t, a.Client, map[string]string{"data": text})
		w.since(t)
		both := func(change map[string]string) map[string]string {
			body := map[string]string{"data": text, "pqc_signature": s.PQC, "hmac_signature": s.HMAC}
			for k, v := range change {
				body[k] = v
			}
			return body
		}
		stranger, err := mldsa.GenerateKey(mldsa.MLDSA65())
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := stranger.SignDeterministic([]byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		secret := []byte("theirs")
		key := sha512.Sum512(secret)
		mac := hmac.New(sha512.New, key[:])
		mac.Write([]byte(text))
		in := base64.StdEncoding.EncodeToString
		brought := map[string]string{"public_key": in(stranger.PublicKey().Bytes()), "pqc_signature": in(theirs)}
		complete := map[string]string{"public_key": brought["public_key"], "pqc_signature": brought["pqc_signature"], "hmac_signature": in(mac.Sum(nil)), "hmac_secret": in(secret)}
		for name, c := range map[string]struct {
			body             map[string]string
			valid, pqc, hmac bool
			trust            string
		}{
			"as it is":            {both(nil), true, true, true, "tenant_current"},
			"other data":          {both(map[string]string{"data": "payload to sigm"}), false, false, false, "tenant_current"},
			"no HMAC":             {both(map[string]string{"hmac_signature": ""}), false, true, false, "tenant_current"},
			"other HMAC":          {both(map[string]string{"hmac_signature": in(make([]byte, 64))}), false, true, false, "tenant_current"},
			"no ML-DSA":           {both(map[string]string{"pqc_signature": ""}), false, false, true, "tenant_current"},
			"other ML-DSA":        {both(map[string]string{"pqc_signature": in(theirs)}), false, false, true, "tenant_current"},
			"an unknown key id":   {both(map[string]string{"key_id": a.UserID}), false, false, false, "none"},
			"a stranger's key":    {both(brought), false, true, false, "caller_supplied"},
			"a stranger's secret": {both(complete), true, true, true, "caller_supplied"},
		} {
			if j := judge(t, a.Client, c.body); j.Valid != c.valid || j.PQC != c.pqc || j.HMAC != c.hmac || j.Metadata.Trust != c.trust || j.Trusted != (c.trust == "tenant_current") {
				t.Errorf("%s: got %+v", name, j)
			}
			want := "SIGNATURE_VERIFY_FAILED"
			if c.valid {
				want = "SIGNATURE_VERIFIED"
			}
			w.saw(t, want)
		}
		for _, body := range []string{
			`{}`, `{"data":"x","algorithm":"ML-DSA-44"}`, `{"data":"x","public_key":"AA=="}`, `{"data":"x","public_key":"?"}`, `{"data":"x","hmac_secret":"?"}`,
			`{"data":"x","key_id":"x"}`, `{"data":"x","signature":"AA==","pqc_signature":"AQ=="}`, `{"data":"?","encoding":"base64"}`,
		} {
			a.Must(t, http.StatusUnprocessableEntity, http.MethodPost, encryptionPath+"verify", body)
		}
		w.saw(t)

		// Whoever has the header of an event signed as a document has no event: neither by
		// the tenant's audit key, nor, if somebody took the one for the other, by the
		// document's own.
		a.Seal(t, "x", `{"k":"v"}`)
		record := w.saw(t, "CREDENTIAL_SEALED")[0].Record
		head := signDocument(t, a.Client, map[string]string{"data": in(record.Header), "encoding": "base64"})
		audit, _, err := v.Ring.Signer(t.Context(), tenantID(t, a.TenantID))
		if err != nil {
			t.Fatal(err)
		}
		documents, err := chain.ParsePublicKey(fromBase64(t, head.PublicKey))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := chain.VerifyRecord(v.Log.LogID, audit.Public(), record); err != nil {
			t.Errorf("the event itself: %v", err)
		}
		record.Signature = fromBase64(t, head.PQC)
		for _, key := range []*chain.PublicKey{audit.Public(), documents} {
			if _, err := chain.VerifyRecord(v.Log.LogID, key, record); err == nil {
				t.Error("the signature of a header as a document is one as an event")
			}
		}
	})
}

// enters logs in and returns a client that presents the new access token.
func enters(t *testing.T, v *vaulttest.Vault, email string) *vaulttest.Client {
	t.Helper()
	var session struct {
		Token string `json:"token"`
	}
	v.As("").Must(t, http.StatusOK, http.MethodPost, authPath+"login", credentials(email, vaulttest.Password)).Into(t, &session)
	return v.As(session.Token)
}

// gcmOpen decrypts ciphertext_data with the secret that its KEM gave.
func gcmOpen(t *testing.T, shared, data []byte) string {
	t.Helper()
	key, err := hkdf.Key(sha512.New, shared, nil, "quantaseal-aes-key", 32)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	plaintext, err := gcm.Open(nil, data[:12], data[12:], nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(plaintext)
}

// TestTourCryptoKeys rotates keys, ends them, and hands their secrets to an owner.
func TestTourCryptoKeys(t *testing.T) {
	t.Parallel()
	enginesAt(t, func(t *testing.T, v *vaulttest.Vault, c *clock) {
		a := v.Register(t, "owner@example.com")
		keys := func() (list []cryptoKey) {
			a.Must(t, http.StatusOK, http.MethodGet, encryptionPath+"keys", nil).Into(t, &list)
			return list
		}
		if list := keys(); len(list) != 0 {
			t.Errorf("before their first use there are keys: %+v", list)
		}
		old := encrypt(t, a.Client, `{"data":"old"}`)
		s := signDocument(t, a.Client, `{"data":"x"}`)
		for _, k := range keys() {
			for _, p := range k.Public {
				block, _ := pem.Decode([]byte(p.PEM))
				raw := fromBase64(t, p.Key)
				if block == nil || !bytes.HasSuffix(block.Bytes, raw) || p.JWK.Kty != "AKP" || p.JWK.Alg != p.Algorithm || p.JWK.Kid != k.ID || p.JWK.Pub != base64.RawURLEncoding.EncodeToString(raw) {
					t.Errorf("%s: the forms of a key differ", p.Algorithm)
				}
			}
		}

		w := watch(t, v, a.TenantID)
		repeat := &vaulttest.Client{URL: v.URL, Key: a.Token.Key, Header: http.Header{"Idempotency-Key": {"once"}}}
		answer := repeat.Must(t, http.StatusCreated, http.MethodPost, encryptionPath+"keys/rotate", `{"purpose":"envelope","binding_signature":true}`)
		w.receipted(t, answer, "KEY_ROTATED")
		var next, same cryptoKey
		answer.Into(t, &next)
		repeat.Must(t, http.StatusCreated, http.MethodPost, encryptionPath+"keys/rotate", `{"purpose":"envelope","binding_signature":true}`).Into(t, &same)
		repeat.Must(t, http.StatusConflict, http.MethodPost, encryptionPath+"keys/rotate", `{"purpose":"document"}`)
		if w.saw(t); next.ID != same.ID || next.OldID != old.KeyID || !next.Binding || next.State != "active" {
			t.Errorf("rotated to %+v, and asked again to %s", next, same.ID)
		}
		if list := keys(); list[0].ID != next.ID || list[2].ID != old.KeyID || list[2].State != "decrypt_only" {
			t.Errorf("listed %s, %+v", list[0].ID, list[2])
		}
		fresh := encrypt(t, a.Client, `{"data":"new"}`)
		if fresh.KeyID != next.ID || !bytes.Contains(fresh.Envelope, []byte(`"binding_signature"`)) {
			t.Errorf("encrypted for %s", fresh.KeyID)
		}
		decrypt(t, a.Client, map[string]any{"envelope": fresh.Envelope})
		decrypt(t, a.Client, map[string]any{"ciphertext": fresh.Ciphertext})
		if o := decrypt(t, a.Client, map[string]any{"envelope": old.Envelope}); o.Plaintext != "old" || o.KeyID != old.KeyID {
			t.Errorf("under the key of before: %+v", o)
		}

		// HMACs of documents outlive their key by a day, and not longer.
		var rotated struct {
			SigningKey map[string]string `json:"signing_key"`
			New        string            `json:"new_key_id"`
			Old        string            `json:"old_key_id"`
			Until      time.Time         `json:"grace_period_ends_at"`
		}
		a.Token.Must(t, http.StatusOK, http.MethodPost, "/api/v2/settings/rotate-signing-key", nil).Into(t, &rotated)
		if left := rotated.Until.Sub(c.now()); rotated.Old != s.KeyID || rotated.SigningKey["key_id"] != rotated.New || left > domain.MACGrace || left < domain.MACGrace-time.Minute {
			t.Errorf("rotated %+v", rotated)
		}
		document := map[string]string{"data": "x", "pqc_signature": s.PQC, "hmac_signature": s.HMAC}
		if j := judge(t, a.Client, document); !j.Valid || j.Metadata.Trust != "tenant_past" {
			t.Errorf("within its grace: %+v", j)
		}
		c.forward(domain.MACGrace + time.Minute)
		if j := judge(t, a.Client, document); j.Valid || !j.PQC || j.HMAC || j.Metadata.Trust != "tenant_past" {
			t.Errorf("after its grace: %+v", j)
		}

		// An owner may take an envelope elsewhere, and open it there.
		owner := enters(t, v, a.Email)
		a.Must(t, http.StatusForbidden, http.MethodPost, encryptionPath+"keys/"+old.KeyID+"/escrow", nil) // an API key
		a.Token.Must(t, http.StatusUnauthorized, http.MethodPost, encryptionPath+"keys/"+old.KeyID+"/escrow", nil)
		w = watch(t, v, a.TenantID)
		answer = owner.Must(t, http.StatusOK, http.MethodPost, encryptionPath+"keys/"+old.KeyID+"/escrow", nil)
		w.receipted(t, answer, "ESCROW_EXPORTED")
		var escrow map[string]string
		answer.Into(t, &escrow)
		if escrow["kem_seed"] == "" || len(fromBase64(t, escrow["kem_private_key"])) != 2400 || len(fromBase64(t, escrow["hmac_secret"])) != 64 || escrow["sign_seed"] != "" {
			t.Error("an escrow does not hold what it has to, or more")
		}
		dk, err := mlkem.NewDecapsulationKey768(fromBase64(t, escrow["kem_seed"]))
		if err != nil {
			t.Fatal(err)
		}
		shared, err := dk.Decapsulate(fromBase64(t, old.KEM))
		if err != nil {
			t.Fatal(err)
		}
		if got := gcmOpen(t, shared, fromBase64(t, old.Data)); got != "old" {
			t.Errorf("opened %q elsewhere", got)
		}

		// Retire, then destroy.
		owner.Must(t, http.StatusConflict, http.MethodPost, encryptionPath+"keys/"+next.ID+"/retire", nil)
		owner.Must(t, http.StatusConflict, http.MethodDelete, encryptionPath+"keys/"+old.KeyID, nil)
		owner.Must(t, http.StatusNotFound, http.MethodPost, encryptionPath+"keys/"+a.UserID+"/retire", nil)
		owner.Must(t, http.StatusNotFound, http.MethodDelete, encryptionPath+"keys/x", nil)
		w.saw(t)
		w.receipted(t, owner.Must(t, http.StatusOK, http.MethodPost, encryptionPath+"keys/"+old.KeyID+"/retire", nil), "KEY_RETIRED")
		owner.Must(t, http.StatusOK, http.MethodPost, encryptionPath+"keys/"+old.KeyID+"/retire", nil)
		a.Must(t, http.StatusForbidden, http.MethodPost, encryptionPath+"decrypt", map[string]any{"envelope": old.Envelope})
		a.Must(t, http.StatusForbidden, http.MethodPost, encryptionPath+"decrypt", map[string]any{"ciphertext_kem": old.KEM, "ciphertext_data": old.Data})
		w.saw(t, "DATA_DECRYPT_DENIED", "DATA_DECRYPT_DENIED")
		a.Must(t, http.StatusForbidden, http.MethodDelete, encryptionPath+"keys/"+old.KeyID, nil)
		w.saw(t, "ACCESS_DENIED")
		w.receipted(t, owner.Must(t, http.StatusOK, http.MethodDelete, encryptionPath+"keys/"+old.KeyID, nil), "KEY_DESTROYED")
		owner.Must(t, http.StatusOK, http.MethodDelete, encryptionPath+"keys/"+old.KeyID, nil)
		owner.Must(t, http.StatusConflict, http.MethodPost, encryptionPath+"keys/"+old.KeyID+"/escrow", nil)
		w.saw(t)

		// Keys last a year, and then the next ones begin by themselves.
		c.forward(domain.CryptoPeriod)
		a.Client = enters(t, v, a.Email)
		w.since(t)
		last := encrypt(t, a.Client, `{"data":"later"}`)
		w.saw(t, "KEY_ROTATED", "DATA_ENCRYPTED")
		if last.KeyID == next.ID || !bytes.Contains(last.Envelope, []byte(`"binding_signature"`)) {
			t.Errorf("a year later encrypted for %s", last.KeyID)
		}
		var tested struct {
			Passed bool             `json:"passed"`
			Checks []map[string]any `json:"checks"`
		}
		if a.Must(t, http.StatusOK, http.MethodPost, encryptionPath+"selftest", nil).Into(t, &tested); !tested.Passed || len(tested.Checks) < 10 {
			t.Errorf("tested %+v", tested)
		}
	})
}
