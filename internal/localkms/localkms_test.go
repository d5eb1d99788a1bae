package localkms_test

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"filippo.io/mldsa"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/internal/localkms"
)

// fill returns n bytes first, first+1, …
func fill(n int, first byte) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = first + byte(i)
	}
	return b
}

func mustOpen(t testing.TB, dir string, o localkms.Options) *localkms.KMS {
	t.Helper()
	k, _, err := localkms.Open(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func fixed(t testing.TB) *localkms.KMS {
	t.Helper()
	k, err := localkms.WithMaster([32]byte(fill(32, 7)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestDecryptReturnsWhatWasEncrypted(t *testing.T) {
	k, ctx := fixed(t), t.Context()
	rapid.Check(t, func(t *rapid.T) {
		kctx := rapid.MapOfN(rapid.StringN(0, 8, -1), rapid.StringN(0, 8, -1), 1, 6).Draw(t, "context")
		plaintext := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "plaintext")
		blob, err := k.Encrypt(ctx, kctx, plaintext)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := k.Decrypt(ctx, maps.Clone(kctx), blob); err != nil || !bytes.Equal(got, plaintext) {
			t.Fatalf("got %x, %v, want %x", got, err, plaintext)
		}
		other := rapid.MapOf(rapid.StringN(0, 8, -1), rapid.StringN(0, 8, -1)).Draw(t, "other context")
		if maps.Equal(kctx, other) {
			return
		}
		if got, err := k.Decrypt(ctx, other, blob); !errors.Is(err, localkms.ErrCiphertext) || got != nil {
			t.Fatalf("another context: got %x, %v, want ErrCiphertext", got, err)
		}
		if bytes.Equal(localkms.Canonical(kctx), localkms.Canonical(other)) {
			t.Fatal("two contexts have one encoding")
		}
	})
}

func TestDecryptRefusesEveryFlippedBit(t *testing.T) {
	k, ctx, kctx := fixed(t), t.Context(), map[string]string{"app": "quantaseal", "purpose": "tk"}
	plaintext, blob, err := k.GenerateDataKey(ctx, kctx)
	if err != nil || len(plaintext) != 32 {
		t.Fatalf("got %d bytes, %v", len(plaintext), err)
	}
	if got, err := k.Decrypt(ctx, kctx, blob); err != nil || !bytes.Equal(got, plaintext) {
		t.Fatalf("got %x, %v, want %x", got, err, plaintext)
	}
	for i := range blob {
		for bit := range 8 {
			blob[i] ^= 1 << bit
			if _, err := k.Decrypt(ctx, kctx, blob); !errors.Is(err, localkms.ErrCiphertext) {
				t.Fatalf("byte %d bit %d: got %v, want ErrCiphertext", i, bit, err)
			}
			blob[i] ^= 1 << bit
		}
	}
	for n := range blob {
		if _, err := k.Decrypt(ctx, kctx, blob[:n]); !errors.Is(err, localkms.ErrCiphertext) {
			t.Fatalf("cut to %d: got %v, want ErrCiphertext", n, err)
		}
	}
	other, err := localkms.WithMaster([32]byte(fill(32, 8)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Decrypt(ctx, kctx, blob); !errors.Is(err, localkms.ErrCiphertext) {
		t.Errorf("another key: got %v, want ErrCiphertext", err)
	}
	again, _, err := k.GenerateDataKey(ctx, kctx)
	if err != nil || bytes.Equal(again, plaintext) {
		t.Errorf("two data keys are equal, %v", err)
	}
}

func TestRequestsOutOfBoundsAreRefused(t *testing.T) {
	k, ctx, kctx := fixed(t), t.Context(), map[string]string{"app": "quantaseal"}
	if _, err := k.Encrypt(ctx, kctx, make([]byte, localkms.MaxPlaintext)); err != nil {
		t.Errorf("the longest plaintext: %v", err)
	}
	for name, err := range map[string]error{
		"no context":       second(k.Encrypt(ctx, nil, []byte("x"))),
		"too long":         second(k.Encrypt(ctx, kctx, make([]byte, localkms.MaxPlaintext+1))),
		"data key":         third(k.GenerateDataKey(ctx, map[string]string{})),
		"empty signature":  second(k.Sign(ctx, "", []byte("x"))),
		"long sig context": second(k.Sign(ctx, string(make([]byte, 256)), []byte("x"))),
	} {
		if !errors.Is(err, localkms.ErrRequest) {
			t.Errorf("%s: got %v, want ErrRequest", name, err)
		}
	}
}

func second[A any](_ A, err error) error        { return err }
func third[A, B any](_ A, _ B, err error) error { return err }

// The root key is what its description says, by other implementations.
func TestSignIsByTheDerivedRootKey(t *testing.T) {
	k, ctx := fixed(t), t.Context()
	seed, err := hkdf.Key(sha512.New, fill(32, 7), nil, "quantaseal/v1/local-kms/root-sign", 32)
	if err != nil {
		t.Fatal(err)
	}
	oracle, err := mldsa.NewPrivateKey(mldsa.MLDSA65(), seed)
	if err != nil {
		t.Fatal(err)
	}
	public, err := k.PublicKey(ctx)
	if err != nil || !bytes.Equal(public, oracle.PublicKey().Bytes()) {
		t.Fatalf("another public key, %v", err)
	}
	one, err := k.Sign(ctx, "quantaseal/v1/keycert", []byte("certificate"))
	if err != nil {
		t.Fatal(err)
	}
	if err := mldsa.Verify(oracle.PublicKey(), []byte("certificate"), one, &mldsa.Options{Context: "quantaseal/v1/keycert"}); err != nil {
		t.Error(err)
	}
	if mldsa.Verify(oracle.PublicKey(), []byte("certificate"), one, &mldsa.Options{Context: "quantaseal/v1/event"}) == nil {
		t.Error("a signature verifies under another context")
	}
	if two, err := k.Sign(ctx, "quantaseal/v1/keycert", []byte("certificate")); err != nil || bytes.Equal(one, two) {
		t.Errorf("two signatures are equal, so they are not hedged; %v", err)
	}
}

// golden compares named values with testdata/name, one "field: hex" a line. With
// UPDATE=1 it rewrites the file: read the diff. A released file never changes.
func golden(t *testing.T, name string, fields ...any) {
	t.Helper()
	var got bytes.Buffer
	for i := 0; i < len(fields); i += 2 {
		fmt.Fprintf(&got, "%s: %s\n", fields[i], hex.EncodeToString(fields[i+1].([]byte)))
	}
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") == "1" {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestKnownAnswers(t *testing.T) {
	k := fixed(t)
	plain, err := localkms.EncodeFile([32]byte(fill(32, 7)), localkms.Options{}, [28]byte{})
	if err != nil {
		t.Fatal(err)
	}
	protected, err := localkms.EncodeFile([32]byte(fill(32, 7)), localkms.Cheap(localkms.Options{Passphrase: []byte("opensesame")}), [28]byte(fill(28, 40)))
	if err != nil {
		t.Fatal(err)
	}
	blob, err := k.EncryptWith(map[string]string{"purpose": "tk", "app": "quantaseal"}, fill(32, 70), [44]byte(fill(44, 80)))
	if err != nil {
		t.Fatal(err)
	}
	public, err := k.PublicKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sum, ref := sha3.Sum256(public), k.KeyRef()
	golden(t, "keys.txt", "master", fill(32, 7), "file_plain", plain, "file_protected", protected,
		"blob", blob, "key_ref", ref[:], "root_public_key_sha3", sum[:])
}
