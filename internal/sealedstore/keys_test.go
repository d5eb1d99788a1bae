package sealedstore_test

import (
	"bytes"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/internal/sealedstore"
)

func wrapped(n byte, epoch uint32, size int) sealedstore.WrappedKey {
	return sealedstore.WrappedKey{Tenant: [16]byte{n}, Purpose: "audit", Subject: [16]byte{15: n}, Epoch: epoch, Blob: random(size)}
}

func load(s *sealedstore.Store, t *testing.T, k sealedstore.WrappedKey) ([]byte, error) {
	t.Helper()
	return s.LoadKey(t.Context(), k.Tenant, k.Purpose, k.Subject, k.Epoch)
}

func TestKeysOfAllSizesComeBack(t *testing.T) {
	engines(t, func(t *testing.T, f *files) {
		for _, size := range []int{0, 1, 253, 254, 255, 510, 511, 4165, sealedstore.MaxWrapped} {
			k := wrapped(1, uint32(size), size)
			if err := f.StoreKeys(t.Context(), []sealedstore.WrappedKey{k}); err != nil {
				t.Fatalf("%d bytes: %v", size, err)
			}
			if got, err := load(f.Store, t, k); err != nil || !bytes.Equal(got, k.Blob) {
				t.Errorf("%d bytes: other bytes came back, %v", size, err)
			}
		}
		long := wrapped(2, 1, sealedstore.MaxWrapped+1)
		if err := f.StoreKeys(t.Context(), []sealedstore.WrappedKey{wrapped(3, 1, 9), long}); err == nil {
			t.Error("a key beyond the limit was stored")
		}
		if _, err := load(f.Store, t, wrapped(3, 1, 9)); !errors.Is(err, sealedstore.ErrNoKey) {
			t.Errorf("the key beside one beyond the limit: got %v, want ErrNoKey", err)
		}
	})
}

func TestStoreKeysIsAllOrNone(t *testing.T) {
	engines(t, func(t *testing.T, f *files) {
		first, second := wrapped(1, 1, 32), wrapped(1, 2, 32)
		if err := f.StoreKeys(t.Context(), []sealedstore.WrappedKey{second}); err != nil {
			t.Fatal(err)
		}
		other := second
		other.Blob = random(32)
		if err := f.StoreKeys(t.Context(), []sealedstore.WrappedKey{first, other}); !errors.Is(err, sealedstore.ErrKeyExists) {
			t.Errorf("got %v, want ErrKeyExists", err)
		}
		if _, err := load(f.Store, t, first); !errors.Is(err, sealedstore.ErrNoKey) {
			t.Errorf("half of the keys were stored: %v", err)
		}
		if got, err := load(f.Store, t, second); err != nil || !bytes.Equal(got, second.Blob) {
			t.Errorf("the first key was replaced: %v", err)
		}
	})
}

func TestDestroyedKeyCanBeStoredAgain(t *testing.T) {
	engines(t, func(t *testing.T, f *files) {
		k := wrapped(1, 1, 300)
		for range 2 {
			if err := f.StoreKeys(t.Context(), []sealedstore.WrappedKey{k, wrapped(2, 1, 300)}); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second finds nothing
				if err := f.DestroyKey(t.Context(), k.Tenant, k.Purpose, k.Subject, k.Epoch); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := load(f.Store, t, k); !errors.Is(err, sealedstore.ErrNoKey) {
				t.Errorf("got %v, want ErrNoKey", err)
			}
			if _, err := load(f.Store, t, wrapped(2, 1, 300)); err != nil {
				t.Errorf("another tenant's key: %v", err)
			}
			if err := f.DestroyKey(t.Context(), [16]byte{2}, "audit", [16]byte{15: 2}, 1); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestOneOfTwoFirstStartsLoses runs the race of two nodes that create the same
// keys: one set is kept whole, and everybody else learns of it.
func TestOneOfTwoFirstStartsLoses(t *testing.T) {
	engines(t, func(t *testing.T, f *files) { raceFirstStarts(t, f.Store) })
}

func raceFirstStarts(t *testing.T, s *sealedstore.Store) {
	t.Helper()
	var won atomic.Int32
	var winner []sealedstore.WrappedKey
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			keys := []sealedstore.WrappedKey{wrapped(1, 1, 64), wrapped(2, 1, 64), wrapped(3, 1, 64)}
			if i%2 == 1 {
				keys[0], keys[2] = keys[2], keys[0]
			}
			switch err := s.StoreKeys(t.Context(), keys); {
			case err == nil:
				won.Add(1)
				winner = keys
			case !errors.Is(err, sealedstore.ErrKeyExists):
				t.Errorf("a loser got %v, want ErrKeyExists", err)
			}
		})
	}
	group.Wait()
	if won.Load() != 1 {
		t.Fatalf("%d first starts won, want 1", won.Load())
	}
	for _, k := range winner {
		if got, err := load(s, t, k); err != nil || !bytes.Equal(got, k.Blob) {
			t.Errorf("the winner's key is not the one that is kept: %v", err)
		}
	}
}

func TestDeploymentIsStoredOnce(t *testing.T) {
	engines(t, func(t *testing.T, f *files) {
		if _, err := f.LoadDeployment(t.Context()); !errors.Is(err, sealedstore.ErrNoDeployment) {
			t.Fatalf("got %v, want ErrNoDeployment", err)
		}
		d := sealedstore.Deployment{
			Origin: "quantaseal.example/log", RootPublicKey: random(1952), CreatedUS: 1_800_000_000_000_000,
			Nonce: [32]byte(random(32)), LogID: [32]byte(random(32)),
		}
		if err := f.StoreDeployment(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		other := d
		other.Origin = "elsewhere"
		if err := f.StoreDeployment(t.Context(), other); !errors.Is(err, sealedstore.ErrDeploymentExists) {
			t.Errorf("got %v, want ErrDeploymentExists", err)
		}
		got, err := f.LoadDeployment(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(d, got); diff != "" {
			t.Error(diff)
		}
	})
}
