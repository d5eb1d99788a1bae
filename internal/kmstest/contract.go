// Package kmstest is what tests of key management stand on: the suite that every KMS
// of the key ring passes, and an AWS KMS that speaks its protocol on a loopback
// address and can be made to fail.
//
// Its one law: what it serves as AWS KMS refuses what AWS KMS refuses.
package kmstest

import (
	"bytes"
	"errors"
	"maps"
	"testing"

	"filippo.io/mldsa"

	"github.com/quantaseal/quantaseal/internal/keyring"
)

// Contract holds a KMS to what the key ring rests on. foreign is another KMS, which
// has another key.
func Contract(t *testing.T, k, foreign keyring.KMS) {
	t.Helper()
	ctx, kctx := t.Context(), map[string]string{"app": "quantaseal", "tenant_id": "1", "purpose": "tenant-key"}
	plaintext, blob, err := k.GenerateDataKey(ctx, kctx)
	if err != nil || len(plaintext) != 32 {
		t.Fatalf("a data key: got %d bytes, %v", len(plaintext), err)
	}
	if again, err := k.Decrypt(ctx, maps.Clone(kctx), blob); err != nil || !bytes.Equal(again, plaintext) {
		t.Errorf("decrypting a data key: other bytes, %v", err)
	}
	if other, _, err := k.GenerateDataKey(ctx, kctx); err != nil || bytes.Equal(other, plaintext) {
		t.Errorf("two data keys are equal, %v", err)
	}
	for _, size := range []int{1, 32, 64, 4096} {
		value := bytes.Repeat([]byte{byte(size)}, size)
		wrapped, err := k.Encrypt(ctx, kctx, value)
		if err != nil {
			t.Fatalf("encrypting %d bytes: %v", size, err)
		}
		if got, err := k.Decrypt(ctx, kctx, wrapped); err != nil || !bytes.Equal(got, value) {
			t.Errorf("decrypting %d bytes: other bytes, %v", size, err)
		}
		if !k.Holds(wrapped) || bytes.Contains(wrapped, value) && size > 1 {
			t.Errorf("a ciphertext of %d bytes is not held, or none", size)
		}
	}
	contractRefusals(t, k, foreign, kctx, blob)
	if k.KeyRef() == [32]byte{} || k.KeyRef() == foreign.KeyRef() {
		t.Error("the reference does not name the key")
	}
}

// contractRefusals tries what a KMS must not answer.
func contractRefusals(t *testing.T, k, foreign keyring.KMS, kctx map[string]string, blob []byte) {
	t.Helper()
	ctx := t.Context()
	refused := func(what string, got []byte, err error) {
		t.Helper()
		if err == nil || got != nil {
			t.Errorf("%s: got %d bytes, %v", what, len(got), err)
		}
	}
	for name, change := range map[string]func(map[string]string){
		"another value": func(c map[string]string) { c["tenant_id"] = "2" },
		"one more":      func(c map[string]string) { c["x"] = "" },
		"one less":      func(c map[string]string) { delete(c, "purpose") },
		"none":          func(c map[string]string) { clear(c) },
	} {
		other := maps.Clone(kctx)
		change(other)
		got, err := k.Decrypt(ctx, other, blob)
		refused("a context with "+name, got, err)
	}
	for i := 0; i < len(blob); i += max(1, len(blob)/40) {
		flipped := bytes.Clone(blob)
		flipped[i] ^= 1
		got, err := k.Decrypt(ctx, kctx, flipped)
		refused("a flipped bit", got, err)
		got, err = k.Decrypt(ctx, kctx, blob[:i])
		refused("a cut ciphertext", got, err)
	}
	got, err := foreign.Decrypt(ctx, kctx, blob)
	refused("another key", got, err)
	got, err = k.Encrypt(ctx, kctx, make([]byte, 4097))
	refused("a long plaintext", got, err)
	got, err = k.Encrypt(ctx, nil, []byte("x"))
	refused("encrypting without a context", got, err)
	got, _, err = k.GenerateDataKey(ctx, map[string]string{})
	refused("a data key without a context", got, err)
	if k.Holds([]byte("QSXX and so on")) || k.Holds(nil) {
		t.Error("holds what it has not made")
	}
}

// RootContract holds a root key to what verifiers rest on, by another implementation.
func RootContract(t *testing.T, r keyring.RootKey) {
	t.Helper()
	ctx := t.Context()
	public, err := r.PublicKey(ctx)
	if err != nil {
		t.Fatal(err)
	}
	key, err := mldsa.NewPublicKey(mldsa.MLDSA65(), public)
	if err != nil {
		t.Fatal(err)
	}
	for _, message := range [][]byte{nil, []byte("certificate"), make([]byte, 100_000)} {
		signature, err := r.Sign(ctx, "quantaseal/v1/keycert", message)
		if err != nil {
			t.Fatal(err)
		}
		if err := mldsa.Verify(key, message, signature, &mldsa.Options{Context: "quantaseal/v1/keycert"}); err != nil {
			t.Errorf("a signature of %d bytes: %v", len(message), err)
		}
		for _, other := range []string{"", "quantaseal/v1/event"} {
			if mldsa.Verify(key, message, signature, &mldsa.Options{Context: other}) == nil {
				t.Errorf("a signature verifies under context %q too", other)
			}
		}
		if again, err := r.Sign(ctx, "quantaseal/v1/keycert", message); err != nil || bytes.Equal(again, signature) {
			t.Errorf("two signatures are equal, so they are not hedged; %v", err)
		}
	}
	for _, bad := range []string{"", string(make([]byte, 256))} {
		if signature, err := r.Sign(ctx, bad, []byte("x")); err == nil || signature != nil {
			t.Errorf("a context of %d bytes was signed, %v", len(bad), errors.Unwrap(err))
		}
	}
}
