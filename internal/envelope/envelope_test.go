package envelope_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/internal/envelope"
)

var (
	keyID    = envelope.KeyID{Tenant: [16]byte(fill(16, 1)), Key: [16]byte(fill(16, 2))}
	kemSeed  = [64]byte(fill(64, 3))
	signSeed = [32]byte(fill(32, 4))
	secret   = [64]byte(fill(64, 5))
	context  = []byte(`{"purpose":"tests"}`)
)

// fill returns n bytes that differ from one another and from another start's.
func fill(n int, start byte) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = start*31 + byte(i)
	}
	return b
}

func mustKeys(t testing.TB, id envelope.KeyID, signsBindings bool) *envelope.Keys {
	t.Helper()
	k, err := envelope.NewKeys(id, &kemSeed, &signSeed, &secret, signsBindings)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func mustOpener(t testing.TB) *envelope.Opener {
	t.Helper()
	o, err := envelope.NewOpener()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func mustEncrypt(t testing.TB, k *envelope.Keys, plaintext string, context []byte) envelope.Envelope {
	t.Helper()
	e, err := k.Encrypt([]byte(plaintext), context)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func refused(t *testing.T, o *envelope.Opener, what string, r envelope.Request) {
	t.Helper()
	if plaintext, err := o.Open(r); !errors.Is(err, envelope.ErrRefused) || plaintext != nil {
		t.Errorf("%s: got %q, %v, want ErrRefused", what, plaintext, err)
	}
}

// What was encrypted comes back, by every way that an envelope travels.
func TestEnvelopesComeBack(t *testing.T) {
	o := mustOpener(t)
	keys := []*envelope.Keys{mustKeys(t, keyID, false), mustKeys(t, keyID, true)}
	rapid.Check(t, func(t *rapid.T) {
		plaintext := rapid.SliceOfN(rapid.Byte(), 0, 600).Draw(t, "plaintext")
		k := rapid.SampledFrom(keys).Draw(t, "keys")
		var bound []byte
		if members := rapid.MapOfN(rapid.String(), rapid.String(), 0, 5).Draw(t, "context"); rapid.Bool().Draw(t, "bound") {
			text, err := json.Marshal(members)
			if err != nil {
				t.Fatal(err)
			}
			if bound, err = envelope.CanonicalContext(text); err != nil {
				t.Fatal(err)
			}
		}
		e, err := k.Encrypt(plaintext, bound)
		if err != nil {
			t.Fatal(err)
		}
		var wire envelope.Wire
		if err := json.Unmarshal(e.AppendJSON(nil), &wire); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e.Wire(), wire); diff != "" {
			t.Fatalf("the two ways to JSON differ:\n%s", diff)
		}
		fromJSON, err := wire.Envelope()
		if err != nil {
			t.Fatal(err)
		}
		fromToken, err := envelope.ParseToken(e.AppendToken(nil))
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range []envelope.Envelope{e, fromJSON, fromToken} {
			if diff := cmp.Diff(e, got); diff != "" {
				t.Fatalf("(-made +read)\n%s", diff)
			}
			opened, err := o.Open(envelope.Request{Envelope: got, Keys: k, Allowed: true})
			if err != nil || !bytes.Equal(opened, plaintext) {
				t.Fatalf("got %x, %v, want %x", opened, err, plaintext)
			}
		}
	})
}

// Every byte of every part counts.
func TestEveryChangeIsRefused(t *testing.T) {
	o := mustOpener(t)
	for _, k := range []*envelope.Keys{mustKeys(t, keyID, false), mustKeys(t, keyID, true)} {
		e := mustEncrypt(t, k, "value", context)
		parts := map[string]*[]byte{
			"ciphertext_kem": &e.KEMCiphertext, "ciphertext_data": &e.Data, "context": &e.Context, "pqc_signature": &e.Signature,
			"hmac_signature": &e.MAC, "binding_hmac": &e.BindingMAC,
		}
		if e.BindingSignature != nil {
			parts["binding_signature"] = &e.BindingSignature
		}
		for name, part := range parts {
			whole := *part
			*part = bytes.Clone(whole)
			step := 1 // of the envelope that has all parts
			if e.BindingSignature == nil {
				step += len(whole) / 200 // else of the long parts every so many
			}
			for i := 0; i < len(whole); i += step {
				(*part)[i] ^= 1 << (i % 8)
				refused(t, o, name, envelope.Request{Envelope: e, Keys: k, Allowed: true})
				(*part)[i] ^= 1 << (i % 8)
			}
			for _, cut := range []int{0, 1, len(whole) - 1} {
				*part = whole[:cut]
				refused(t, o, name+" cut", envelope.Request{Envelope: e, Keys: k, Allowed: true})
			}
			*part = nil
			refused(t, o, name+" left out", envelope.Request{Envelope: e, Keys: k, Allowed: true})
			*part = whole
		}
		for i := range e.Tenant {
			e.Tenant[i] ^= 1
			refused(t, o, "tenant", envelope.Request{Envelope: e, Keys: k, Allowed: true})
			e.Tenant[i] ^= 1
			e.KeyID[i] ^= 1
			refused(t, o, "key id", envelope.Request{Envelope: e, Keys: k, Allowed: true})
			e.KeyID[i] ^= 1
		}
		if got, err := o.Open(envelope.Request{Envelope: e, Keys: k, Allowed: true}); err != nil || string(got) != "value" {
			t.Errorf("unchanged: got %q, %v", got, err)
		}
	}
}

// A refusal has one form, whatever its cause.
func TestRefusals(t *testing.T) {
	o, k := mustOpener(t), mustKeys(t, keyID, false)
	demanding := mustKeys(t, keyID, true)
	e := mustEncrypt(t, k, "value", nil)
	other := mustEncrypt(t, k, "other", nil)
	swapped := e
	swapped.KEMCiphertext = other.KEMCiphertext
	bare := envelope.Envelope{Tenant: e.Tenant, KeyID: e.KeyID, KEMCiphertext: e.KEMCiphertext, Data: e.Data}
	half := bare
	half.MAC = e.MAC
	stranger, err := envelope.NewKeys(envelope.KeyID{Tenant: [16]byte{9}, Key: keyID.Key}, &kemSeed, &signSeed, &secret, false)
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]envelope.Request{
		"no key":                     {Envelope: e, Allowed: true},
		"not allowed":                {Envelope: e, Keys: k},
		"another tenant's key":       {Envelope: e, Keys: stranger, Allowed: true},
		"a swapped KEM ciphertext":   {Envelope: swapped, Keys: k, Allowed: true},
		"no binding signature":       {Envelope: e, Keys: demanding, Allowed: true},
		"nothing signed":             {Envelope: bare, Keys: k, Allowed: true},
		"vouched for, half signed":   {Envelope: half, Keys: k, Allowed: true, Vouched: true},
		"vouched for, wrongly bound": {Envelope: swapped, Keys: k, Allowed: true, Vouched: true},
		"nothing at all":             {Keys: k, Allowed: true, Vouched: true},
	} {
		refused(t, o, name, r)
	}
	if got, err := o.Open(envelope.Request{Envelope: bare, Keys: k, Allowed: true, Vouched: true}); err != nil || string(got) != "value" {
		t.Errorf("vouched for: got %q, %v", got, err)
	}
	bare.KEMCiphertext = other.KEMCiphertext
	if got, err := o.Open(envelope.Request{Envelope: bare, Keys: k, Allowed: true, Vouched: true}); !errors.Is(err, envelope.ErrIntegrity) || got != nil {
		t.Errorf("vouched for and not decrypting: got %q, %v, want ErrIntegrity", got, err)
	}
	if _, err := k.Encrypt(make([]byte, envelope.MaxPlaintext+1), nil); !errors.Is(err, envelope.ErrTooLong) {
		t.Errorf("got %v, want ErrTooLong", err)
	}
	longest, err := k.Encrypt(make([]byte, envelope.MaxPlaintext), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := envelope.ParseToken(longest.AppendToken(nil)); err != nil {
		t.Errorf("the longest envelope: %v", err)
	}
}

// A document's signatures are no envelope's, though both are over the same bytes.
func TestDocumentsAreNoEnvelopes(t *testing.T) {
	o, k := mustOpener(t), mustKeys(t, keyID, false)
	documents := envelope.NewDocumentKeys((*[32]byte)(fill(32, 40)), (*[64]byte)(fill(64, 41)))
	e := mustEncrypt(t, k, "value", nil)
	signatures, err := documents.Sign(e.Data)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []func(*envelope.Envelope){
		func(e *envelope.Envelope) { e.Signature = signatures.PQC },
		func(e *envelope.Envelope) { e.MAC = signatures.MAC },
		func(e *envelope.Envelope) { e.Signature, e.MAC = signatures.PQC, signatures.MAC },
	} {
		forged := e
		change(&forged)
		refused(t, o, "signed as a document", envelope.Request{Envelope: forged, Keys: k, Allowed: true})
	}
}

// Both signatures of a document count, and each with its own key.
func TestDocumentSignatures(t *testing.T) {
	seed, mac := (*[32]byte)(fill(32, 40)), (*[64]byte)(fill(64, 41))
	k := envelope.NewDocumentKeys(seed, mac)
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOf(rapid.Byte()).Draw(t, "data")
		s, err := k.Sign(data)
		if err != nil {
			t.Fatal(err)
		}
		split, err := envelope.SplitSignatures(s.Join())
		if diff := cmp.Diff(s, split); diff != "" || err != nil {
			t.Fatalf("%v\n%s", err, diff)
		}
		other := append(bytes.Clone(data), 1)
		public, err := envelope.VerifyPQC(k.PublicKey(), data, s.PQC)
		if k.VerifyPQC(data, s.PQC) != 1 || k.VerifyMAC(data, s.MAC) != 1 || public != 1 || err != nil || envelope.VerifyMAC(mac[:], data, s.MAC) != 1 {
			t.Fatal("a signature does not verify")
		}
		public, err = envelope.VerifyPQC(k.PublicKey(), other, s.PQC)
		if k.VerifyPQC(other, s.PQC) != 0 || k.VerifyMAC(other, s.MAC) != 0 || public != 0 || err != nil || envelope.VerifyMAC(mac[:], other, s.MAC) != 0 {
			t.Fatal("a signature of something else verifies")
		}
		if k.VerifyPQC(data, nil) != 0 || k.VerifyMAC(data, nil) != 0 || envelope.VerifyMAC(nil, data, s.MAC) != 0 {
			t.Fatal("nothing verifies")
		}
	})
	if _, err := envelope.VerifyPQC(make([]byte, 1951), nil, nil); !errors.Is(err, envelope.ErrMalformed) {
		t.Errorf("a short key: %v", err)
	}
	if _, err := envelope.SplitSignatures(make([]byte, 3309)); !errors.Is(err, envelope.ErrMalformed) {
		t.Errorf("one signature of two: %v", err)
	}
}

// The self-test passes, and is what it says: a check that fails is seen.
func TestSelfTest(t *testing.T) {
	checks, err := envelope.SelfTest()
	if err != nil || len(checks) < 10 {
		t.Fatalf("%d checks, %v", len(checks), err)
	}
	for _, c := range checks {
		if !c.Passed() {
			t.Errorf("%+v", c)
		}
	}
	if (envelope.Check{Want: 1}).Passed() {
		t.Error("a check that fails passes")
	}
}
