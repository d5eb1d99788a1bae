package chain_test

import (
	"bytes"
	"crypto/sha3"
	"errors"
	"fmt"
	"strings"
	"testing"

	"filippo.io/mldsa"
	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// Another implementation of ML-DSA-65 agrees: same keys from the same seeds, and
// each verifies what the other signed, under the same context only.
func TestSignaturesInteroperate(t *testing.T) {
	contexts := []string{
		"", chain.ContextEvent, chain.ContextKeyCert, chain.ContextKeyPOP, chain.ContextCheckpoint,
		chain.ContextVaultRecord, chain.ContextEnvelopeBinding, chain.ContextRecovery, strings.Repeat("x", 255),
	}
	rapid.Check(t, func(t *rapid.T) {
		seed := [chain.SeedSize]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed"))
		message := rapid.SliceOfN(rapid.Byte(), 0, 400).Draw(t, "message")
		context := rapid.SampledFrom(contexts).Draw(t, "context")
		ours := chain.NewSigningKey(&seed)
		theirs, err := mldsa.NewPrivateKey(mldsa.MLDSA65(), seed[:])
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(ours.Public().Bytes(), theirs.PublicKey().Bytes()) {
			t.Fatal("the public keys differ")
		}
		signature, err := ours.Sign(context, message)
		if err != nil || len(signature) != chain.SignatureSize {
			t.Fatalf("got %d bytes, %v", len(signature), err)
		}
		if err := mldsa.Verify(theirs.PublicKey(), message, signature, &mldsa.Options{Context: context}); err != nil {
			t.Fatalf("theirs refuses ours: %v", err)
		}
		if signature, err = theirs.Sign(nil, message, &mldsa.Options{Context: context}); err != nil {
			t.Fatal(err)
		}
		if !ours.Public().Verify(context, message, signature) {
			t.Fatal("ours refuses theirs")
		}
		for _, c := range contexts {
			if c != context && ours.Public().Verify(c, message, signature) {
				t.Fatalf("a signature under %q verifies under %q", context, c)
			}
		}
		if a, err := ours.SignDeterministic(context, message); err != nil {
			t.Fatal(err)
		} else if b, err := theirs.SignDeterministic(message, &mldsa.Options{Context: context}); err != nil || !bytes.Equal(a, b) {
			t.Fatalf("deterministic signatures differ, %v", err)
		}
	})
}

func TestKeys(t *testing.T) {
	message := []byte("message")
	one, err := audit.Sign(chain.ContextEvent, message)
	if err != nil {
		t.Fatal(err)
	}
	two, err := audit.Sign(chain.ContextEvent, message)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(one, two) {
		t.Error("two signatures are equal: they are not hedged")
	}
	if _, err := audit.Sign(strings.Repeat("x", 256), message); err == nil {
		t.Error("a context of 256 bytes was taken")
	}
	for name, signature := range map[string][]byte{"none": nil, "cut": one[:len(one)-1], "longer": append(bytes.Clone(one), 0)} {
		if audit.Public().Verify(chain.ContextEvent, message, signature) {
			t.Errorf("a signature verifies that is %s", name)
		}
	}
	public, err := chain.ParsePublicKey(audit.Public().Bytes())
	if err != nil || public.ID() != audit.ID() || !public.Verify(chain.ContextEvent, message, two) {
		t.Errorf("a key is not read as it is written: %v", err)
	}
	for _, b := range [][]byte{nil, audit.Public().Bytes()[1:], append(bytes.Clone(audit.Public().Bytes()), 0)} {
		if _, err := chain.ParsePublicKey(b); !errors.Is(err, chain.ErrBadKey) {
			t.Errorf("%d bytes: got %v, want ErrBadKey", len(b), err)
		}
	}
	if audit.ID() == audit2.ID() || audit.ID() != chain.KeyID(audit.Public().Bytes()) {
		t.Error("a key's id is not its own")
	}
}

// However a signing key is printed, its secret does not show.
func TestSigningKeyPrintsNothing(t *testing.T) {
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%t"} {
		for _, key := range []any{audit, *audit, []*chain.SigningKey{audit}, struct{ Key *chain.SigningKey }{audit}} {
			if text := fmt.Sprintf(verb, key); len(text) > 200 {
				t.Errorf("%s of %T prints %d characters", verb, key, len(text))
			}
		}
	}
}

// Tagged is one hash over all, whatever the sizes and however it is cut.
func TestTagged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		label := rapid.StringMatching(`[a-z-]{1,20}`).Draw(t, "label")
		parts := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 1500), 0, 4).Draw(t, "parts")
		want := sha3.Sum256(append([]byte("quantaseal/v1/"+label+"\x00"), bytes.Join(parts, nil)...))
		if got := chain.Tagged(label, parts...); got != chain.Hash(want) {
			t.Fatalf("got %s, want %x", got, want)
		}
	})
}

func TestReceiptForm(t *testing.T) {
	r := chain.Receipt{Seq: 42, Hash: logID}
	if got, ok := chain.ParseReceipt(r.String()); !ok || got != r {
		t.Errorf("got %v, want %v", got, r)
	}
	for _, s := range []string{"", ":", "42", "42:", ":" + logID.String(), "x:" + logID.String(), "-1:" + logID.String(), "42:" + logID.String() + "0", "42:" + logID.String()[1:] + "g"} {
		if _, ok := chain.ParseReceipt(s); ok {
			t.Errorf("%q was taken for a receipt", s)
		}
	}
}

func TestUUIDForm(t *testing.T) {
	const text = "01234567-89ab-cdef-0123-456789abcdef"
	id, ok := chain.ParseUUID(text)
	if !ok || chain.FormatUUID(id) != text {
		t.Errorf("got %s", chain.FormatUUID(id))
	}
	for _, s := range []string{"", text[1:], text + "0", strings.ToUpper(text), strings.ReplaceAll(text, "-", "0"), "g" + text[1:], "{" + text[1:]} {
		if _, ok := chain.ParseUUID(s); ok {
			t.Errorf("%q was taken for a UUID", s)
		}
	}
}
