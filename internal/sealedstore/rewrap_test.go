package sealedstore_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/quantaseal/quantaseal/internal/sealedstore"
)

func TestKeysAreReplacedIfTheyAreWhatTheyWere(t *testing.T) {
	engines(t, func(t *testing.T, f *files) {
		ctx := t.Context()
		keys := []sealedstore.WrappedKey{wrapped(1, 1, 100), wrapped(2, 1, 100), wrapped(3, 1, 100), wrapped(4, 1, 100)}
		other := wrapped(5, 1, 100)
		other.Purpose = "other"
		if err := f.StoreKeys(ctx, append(keys, other)); err != nil {
			t.Fatal(err)
		}
		var found []sealedstore.WrappedKey
		for after := int64(0); ; {
			page, last, err := f.KeysOf(ctx, "audit", after, 3)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			if len(page) > 3 || last <= after {
				t.Fatalf("a page of %d up to %d, after %d", len(page), last, after)
			}
			found, after = append(found, page...), last
		}
		if len(found) != len(keys) {
			t.Fatalf("found %d keys, want %d", len(found), len(keys))
		}
		var replacements []sealedstore.Replacement
		for _, k := range found {
			stored := keys[k.Tenant[0]-1]
			if k.Subject != stored.Subject || k.Epoch != stored.Epoch || !bytes.Equal(k.Blob, stored.Blob) {
				t.Errorf("found %+v, stored %+v", k, stored)
			}
			replacements = append(replacements, sealedstore.Replacement{Old: k, Blob: random(300)}) // which takes a longer row
		}
		// One was destroyed meanwhile, and one is another by now.
		gone, changed := replacements[0].Old, &replacements[1].Old
		if err := f.DestroyKey(ctx, gone.Tenant, gone.Purpose, gone.Subject, gone.Epoch); err != nil {
			t.Fatal(err)
		}
		changed.Blob = random(100)
		if n, err := f.ReplaceKeys(ctx, replacements); err != nil || n != 2 {
			t.Errorf("replaced %d, %v, want 2", n, err)
		}
		if _, err := load(f.Store, t, gone); !errors.Is(err, sealedstore.ErrNoKey) {
			t.Errorf("a destroyed key came back: %v", err)
		}
		for i, r := range replacements[1:] {
			want := r.Blob
			if i == 0 {
				want = keys[r.Old.Tenant[0]-1].Blob
			}
			if got, err := load(f.Store, t, r.Old); err != nil || !bytes.Equal(got, want) {
				t.Errorf("key %d: other bytes, %v", i, err)
			}
		}
		if got, err := load(f.Store, t, other); err != nil || !bytes.Equal(got, other.Blob) {
			t.Errorf("a key of another purpose changed, %v", err)
		}
		if _, err := f.ReplaceKeys(ctx, []sealedstore.Replacement{{Old: other, Blob: random(sealedstore.MaxWrapped + 1)}}); err == nil {
			t.Error("a key beyond the limit was stored")
		}
	})
}
