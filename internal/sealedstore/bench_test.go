package sealedstore_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/quantaseal/quantaseal/domain"
)

// BenchmarkPut is what sealing costs this store with 64 callers.
func BenchmarkPut(b *testing.B) {
	f := newFiles(b)
	each(b, func(int) error { return f.Put(b.Context(), tenant(1), credential(1), newSealed()) })
}

// BenchmarkGet is what unsealing costs it.
func BenchmarkGet(b *testing.B) {
	f := newFiles(b)
	hashes := make([]domain.Digest, 1000)
	for i := range hashes {
		s := newSealed()
		hashes[i] = s.Hash
		if err := f.Put(b.Context(), tenant(1), credential(1), s); err != nil {
			b.Fatal(err)
		}
	}
	each(b, func(i int) error {
		_, err := f.Get(b.Context(), tenant(1), hashes[i%len(hashes)])
		return err
	})
}

// BenchmarkDestroy is what deleting or rotating costs it.
func BenchmarkDestroy(b *testing.B) {
	f := newFiles(b)
	hashes := make([]domain.Digest, b.N)
	for i := range hashes {
		s := newSealed()
		hashes[i] = s.Hash
		if err := f.Put(b.Context(), tenant(1), credential(1), s); err != nil {
			b.Fatal(err)
		}
	}
	each(b, func(i int) error { return f.Destroy(b.Context(), tenant(1), hashes[i]) })
}

// each runs b.N calls from 64 goroutines.
func each(b *testing.B, call func(i int) error) {
	b.Helper()
	b.ResetTimer()
	var next atomic.Int64
	var group sync.WaitGroup
	for range 64 {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < b.N; i = int(next.Add(1)) - 1 {
				if err := call(i); err != nil {
					b.Error(err)
				}
			}
		})
	}
	group.Wait()
}
