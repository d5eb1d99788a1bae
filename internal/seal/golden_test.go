package seal_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/internal/seal"
)

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

func TestRecordKnownAnswer(t *testing.T) {
	keys, b := testKeys(20), testBinding()
	r := seal.Randomness{Slot: seal.Slot(fill(96, 100)), M: [32]byte(fill(32, 200)), Salt: [32]byte(fill(32, 210)), Nonce: [12]byte(fill(12, 220))}
	plaintext := []byte(`{"password":"correct horse"}`)
	s, err := seal.SealWith(b, keys, plaintext, r)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "record.txt",
		"sign_seed", fill(32, 20), "hmac_secret", fill(64, 21), "slot", fill(96, 100),
		"encaps_m", r.M[:], "salt", r.Salt[:], "nonce", r.Nonce[:], "plaintext", plaintext,
		"record", s.Record, "record_hash", s.Hash[:], "ek_hash", s.EKHash[:])

	got, err := newOpener(t).Verify(b.Identity, keys, s.Record, s.Hash).Open(&s.Slot)
	if err != nil || !bytes.Equal(got, plaintext) {
		t.Errorf("got %q, %v, want %q", got, err, plaintext)
	}
}

func TestWrapKnownAnswer(t *testing.T) {
	kek, c, key, fresh := [32]byte(fill(32, 50)), testWrapContext(), fill(96, 9), [44]byte(fill(44, 80))
	blob, err := seal.WrapWith(&kek, 5, 6, c, key, fresh)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "wrap.txt", "kek", kek[:], "salt_nonce", fresh[:], "key", key, "blob", blob)
	if got, err := seal.Unwrap(&kek, 5, 6, c, blob); err != nil || !bytes.Equal(got, key) {
		t.Errorf("got %x, %v, want %x", got, err, key)
	}
}

func TestSectionKnownAnswer(t *testing.T) {
	key, ref, c := [32]byte(fill(32, 60)), [32]byte(fill(32, 70)), testSectionContext()
	blob, err := seal.AppendSectionWith(nil, &key, ref, c, []byte(`{"name":"x"}`), [12]byte(fill(12, 90)))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "section.txt", "key", key[:], "section", blob)
	if got, err := openAll(blob, key, ref, c); err != nil || string(got) != `{"name":"x"}` {
		t.Errorf("got %q, %v", got, err)
	}
}
