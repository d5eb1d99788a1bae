package seal_test

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/internal/seal"
)

// fill returns n bytes first, first+1, …
func fill(n int, first byte) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = first + byte(i)
	}
	return b
}

func testKeys(first byte) *seal.RecordKeys {
	return seal.NewRecordKeys((*[32]byte)(fill(32, first)), (*[64]byte)(fill(64, first+1)))
}

func testBinding() seal.Binding {
	return seal.Binding{
		Identity: seal.Identity{
			LogID: [32]byte(fill(32, 1)), Tenant: [16]byte(fill(16, 2)), Credential: [16]byte(fill(16, 3)), Version: 7,
		},
		SealedAtUS: 1_764_000_000_000_000, ExpiresAtUS: 1_765_000_000_000_000,
		TKEpoch: 9, KMSKeyRef: seal.KMSKeyRef("arn:example"), Test: true,
	}
}

func newOpener(t testing.TB) *seal.Opener {
	t.Helper()
	o, err := seal.NewOpener()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func mustSeal(t testing.TB, b seal.Binding, keys *seal.RecordKeys, plaintext []byte) seal.Sealed {
	t.Helper()
	s, err := seal.Seal(b, keys, plaintext)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOpenReturnsWhatWasSealed(t *testing.T) {
	o, keys := newOpener(t), testKeys(20)
	rapid.Check(t, func(t *rapid.T) {
		b := testBinding()
		b.Version = rapid.Uint64().Draw(t, "version")
		b.Test = rapid.Bool().Draw(t, "test")
		plaintext := rapid.SliceOfN(rapid.Byte(), 0, 2000).Draw(t, "plaintext")
		before := bytes.Clone(plaintext)
		s, err := seal.Seal(b, keys, plaintext)
		if err != nil {
			t.Fatal(err)
		}
		got, err := o.Verify(b.Identity, keys, s.Record, s.Hash).Open(&s.Slot)
		if err != nil || !bytes.Equal(got, before) || !bytes.Equal(plaintext, before) {
			t.Fatalf("got %x, %v, want %x", got, err, before)
		}
		if said, err := seal.Inspect(s.Record); err != nil || said != b {
			t.Fatalf("got %+v, %v, want %+v", said, err, b)
		}
		if again, err := seal.Seal(b, keys, plaintext); err != nil || again.Hash == s.Hash || again.Slot == s.Slot || again.EKHash == s.EKHash {
			t.Fatalf("two seals share keys: %v", err)
		}
	})
}

func TestLengthsAreBucketed(t *testing.T) {
	o, keys, b := newOpener(t), testKeys(20), testBinding()
	for _, c := range []struct{ plaintext, record int }{
		{0, 5013}, {1, 5013}, {252, 5013}, {253, 5269}, {508, 5269}, {509, 5525}, {seal.MaxPlaintext, seal.MaxRecord},
	} {
		s := mustSeal(t, b, keys, fill(c.plaintext, 0))
		if len(s.Record) != c.record {
			t.Errorf("%d bytes: got a record of %d, want %d", c.plaintext, len(s.Record), c.record)
		}
		if got, err := o.Verify(b.Identity, keys, s.Record, s.Hash).Open(&s.Slot); err != nil || len(got) != c.plaintext {
			t.Errorf("%d bytes: got %d, %v", c.plaintext, len(got), err)
		}
	}
	if _, err := seal.Seal(b, keys, make([]byte, seal.MaxPlaintext+1)); !errors.Is(err, seal.ErrTooLong) {
		t.Errorf("got %v, want ErrTooLong", err)
	}
}

func TestVerifyRefusesAnotherIdentity(t *testing.T) {
	o, keys, b := newOpener(t), testKeys(20), testBinding()
	s := mustSeal(t, b, keys, []byte("value"))
	for name, change := range map[string]func(*seal.Identity){
		"log":        func(id *seal.Identity) { id.LogID[31] ^= 1 },
		"tenant":     func(id *seal.Identity) { id.Tenant[0] ^= 1 },
		"credential": func(id *seal.Identity) { id.Credential[15] ^= 0x80 },
		"version":    func(id *seal.Identity) { id.Version++ },
		"high bit":   func(id *seal.Identity) { id.Version |= 1 << 63 },
	} {
		id := b.Identity
		change(&id)
		refused(t, name, o.Verify(id, keys, s.Record, s.Hash), &s.Slot)
	}
	refused(t, "other keys", o.Verify(b.Identity, testKeys(21), s.Record, s.Hash), &s.Slot)
	refused(t, "other signature", o.Verify(b.Identity, seal.NewRecordKeys((*[32]byte)(fill(32, 99)), (*[64]byte)(fill(64, 21))), s.Record, s.Hash), &s.Slot)
	refused(t, "other MAC", o.Verify(b.Identity, seal.NewRecordKeys((*[32]byte)(fill(32, 20)), (*[64]byte)(fill(64, 99))), s.Record, s.Hash), &s.Slot)
	refused(t, "other hash", o.Verify(b.Identity, keys, s.Record, [32]byte{}), &s.Slot)
	refused(t, "caller's mask", o.Verify(b.Identity, keys, s.Record, s.Hash).And(1).And(0).And(1), &s.Slot)
	refused(t, "no slot", o.Verify(b.Identity, keys, s.Record, s.Hash), nil)
	refused(t, "no record", o.Verify(b.Identity, keys, nil, seal.Hash(nil)), &s.Slot)
}

// refused requires the verdict, where slot is given, and the answer to be a refusal.
func refused(t *testing.T, name string, v seal.Verified, slot *seal.Slot) {
	t.Helper()
	if v.Mask() != 0 && slot != nil {
		t.Errorf("%s: got mask %d, want 0", name, v.Mask())
	}
	if plaintext, err := v.Open(slot); !errors.Is(err, seal.ErrRefused) || plaintext != nil {
		t.Errorf("%s: got %q, %v, want ErrRefused", name, plaintext, err)
	}
}

// No bit of a record may change, even if the log's hash were to follow it.
func TestVerifyRefusesEveryFlippedByte(t *testing.T) {
	o, keys, b := newOpener(t), testKeys(20), testBinding()
	s := mustSeal(t, b, keys, []byte("value"))
	for i := range s.Record {
		for _, bit := range []byte{1, 0x80} {
			s.Record[i] ^= bit
			if o.Verify(b.Identity, keys, s.Record, seal.Hash(s.Record)).Mask() != 0 {
				t.Errorf("byte %d: accepted under its new hash", i)
			}
			s.Record[i] ^= bit
		}
	}
	for _, cut := range [][]byte{s.Record[:len(s.Record)-1], append(bytes.Clone(s.Record), 0), s.Record[1:], {}} {
		if o.Verify(b.Identity, keys, cut, seal.Hash(cut)).Mask() != 0 {
			t.Errorf("a record of %d bytes was accepted", len(cut))
		}
	}
	if o.Verify(b.Identity, keys, s.Record, s.Hash).Mask() != 1 {
		t.Error("the record itself was refused")
	}
}

// A record that a thief of the signing keys has re-signed still opens to
// nothing: the key derivation and the ciphertext cover the rest.
func TestOpenRefusesChangesUnderValidSignatures(t *testing.T) {
	o, keys, b := newOpener(t), testKeys(20), testBinding()
	s := mustSeal(t, b, keys, []byte("value"))
	const ctEnd = 1368 + 256 + 16
	for i := 8; i < ctEnd; i++ {
		if i >= 136 && i < 168 || i >= 100 && i < 104 || i >= 1364 && i < 1368 {
			continue // the signer, reserved bytes and the length do not parse or verify
		}
		changed := bytes.Clone(s.Record)
		changed[i] ^= 1
		changed, err := seal.Resign(changed, keys)
		if err != nil {
			t.Fatal(err)
		}
		said, err := seal.Inspect(changed)
		if err != nil {
			t.Fatalf("byte %d: %v", i, err)
		}
		v := o.Verify(said.Identity, keys, changed, seal.Hash(changed))
		if plaintext, err := v.Open(&s.Slot); v.Mask() != 1 || !errors.Is(err, seal.ErrIntegrity) || plaintext != nil {
			t.Fatalf("byte %d: got mask %d, %q, %v, want ErrIntegrity", i, v.Mask(), plaintext, err)
		}
	}
}

func TestOpenRefusesEveryOtherSlot(t *testing.T) {
	o, keys, b := newOpener(t), testKeys(20), testBinding()
	s := mustSeal(t, b, keys, []byte("value"))
	for i := range s.Slot {
		if i >= 32 && i < 64 {
			continue // z only matters for a ciphertext that is not ours (FIPS 203, algorithm 18)
		}
		slot := s.Slot
		slot[i] ^= 1
		if plaintext, err := o.Verify(b.Identity, keys, s.Record, s.Hash).Open(&slot); !errors.Is(err, seal.ErrIntegrity) || plaintext != nil {
			t.Fatalf("byte %d: got %q, %v, want ErrIntegrity", i, plaintext, err)
		}
	}
	s.Slot.Wipe()
	if s.Slot != (seal.Slot{}) {
		t.Error("a wiped slot is not zero")
	}
}

func FuzzInspect(f *testing.F) {
	keys, b := testKeys(20), testBinding()
	s, err := seal.SealWith(b, keys, []byte("value"), seal.Randomness{}) // the same in every fuzzing process
	if err != nil {
		f.Fatal(err)
	}
	f.Add(s.Record)
	f.Add(s.Record[:1368])
	f.Add([]byte("QSV2"))
	o := newOpener(f)
	f.Fuzz(func(t *testing.T, record []byte) {
		said, err := seal.Inspect(record)
		v := o.Verify(said.Identity, keys, record, seal.Hash(record))
		if bytes.Equal(record, s.Record) {
			return
		}
		if v.Mask() != 0 {
			t.Fatalf("accepted a record that was never sealed; Inspect says %v", err)
		}
		if err != nil && !errors.Is(err, seal.ErrMalformed) {
			t.Fatalf("got %v, want ErrMalformed", err)
		}
	})
}
