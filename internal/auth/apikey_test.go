package auth_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/internal/auth"
)

var keyForm = regexp.MustCompile(`^qs_(live|test)_[0-9A-Za-z]{48}$`)

// A key drawn from counting bytes: the form, alphabet and sum are for ever.
const knownKey = "qs_live_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef2c8VNc"

var counting = bytes.Repeat(func() []byte {
	b := make([]byte, 64)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}(), 2)

func TestKnownAPIKey(t *testing.T) {
	text, key, err := auth.NewAPIKey(bytes.NewReader(counting), false)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != knownKey || key != (auth.APIKey{Lookup: "0123456789", Shown: "qs_live_0123"}) {
		t.Errorf("got %s, %+v, want %s", text, key, knownKey)
	}
	const want = "141c48c33667ad7bb91384a2338ca970"
	if got := auth.Digest(bytes.Repeat([]byte{1}, 32), text); !strings.HasPrefix(hex.EncodeToString(got[:]), want) {
		t.Errorf("got digest %x, want %s…", got, want)
	}
}

func TestAPIKeysParse(t *testing.T) {
	seen := map[string]bool{}
	for i := range 200 {
		text, key, err := auth.NewAPIKey(rand.Reader, i%2 == 1)
		if err != nil {
			t.Fatal(err)
		}
		if !keyForm.Match(text) || len(text) != auth.APIKeyLength || seen[key.Lookup] {
			t.Fatalf("drew %s", text)
		}
		seen[key.Lookup] = true
		want := auth.APIKey{Lookup: string(text[8:18]), Shown: string(text[:12]), Test: i%2 == 1}
		if got, err := auth.ParseAPIKey(text); err != nil || got != want || key != want {
			t.Fatalf("got %+v and %v, want %+v", got, err, want)
		}
	}
}

// No key with a byte changed, lost or added is looked up.
func TestMistypedAPIKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(knownKey)
		at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		c := rapid.Byte().Draw(t, "byte")
		switch rapid.IntRange(0, 2).Draw(t, "change") {
		case 0:
			text[at] = c
		case 1:
			text = append(text[:at], text[at+1:]...)
		case 2:
			text = append(text[:at:at], append([]byte{c}, text[at:]...)...)
		}
		if string(text) == knownKey {
			return
		}
		if _, err := auth.ParseAPIKey(text); !errors.Is(err, auth.ErrMalformedKey) {
			t.Fatalf("%q: got %v, want %v", text, err, auth.ErrMalformedKey)
		}
	})
}

func TestForeignAPIKeys(t *testing.T) {
	rest := knownKey[len("qs_live_"):]
	for _, text := range []string{
		"", "qs_live_", rest, "qs_test_" + rest, "qs_prod_" + rest, "QS_LIVE_" + rest, " " + knownKey, knownKey + "\n",
		"qs_apikey_", "qs_apikey_" + knownKey, "qs_apikey_" + rest[:47] + "0", strings.ToLower(knownKey),
	} {
		if _, err := auth.ParseAPIKey([]byte(text)); !errors.Is(err, auth.ErrMalformedKey) {
			t.Errorf("%q: got %v, want %v", text, err, auth.ErrMalformedKey)
		}
	}
}

// A live key has a second spelling, and that is the same key.
func TestAPIKeyAlias(t *testing.T) {
	pepper := make([]byte, 32)
	alias := []byte("qs_apikey_" + knownKey[len("qs_live_"):])
	kept := bytes.Clone(alias)
	got, err := auth.ParseAPIKey(alias)
	want, wantErr := auth.ParseAPIKey([]byte(knownKey))
	if err != nil || wantErr != nil || got != want {
		t.Errorf("got %+v and %v, want %+v", got, err, want)
	}
	if auth.Digest(pepper, alias) != auth.Digest(pepper, []byte(knownKey)) {
		t.Error("the spellings have different digests")
	}
	if !bytes.Equal(alias, kept) {
		t.Error("parsing changed the key")
	}
}

func TestAPIKeyNeedsRandomness(t *testing.T) {
	if _, _, err := auth.NewAPIKey(io.LimitReader(rand.Reader, 63), false); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
	if _, _, err := auth.NewAPIKey(bytes.NewReader(bytes.Repeat([]byte{255}, 64)), false); !errors.Is(err, io.EOF) {
		t.Errorf("bytes that no character stands for were used: %v", err)
	}
}

// Each character is as likely as each other.
func TestAPIKeyCharactersAreEven(t *testing.T) {
	all := make([]byte, 256*42)
	for i := range all {
		all[i] = byte(i / 42)
	}
	counts := map[byte]int{}
	for source := bytes.NewReader(all); ; {
		text, _, err := auth.NewAPIKey(source, false)
		if err != nil {
			break
		}
		for _, c := range text[8:50] {
			counts[c]++
		}
	}
	if len(counts) != 62 {
		t.Errorf("%d characters were drawn, want 62", len(counts))
	}
}

func FuzzParseAPIKey(f *testing.F) {
	f.Add([]byte(knownKey))
	f.Add([]byte("qs_apikey_" + knownKey[len("qs_live_"):]))
	f.Add([]byte("qs_test_"))
	f.Fuzz(func(t *testing.T, text []byte) {
		key, err := auth.ParseAPIKey(text)
		if err != nil {
			return
		}
		if !keyForm.Match(bytes.Replace(text, []byte("qs_apikey_"), []byte("qs_live_"), 1)) || len(key.Lookup) != 10 || len(key.Shown) != 12 {
			t.Fatalf("accepted %q as %+v", text, key)
		}
	})
}
