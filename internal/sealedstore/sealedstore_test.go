package sealedstore_test

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/sealedstore"
)

// TestStoreIsAMap compares the store with a map under random histories.
func TestStoreIsAMap(t *testing.T) {
	f := newFiles(t)
	rapid.Check(t, func(t *rapid.T) {
		ctx := context.Background()
		model := map[domain.TenantID]map[domain.Digest]domain.SealedRecord{tenant(1): {}, tenant(2): {}}
		known := []domain.SealedRecord{newSealed()}
		tenants := rapid.SampledFrom([]domain.TenantID{tenant(1), tenant(2)})
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				s := newSealed()
				s.Record = s.Record[:64]
				s.Slot = s.Slot[:rapid.IntRange(0, len(s.Slot)).Draw(t, "slot")]
				who := tenants.Draw(t, "tenant")
				for range rapid.IntRange(1, 2).Draw(t, "times") {
					if err := f.Put(ctx, who, credential(1), s); err != nil {
						t.Fatal(err)
					}
				}
				known, model[who][s.Hash] = append(known, s), s
			},
			"destroy": func(t *rapid.T) {
				who := tenants.Draw(t, "tenant")
				some := rapid.SliceOfN(rapid.SampledFrom(known), 0, 3).Draw(t, "which")
				hashes := make([]domain.Digest, len(some))
				for i, s := range some {
					hashes[i] = s.Hash
					delete(model[who], s.Hash)
				}
				if err := f.Destroy(ctx, who, hashes...); err != nil {
					t.Fatal(err)
				}
			},
			"": func(t *rapid.T) {
				s, who := rapid.SampledFrom(known).Draw(t, "record"), tenants.Draw(t, "reader")
				got, err := f.Get(ctx, who, s.Hash)
				if err != nil {
					t.Fatal(err)
				}
				want := model[who][s.Hash]
				if !bytes.Equal(got.Record, want.Record) || !bytes.Equal(got.Slot, want.Slot) ||
					got.Hash != want.Hash || got.KEMKeyID != want.KEMKeyID {
					t.Fatalf("got a record of %d and a slot of %d bytes, want %d and %d",
						len(got.Record), len(got.Slot), len(want.Record), len(want.Slot))
				}
			},
		})
	})
}

func TestConcurrentWritersAllSucceed(t *testing.T) {
	engines(t, func(t *testing.T, f *files) {
		const writers, each = 32, 20
		var group sync.WaitGroup
		for range writers {
			group.Go(func() {
				for i := range each {
					s := newSealed()
					if err := f.Put(t.Context(), tenant(1), credential(1), s); err != nil {
						t.Error(err)
					}
					if got, err := f.Get(t.Context(), tenant(1), s.Hash); err != nil || !bytes.Equal(got.Record, s.Record) || !bytes.Equal(got.Slot, s.Slot) {
						t.Errorf("another record or slot came back, %v", err)
					}
					if i%2 == 1 {
						continue
					}
					if err := f.Destroy(t.Context(), tenant(1), s.Hash); err != nil {
						t.Error(err)
					}
					if got, err := f.Get(t.Context(), tenant(1), s.Hash); err != nil || got.Record != nil || got.Slot != nil {
						t.Errorf("a destroyed record came back, %v", err)
					}
				}
			})
		}
		group.Wait()
		kept, err := f.Pending(t.Context(), f.now.Add(time.Second), 0, writers*each)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := len(kept), writers*each/2; got != want {
			t.Errorf("%d records are kept, want %d", got, want)
		}
	})
}

func TestRecordsSurviveReopening(t *testing.T) {
	f := newFiles(t)
	s := newSealed()
	if err := f.Put(t.Context(), tenant(1), credential(1), s); err != nil {
		t.Fatal(err)
	}
	again := &sealedstore.Store{Records: f.Records, Keys: f.Keys, Embedded: true, Now: f.Now}
	if _, err := again.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.Close() }()
	got, err := again.Get(t.Context(), tenant(1), s.Hash)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, got); diff != "" {
		t.Error(diff)
	}
}

