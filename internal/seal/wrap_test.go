package seal_test

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/internal/seal"
)

func testWrapContext() seal.WrapContext {
	return seal.WrapContext{LogID: [32]byte(fill(32, 1)), Tenant: [16]byte(fill(16, 2)), Object: [16]byte(fill(16, 3)), Version: 4}
}

func TestUnwrapReturnsWhatWasWrapped(t *testing.T) {
	c := testWrapContext()
	rapid.Check(t, func(t *rapid.T) {
		kek := [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "kek"))
		key := rapid.SliceOfN(rapid.Byte(), 1, 200).Draw(t, "key")
		purpose, epoch := rapid.Uint8().Draw(t, "purpose"), rapid.Uint32().Draw(t, "epoch")
		blob, err := seal.Wrap(&kek, purpose, epoch, c, key)
		if err != nil || len(blob) != len(key)+seal.WrapOverhead {
			t.Fatalf("got %d bytes, %v", len(blob), err)
		}
		if got, err := seal.WrapEpoch(blob); err != nil || got != epoch {
			t.Fatalf("got epoch %d, %v, want %d", got, err, epoch)
		}
		if got, err := seal.Unwrap(&kek, purpose, epoch, c, blob); err != nil || !bytes.Equal(got, key) {
			t.Fatalf("got %x, %v, want %x", got, err, key)
		}
	})
	for _, size := range []int{0, seal.MaxWrapped + 1} {
		if _, err := seal.Wrap(new([32]byte), 1, 1, c, make([]byte, size)); !errors.Is(err, seal.ErrTooLong) {
			t.Errorf("%d bytes: got %v, want ErrTooLong", size, err)
		}
	}
}

func TestUnwrapRefusesAnyOther(t *testing.T) {
	kek, c := [32]byte(fill(32, 50)), testWrapContext()
	blob, err := seal.Wrap(&kek, 5, 6, c, fill(96, 9))
	if err != nil {
		t.Fatal(err)
	}
	try := func(name string, kek [32]byte, purpose uint8, epoch uint32, c seal.WrapContext, blob []byte) {
		t.Helper()
		if key, err := seal.Unwrap(&kek, purpose, epoch, c, blob); err == nil || key != nil {
			t.Errorf("%s: accepted", name)
		}
	}
	try("purpose", kek, 4, 6, c, blob)
	try("epoch", kek, 5, 7, c, blob)
	for name, change := range map[string]func(*seal.WrapContext){
		"log":     func(c *seal.WrapContext) { c.LogID[0] ^= 1 },
		"tenant":  func(c *seal.WrapContext) { c.Tenant[15] ^= 1 },
		"object":  func(c *seal.WrapContext) { c.Object[7] ^= 1 },
		"version": func(c *seal.WrapContext) { c.Version-- },
	} {
		other := c
		change(&other)
		try(name, kek, 5, 6, other, blob)
	}
	for i := range kek {
		other := kek
		other[i] ^= 1
		try("key", other, 5, 6, c, blob)
	}
	for i := range blob {
		for bit := range 8 {
			blob[i] ^= 1 << bit
			epoch, err := seal.WrapEpoch(blob)
			if err != nil {
				epoch = 6
			}
			try("flip", kek, blob[4], epoch, c, blob)
			try("flip", kek, 5, 6, c, blob)
			blob[i] ^= 1 << bit
		}
	}
	for n := range blob {
		try("cut", kek, 5, 6, c, blob[:n])
	}
	try("longer", kek, 5, 6, c, append(bytes.Clone(blob), 0))
}

func FuzzUnwrap(f *testing.F) {
	kek, c := [32]byte(fill(32, 50)), testWrapContext()
	blob, err := seal.WrapWith(&kek, 5, 6, c, fill(96, 9), [44]byte{}) // the same in every fuzzing process
	if err != nil {
		f.Fatal(err)
	}
	f.Add(blob)
	f.Add(blob[:53])
	f.Fuzz(func(t *testing.T, in []byte) {
		epoch, err := seal.WrapEpoch(in)
		if err != nil && !errors.Is(err, seal.ErrMalformed) {
			t.Fatalf("got %v, want ErrMalformed", err)
		}
		if _, err := seal.Unwrap(&kek, 5, epoch, c, in); err == nil && !bytes.Equal(in, blob) {
			t.Fatal("accepted a key that was never wrapped")
		}
	})
}
