package http

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Every JSON value is captured byte for byte, wherever it stands.
func TestRawValuesAreKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value, err := json.Marshal(drawJSON(t, 4))
		if err != nil {
			t.Fatal(err)
		}
		var got sample
		if err := decodeStrict([]byte(`{"name":"x","values":`+string(value)+`}`), &got); err != nil {
			t.Fatalf("%s: %v", value, err)
		}
		if string(got.Values) != string(value) && string(value) != "null" {
			t.Fatalf("got %s, want %s", got.Values, value)
		}
	})
}

func drawJSON(t *rapid.T, depth int) any {
	kinds := 4
	if depth == 0 {
		kinds = 2
	}
	switch rapid.IntRange(0, kinds).Draw(t, "kind") {
	case 0:
		return nil
	case 1:
		return rapid.String().Draw(t, "text")
	case 2:
		return rapid.Float64Range(-1e300, 1e300).Draw(t, "number")
	case 3:
		list := make([]any, rapid.IntRange(0, 4).Draw(t, "length"))
		for i := range list {
			list[i] = drawJSON(t, depth-1)
		}
		return list
	default:
		object := map[string]any{}
		for range rapid.IntRange(0, 20).Draw(t, "members") {
			object[rapid.String().Draw(t, "key")] = drawJSON(t, depth-1)
		}
		return object
	}
}

// What is accepted means the same to encoding/json; what encoding/json finds
// malformed is never accepted.
func FuzzDecodeStrict(f *testing.F) {
	for _, seed := range []string{
		``, `null`, `{}`, `{"name":"a\u00e9\ud834\udd1e","values":{"k":[1,-2.5e3,true,null]},"tags":["x"]}`,
		`{"list":[{"key":"k"}],"ttl_days":90,"on":true,"secret":"päss"}`, "{\"name\":\"\xff\"}", `{"a":1,"a":2}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var got sample
		err := decodeStrict(body, &got)
		if err != nil {
			if refusalFor(err) == errInternal {
				t.Fatalf("a fault: %v", err)
			}
			return
		}
		if !utf8.Valid(body) {
			t.Fatal("accepted invalid UTF-8")
		}
		if strings.TrimSpace(string(body)) == "" {
			return
		}
		var want struct {
			sample
			Secret string `json:"secret"`
		}
		if err := json.Unmarshal(body, &want); err != nil {
			t.Fatalf("accepted what encoding/json refuses: %v", err)
		}
		if string(got.Secret) != want.Secret {
			t.Fatalf("got secret %q, want %q", got.Secret, want.Secret)
		}
		got.Secret, want.sample.Secret = nil, nil
		if string(want.Values) == "null" {
			want.Values = nil
		}
		if diff := cmp.Diff(want.sample, got); diff != "" {
			t.Fatalf("(-encoding/json +got):\n%s", diff)
		}
	})
}

func BenchmarkDecodeStrict(b *testing.B) {
	type seal struct {
		Name   string          `json:"name"`
		Type   string          `json:"credential_type"`
		Values json.RawMessage `json:"values"`
		Days   *int            `json:"ttl_days"`
	}
	body := []byte(`{"name":"stripe-production-key","credential_type":"api_key","values":{"key":"` +
		strings.Repeat("x", 400) + `"},"ttl_days":90}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		var dst seal
		if err := decodeStrict(body, &dst); err != nil {
			b.Fatal(err)
		}
	}
}
