package seal_test

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/internal/seal"
)

func testSectionContext() seal.SectionContext {
	return seal.SectionContext{LogID: [32]byte(fill(32, 1)), Tenant: [16]byte(fill(16, 2)), EventID: [16]byte(fill(16, 3))}
}

func TestSectionsComeBackInOrder(t *testing.T) {
	c := testSectionContext()
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 300), 1, 5).Draw(t, "parts")
		var blob []byte
		for i, part := range parts {
			var err error
			blob, err = seal.AppendSection(blob, &[32]byte{byte(i)}, [32]byte{31: byte(i)}, c, part)
			if err != nil {
				t.Fatal(err)
			}
		}
		sections, err := seal.ParseSections(blob)
		if err != nil || len(sections) != len(parts) {
			t.Fatalf("got %d sections, %v, want %d", len(sections), err, len(parts))
		}
		for i, s := range sections {
			got, err := s.Open(&[32]byte{byte(i)}, c)
			if err != nil || !bytes.Equal(got, parts[i]) || s.KeyRef != [32]byte{31: byte(i)} {
				t.Fatalf("section %d: got %x, %v, want %x", i, got, err, parts[i])
			}
		}
	})
	if _, err := seal.AppendSection(nil, new([32]byte), [32]byte{}, c, make([]byte, seal.MaxSection+1)); !errors.Is(err, seal.ErrTooLong) {
		t.Errorf("got %v, want ErrTooLong", err)
	}
	blob, err := seal.AppendSection(nil, new([32]byte), [32]byte{}, c, make([]byte, seal.MaxSection))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := seal.ParseSections(blob); err != nil {
		t.Errorf("the longest section: %v", err)
	}
}

// openAll reads blob as a key ring with one key would.
func openAll(blob []byte, key [32]byte, ref [32]byte, c seal.SectionContext) ([]byte, error) {
	sections, err := seal.ParseSections(blob)
	if err != nil {
		return nil, err
	}
	var out []byte
	for _, s := range sections {
		if s.KeyRef != ref {
			return nil, errors.New("another key")
		}
		plaintext, err := s.Open(&key, c)
		if err != nil {
			return nil, err
		}
		out = append(out, plaintext...)
	}
	return out, nil
}

func TestSectionRefusesAnyOther(t *testing.T) {
	key, ref, c := [32]byte(fill(32, 60)), [32]byte(fill(32, 70)), testSectionContext()
	blob, err := seal.AppendSection(nil, &key, ref, c, []byte(`{"name":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*seal.SectionContext){
		"log":    func(c *seal.SectionContext) { c.LogID[9] ^= 1 },
		"tenant": func(c *seal.SectionContext) { c.Tenant[0] ^= 1 },
		"event":  func(c *seal.SectionContext) { c.EventID[15] ^= 1 },
	} {
		other := c
		change(&other)
		if _, err := openAll(blob, key, ref, other); !errors.Is(err, seal.ErrIntegrity) {
			t.Errorf("%s: got %v, want ErrIntegrity", name, err)
		}
	}
	for i := range key {
		other := key
		other[i] ^= 1
		if _, err := openAll(blob, other, ref, c); !errors.Is(err, seal.ErrIntegrity) {
			t.Errorf("key byte %d: got %v, want ErrIntegrity", i, err)
		}
	}
	for i := range blob {
		for bit := range 8 {
			blob[i] ^= 1 << bit
			if _, err := openAll(blob, key, ref, c); err == nil {
				t.Errorf("byte %d bit %d: accepted", i, bit)
			}
			blob[i] ^= 1 << bit
		}
	}
	for n := range blob {
		if _, err := seal.ParseSections(blob[:n]); !errors.Is(err, seal.ErrMalformed) {
			t.Errorf("cut to %d: got %v, want ErrMalformed", n, err)
		}
	}
	if _, err := seal.ParseSections(append(bytes.Clone(blob), 0)); !errors.Is(err, seal.ErrMalformed) {
		t.Errorf("trailing byte: got %v, want ErrMalformed", err)
	}
}

func FuzzParseSections(f *testing.F) {
	key, ref, c := [32]byte(fill(32, 60)), [32]byte(fill(32, 70)), testSectionContext()
	one, err := seal.AppendSection(nil, &key, ref, c, []byte("one"))
	if err != nil {
		f.Fatal(err)
	}
	two, err := seal.AppendSection(bytes.Clone(one), &key, ref, c, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(one)
	f.Add(two)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, blob []byte) {
		sections, err := seal.ParseSections(blob)
		if err != nil {
			if !errors.Is(err, seal.ErrMalformed) {
				t.Fatalf("got %v, want ErrMalformed", err)
			}
			return
		}
		if len(sections) == 0 || len(sections)*seal.SectionOverhead > len(blob) {
			t.Fatalf("%d sections in %d bytes", len(sections), len(blob))
		}
		for _, s := range sections {
			if plaintext, err := s.Open(&key, c); err == nil && string(plaintext) != "one" && len(plaintext) != 0 {
				t.Fatalf("opened %q, which nobody encrypted", plaintext)
			}
		}
	})
}
