package domain_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
)

// Every fact can say where its request came from, in a payload that is canonical
// still and is read as the same fact.
func TestFactsSayWhereTheirRequestCameFrom(t *testing.T) {
	for _, e := range facts {
		plain, err := domain.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range []string{domain.InRange, domain.OutOfRange, domain.NoneDeclared} {
			stored, err := domain.EncodeFrom(e, declared)
			if err != nil {
				t.Fatal(err)
			}
			if err := canonical(stored.Payload); err != nil {
				t.Errorf("%s: %v: %s", stored.Type.Name, err, stored.Payload)
			}
			var says struct {
				Declared string `json:"in_declared_range"`
			}
			if err := json.Unmarshal(stored.Payload, &says); err != nil {
				t.Fatal(err)
			}
			var own struct {
				Declared *string `json:"in_declared_range"`
			}
			if err := json.Unmarshal(plain.Payload, &own); err != nil {
				t.Fatal(err)
			}
			if own.Declared != nil {
				declared = *own.Declared // its own field counts
			}
			if says.Declared != declared || bytes.Count(stored.Payload, []byte("in_declared_range")) != 1 {
				t.Errorf("%s says %s, want %s", stored.Type.Name, stored.Payload, declared)
			}
			read, err := domain.Decode(stored)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := domain.Encode(read); err != nil || !bytes.Equal(again.Payload, plain.Payload) {
				t.Errorf("%s is read as %s, %v", stored.Payload, again.Payload, err)
			}
		}
	}
}

// Whatever an object holds, the member stands in it once and in its place.
func TestDeclaredFindsItsPlace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := rapid.MapOf(rapid.StringMatching(`[a-z_]{1,20}`), rapid.OneOf(
			rapid.Just[any](nil), rapid.Just[any](1.0), rapid.Custom(func(t *rapid.T) any { return rapid.String().Draw(t, "text") }),
			rapid.Just[any]([]any{"a,}", map[string]any{"in_declared_range": `"\`, "z": []any{}}}),
		)).Draw(t, "members")
		before, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		members["in_declared_range"] = any("no")
		want, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		if got := domain.WithDeclared(before, "no"); !bytes.Equal(got, want) {
			t.Errorf("%s becomes %s, want %s", before, got, want)
		}
	})
}
