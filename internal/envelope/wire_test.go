package envelope_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/internal/envelope"
)

// golden compares got with testdata/name. UPDATE=1 rewrites the file: read the
// diff. A released file never changes.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") == "1" {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// fixed returns the envelope of the golden files.
func fixed(t testing.TB, context []byte, signsBindings bool) envelope.Envelope {
	t.Helper()
	e, err := mustKeys(t, keyID, signsBindings).EncryptWith([]byte("attack at dawn"), context, [32]byte(fill(32, 6)), [12]byte(fill(12, 7)))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// The same keys and randomness give the same text for ever, and it opens.
func TestKnownAnswers(t *testing.T) {
	o := mustOpener(t)
	for name, e := range map[string]envelope.Envelope{
		"v1.0": fixed(t, nil, false), "v1.1": fixed(t, context, false), "v1.1-signed-binding": fixed(t, context, true),
	} {
		golden(t, name+".json", append(e.AppendJSON(nil), '\n'))
		golden(t, name+".token", append(e.AppendToken(nil), '\n'))
		text, err := os.ReadFile(filepath.Join("testdata", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var wire envelope.Wire
		if err := json.Unmarshal(text, &wire); err != nil {
			t.Fatal(err)
		}
		read, err := wire.Envelope()
		if err != nil {
			t.Fatal(err)
		}
		got, err := o.Open(envelope.Request{Envelope: read, Keys: mustKeys(t, keyID, strings.Contains(name, "signed")), Allowed: true})
		if err != nil || string(got) != "attack at dawn" {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

// A field that is spelled in any other way is refused, and the reader says no more.
func TestWireIsStrict(t *testing.T) {
	good := fixed(t, context, true)
	if _, err := good.Wire().Envelope(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*envelope.Wire){
		"url alphabet": func(w *envelope.Wire) {
			w.Signature.PQC = strings.NewReplacer("+", "-", "/", "_").Replace(w.Signature.PQC)
		},
		"no padding":         func(w *envelope.Wire) { w.Signature.MAC = strings.TrimRight(w.Signature.MAC, "=") },
		"line end":           func(w *envelope.Wire) { w.Encrypted.Data += "\n" },
		"line in the middle": func(w *envelope.Wire) { w.Encrypted.Data = w.Encrypted.Data[:4] + "\r\n" + w.Encrypted.Data[4:] },
		"stray bits":         func(w *envelope.Wire) { w.Signature.MAC = w.Signature.MAC[:85] + "h==" },
		"short KEM": func(w *envelope.Wire) {
			w.Encrypted.KEMCiphertext = base64.StdEncoding.EncodeToString(make([]byte, 1087))
		},
		"long signature":  func(w *envelope.Wire) { w.Signature.PQC = base64.StdEncoding.EncodeToString(make([]byte, 3310)) },
		"short MAC":       func(w *envelope.Wire) { w.Signature.MAC = base64.StdEncoding.EncodeToString(make([]byte, 63)) },
		"short data":      func(w *envelope.Wire) { w.Encrypted.Data = base64.StdEncoding.EncodeToString(make([]byte, 27)) },
		"other KEM":       func(w *envelope.Wire) { w.Encrypted.Algorithm = "ML-KEM-1024" },
		"other signature": func(w *envelope.Wire) { w.Signature.Algorithm = "ML-DSA-44" },
		"two tenants":     func(w *envelope.Wire) { w.Signature.Tenant = "00000000-0000-4000-8000-000000000000" },
		"upper-case tenant": func(w *envelope.Wire) {
			w.Encrypted.Tenant = strings.ToUpper(w.Encrypted.Tenant)
			w.Signature.Tenant = w.Encrypted.Tenant
		},
		"no UUID":               func(w *envelope.Wire) { w.Signature.KeyID = "key" },
		"another version":       func(w *envelope.Wire) { w.Version = "1.2" },
		"1.0 with a context":    func(w *envelope.Wire) { w.Version = "1.0" },
		"1.1 without a context": func(w *envelope.Wire) { w.Encrypted.Context = nil },
		"context of numbers":    func(w *envelope.Wire) { w.Encrypted.Context = json.RawMessage(`{"a":1}`) },
	} {
		w := good.Wire()
		change(&w)
		if diff := cmp.Diff(good.Wire(), w); diff == "" {
			t.Errorf("%s: changed nothing", name)
		}
		if e, err := w.Envelope(); !errors.Is(err, envelope.ErrMalformed) || e.Data != nil {
			t.Errorf("%s: got %v, want ErrMalformed", name, err)
		}
	}
}

// One context has one spelling (RFC 8785).
func TestCanonicalContext(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:                       `{}`,
		` { "b" : "2", "a":"1" } `: `{"a":"1","b":"2"}`,
		`{"€":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew","1":"One","😀":"Smiley","\u0080":"Control","ö":"O"}`: `{"\r":"Carriage Return","1":"One","` + "\u0080" + `":"Control","ö":"O","€":"Euro Sign","😀":"Smiley","` + "\ufb33" + `":"Hebrew"}`,
		`{"a":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/"}`:                                                        `{"a":"€$\u000f\nA'B\"\\\\\"/"}`,
	} {
		got, err := envelope.CanonicalContext([]byte(text))
		if err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v, want %s", text, got, err, want)
		}
	}
	var many strings.Builder
	for i := range 65 {
		many.WriteString(`,"` + strings.Repeat("x", i+1) + `":""`)
	}
	for _, text := range []string{
		``, `null`, `[]`, `"x"`, `{`, `{"a":1}`, `{"a":null}`, `{"a":{}}`, `{"a":"1","a":"2"}`, `{"a":"1"} {}`, `{"a":"1",}`, "{\"a\":\"\xff\"}",
		`{` + many.String()[1:] + `}`,
	} {
		if got, err := envelope.CanonicalContext([]byte(text)); !errors.Is(err, envelope.ErrMalformed) {
			t.Errorf("%.60s: got %s, %v, want ErrMalformed", text, got, err)
		}
	}
	if _, err := envelope.CanonicalContext([]byte(`{"a":"` + strings.Repeat("x", 4<<10) + `"}`)); !errors.Is(err, envelope.ErrTooLong) {
		t.Errorf("got %v, want ErrTooLong", err)
	}
}

// Public keys leave with the object identifiers of their standards.
func TestPEM(t *testing.T) {
	k := mustKeys(t, keyID, false)
	for _, c := range []struct {
		name string
		key  []byte
	}{{"ml-kem-768.pem", k.KEMPublicKey()}, {"ml-dsa-65.pem", k.SignPublicKey()}} {
		text, err := envelope.PEM(c.key)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, c.name, text)
	}
	if _, err := envelope.PEM(make([]byte, 32)); !errors.Is(err, envelope.ErrMalformed) {
		t.Errorf("got %v, want ErrMalformed", err)
	}
}

// Whatever a token is, it is read as written or refused, and never opens by chance.
func FuzzToken(f *testing.F) {
	o, k := mustOpener(f), mustKeys(f, keyID, true)
	for _, e := range []envelope.Envelope{fixed(f, nil, false), fixed(f, context, true)} {
		f.Add(e.AppendToken(nil))
	}
	f.Add([]byte("qs1."))
	original := fixed(f, context, true)
	whole := original.AppendToken(nil)
	f.Fuzz(func(t *testing.T, token []byte) {
		e, err := envelope.ParseToken(token)
		if err != nil {
			if !errors.Is(err, envelope.ErrMalformed) {
				t.Fatalf("got %v, want ErrMalformed", err)
			}
			return
		}
		if again := e.AppendToken(nil); !bytes.Equal(again, token) {
			t.Fatalf("%q is read as %q", token, again)
		}
		if _, err := o.Open(envelope.Request{Envelope: e, Keys: k, Allowed: true}); (err == nil) != bytes.Equal(token, whole) {
			t.Fatalf("opening: %v", err)
		}
	})
}

// Whatever JSON is, it is read as written or refused.
func FuzzEnvelope(f *testing.F) {
	for _, e := range []envelope.Envelope{fixed(f, nil, false), fixed(f, context, true)} {
		f.Add(e.AppendJSON(nil))
	}
	f.Add([]byte(`{"encrypted":{"context":{}},"version":"1.1"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var wire envelope.Wire
		if json.Unmarshal(text, &wire) != nil {
			return
		}
		e, err := wire.Envelope()
		if err != nil {
			if !errors.Is(err, envelope.ErrMalformed) {
				t.Fatalf("got %v, want ErrMalformed", err)
			}
			return
		}
		again, err := e.Wire().Envelope()
		if diff := cmp.Diff(e, again); diff != "" || err != nil {
			t.Fatalf("%v\n%s", err, diff)
		}
	})
}