func TestSlotTooLongIsRefused(t *testing.T) {
	engines(t, func(t *testing.T, f *files) {
		s := newSealed()
		s.Slot = random(sealedstore.MaxSlot + 1)
		if err := f.Put(t.Context(), tenant(1), credential(1), s); err == nil {
			t.Error("a slot longer than its row was kept")
		}
		s.Slot = s.Slot[1:]
		if err := f.Put(t.Context(), tenant(1), credential(1), s); err != nil {
			t.Errorf("the longest slot: %v", err)
		}
	})
}

func TestPendingGoesFromOldToNew(t *testing.T) {
	engines(t, func(t *testing.T, f *files) {
		var want []domain.Digest
		for i := range byte(10) {
			f.now = f.now.Add(time.Minute)
			s := newSealed()
			want = append(want, s.Hash)
			if err := f.Put(t.Context(), tenant(i), credential(i), s); err != nil {
				t.Fatal(err)
			}
		}
		var got []domain.Digest
		var after int64
		for {
			page, err := f.Pending(t.Context(), f.now.Add(-3*time.Minute), after, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range page {
				if n := byte(len(got)); k.Tenant != tenant(n) || k.Credential != credential(n) {
					t.Errorf("record %d is of %s, %s", n, k.Tenant, k.Credential)
				}
				got, after = append(got, k.RecordHash), k.Cursor
			}
			if len(page) < 2 {
				break
			}
		}
		if diff := cmp.Diff(want[:6], got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestVacuumDestroysSlotsWithoutRecord does what a crash within Put leaves to do.
func TestVacuumDestroysSlotsWithoutRecord(t *testing.T) {
	engines(t, func(t *testing.T, f *files) {
		whole, left, young := newSealed(), newSealed(), newSealed()
		for _, s := range []domain.SealedRecord{whole, left} {
			if err := f.Put(t.Context(), tenant(1), credential(1), s); err != nil {
				t.Fatal(err)
			}
		}
		f.now = f.now.Add(2 * time.Hour)
		if err := f.Put(t.Context(), tenant(1), credential(1), young); err != nil {
			t.Fatal(err)
		}
		for _, s := range []domain.SealedRecord{left, young} {
			if _, err := f.Records.Write.ExecContext(t.Context(), `DELETE FROM sealed_records WHERE record_hash = $1`, s.Hash[:]); err != nil {
				t.Fatal(err)
			}
		}
		slots := func() (n int) {
			if err := f.Keys.Read.QueryRowContext(t.Context(), `SELECT count(*) FROM key_slots`).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		for _, want := range []int{2, 2} { // the whole one and the young one
			if err := f.Vacuum(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := slots(); got != want {
				t.Errorf("%d slots after Vacuum, want %d", got, want)
			}
		}
		f.now = f.now.Add(2 * time.Hour)
		if err := f.Vacuum(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := slots(); got != 1 {
			t.Errorf("%d slots after the next Vacuum, want 1", got)
		}
		if bytes.Contains(f.disk(t), left.Slot) || bytes.Contains(f.disk(t), young.Slot) {
			t.Error("a slot without a record is still readable")
		}
	})
}

// TestFaultsReachTheCaller takes the database of keys away: nobody may believe
// that something was kept or destroyed.
func TestFaultsReachTheCaller(t *testing.T) {
	engines(t, func(t *testing.T, f *files) {
		s := newSealed()
		if err := f.Put(t.Context(), tenant(1), credential(1), s); err != nil {
			t.Fatal(err)
		}
		if err := f.Keys.Write.Close(); err != nil {
			t.Fatal(err)
		}
		if err := f.Put(t.Context(), tenant(1), credential(1), newSealed()); err == nil {
			t.Error("Put succeeded without its slot")
		}
		if err := f.Destroy(t.Context(), tenant(1), s.Hash); err == nil {
			t.Error("Destroy succeeded without destroying")
		}
		if err := f.DestroyKey(t.Context(), [16]byte{1}, "audit", [16]byte{}, 1); err == nil {
			t.Error("DestroyKey succeeded without destroying")
		}
		if err := f.Vacuum(t.Context()); err == nil {
			t.Error("Vacuum succeeded without doing anything")
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := f.Put(ctx, tenant(1), credential(1), newSealed()); err == nil {
			t.Error("Put succeeded for a caller who had left")
		}
	})
}
