package sealedstore_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite"
	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/sealedstore"
	"github.com/quantaseal/quantaseal/migrations"
)

// durable is how the product opens both databases for writing.
const durable = "?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=secure_delete(ON)&_pragma=busy_timeout(100)"

// files is a store in two SQLite files, and the clock it reads.
type files struct {
	*sealedstore.Store
	dir string
	now time.Time
}

func newFiles(t testing.TB) *files {
	t.Helper()
	f := &files{dir: t.TempDir(), now: time.Unix(1_800_000_000, 0)}
	f.Store = &sealedstore.Store{
		Records: f.database(t, "records"), Keys: f.database(t, "keys"), Embedded: true,
		Now: func() time.Time { return f.now },
	}
	f.open(t)
	return f
}

func (f *files) open(t testing.TB) {
	t.Helper()
	if _, err := f.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
}

func (f *files) database(t testing.TB, name string) sealedstore.Database {
	t.Helper()
	path := "file:" + filepath.Join(f.dir, name+".db")
	d := sealedstore.Database{Write: handle(t, path+durable), Read: handle(t, path+"?_pragma=busy_timeout(100)")}
	d.Write.SetMaxOpenConns(1)
	d.Read.SetMaxOpenConns(4)
	d.Read.SetMaxIdleConns(4)
	if err := migrations.Up(t.Context(), d.Write, migrations.SQLite, migrations.Set(name)); err != nil {
		t.Fatal(err)
	}
	return d
}

func handle(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// disk returns every byte that the database of keys occupies.
func (f *files) disk(t *testing.T) []byte {
	t.Helper()
	var all []byte
	for _, name := range []string{"keys.db", "keys.db-wal"} {
		b, err := os.ReadFile(filepath.Join(f.dir, name))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	return all
}

var _ commands.Records = (*sealedstore.Store)(nil)

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

func newSealed() domain.SealedRecord {
	return domain.SealedRecord{
		Record: random(5900), Slot: random(165),
		Hash: domain.Digest(random(32)), KEMKeyID: domain.Digest(random(32)),
	}
}

func tenant(n byte) domain.TenantID { return domain.TenantID{ID: domain.ID{15: n}} }

func credential(n byte) domain.CredentialID { return domain.CredentialID{ID: domain.ID{0: n}} }

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
	f := newFiles(t)
	const writers, each = 32, 20
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			for i := range each {
				s := newSealed()
				if err := f.Put(t.Context(), tenant(1), credential(1), s); err != nil {
					t.Error(err)
				}
				if i%2 == 1 {
					continue
				}
				if err := f.Destroy(t.Context(), tenant(1), s.Hash); err != nil {
					t.Error(err)
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
	f := newFiles(t)
	s := newSealed()
	s.Slot = random(sealedstore.MaxSlot + 1)
	if err := f.Put(t.Context(), tenant(1), credential(1), s); err == nil {
		t.Error("a slot longer than its row was kept")
	}
	s.Slot = s.Slot[1:]
	if err := f.Put(t.Context(), tenant(1), credential(1), s); err != nil {
		t.Errorf("the longest slot: %v", err)
	}
}

// TestDestroyedKeysAreGoneFromTheFiles reads the files of the keys: whoever
// steals them after a deletion must find nothing to open a stolen record with.
func TestDestroyedKeysAreGoneFromTheFiles(t *testing.T) {
	f := newFiles(t)
	mark := random(16)
	var hashes []domain.Digest
	for i := range 600 {
		s := newSealed()
		if i%3 != 0 {
			s.Slot = append(bytes.Clone(mark), s.Slot[16:]...)
			hashes = append(hashes, s.Hash)
		}
		if err := f.Put(t.Context(), tenant(1), credential(1), s); err != nil {
			t.Fatal(err)
		}
	}
	key := sealedstore.WrappedKey{Tenant: [16]byte{1}, Purpose: "subject", Subject: [16]byte{2}, Epoch: 1, Blob: bytes.Clone(mark)}
	if err := f.StoreKeys(t.Context(), []sealedstore.WrappedKey{key}); err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(f.disk(t), mark); n < len(hashes)+1 {
		t.Fatalf("%d marks on disk before the deletion, want at least %d", n, len(hashes)+1)
	}
	for len(hashes) > 0 {
		n := min(7, len(hashes))
		if err := f.Destroy(t.Context(), tenant(1), hashes[:n]...); err != nil {
			t.Fatal(err)
		}
		hashes = hashes[n:]
	}
	if err := f.DestroyKey(t.Context(), key.Tenant, key.Purpose, key.Subject, key.Epoch); err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(f.disk(t), mark); n != 0 {
		t.Errorf("%d destroyed keys are still readable", n)
	}
	if got := f.Shredded(); got != 401 {
		t.Errorf("%d keys count as destroyed, want 401", got)
	}
	if err := f.Vacuum(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := f.Shredded(); got != 0 {
		t.Errorf("%d keys count as destroyed after Vacuum, want 0", got)
	}
}

// TestDestroyFailsWhileAReaderHoldsTheLog holds the answer back for as long as
// the bytes can still be read.
func TestDestroyFailsWhileAReaderHoldsTheLog(t *testing.T) {
	f := newFiles(t)
	s := newSealed()
	if err := f.Put(t.Context(), tenant(1), credential(1), s); err != nil {
		t.Fatal(err)
	}
	reader, err := f.Keys.Read.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := reader.QueryRow(`SELECT count(*) FROM key_slots`).Scan(&n); err != nil || n != 1 {
		t.Fatalf("%d slots, %v", n, err)
	}
	if err := f.Destroy(t.Context(), tenant(1), s.Hash); err == nil {
		t.Error("a destruction succeeded while its bytes were readable")
	}
	if err := reader.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := f.Destroy(t.Context(), tenant(1), s.Hash); err != nil {
		t.Errorf("the same destruction without a reader: %v", err)
	}
	if bytes.Contains(f.disk(t), s.Slot) {
		t.Error("the destroyed slot is still readable")
	}
}

func TestPendingGoesFromOldToNew(t *testing.T) {
	f := newFiles(t)
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
}

// TestVacuumDestroysSlotsWithoutRecord does what a crash within Put leaves to do.
func TestVacuumDestroysSlotsWithoutRecord(t *testing.T) {
	f := newFiles(t)
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
}

// TestOpenRefusesForgetfulHandles stops a start that would lose or keep what it
// must not.
func TestOpenRefusesForgetfulHandles(t *testing.T) {
	for name, pragmas := range map[string]string{
		"synchronous NORMAL":  "?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=secure_delete(ON)",
		"secure_delete FAST":  "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=secure_delete(FAST)",
		"secure_delete OFF":   "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=secure_delete(OFF)",
		"journal_mode DELETE": "?_pragma=journal_mode(DELETE)&_pragma=synchronous(FULL)&_pragma=secure_delete(ON)",
	} {
		t.Run(name, func(t *testing.T) {
			f := &files{dir: t.TempDir()}
			keys := f.database(t, "keys")
			keys.Write = handle(t, "file:"+filepath.Join(f.dir, "keys.db")+pragmas)
			keys.Write.SetMaxOpenConns(1)
			f.Store = &sealedstore.Store{Records: f.database(t, "records"), Keys: keys, Embedded: true}
			if _, err := f.Open(t.Context()); err == nil {
				t.Error("opened")
			}
		})
	}
	t.Run("two connections", func(t *testing.T) {
		f := &files{dir: t.TempDir()}
		f.Store = &sealedstore.Store{Records: f.database(t, "records"), Keys: f.database(t, "keys"), Embedded: true}
		f.Store.Keys.Write.SetMaxOpenConns(2)
		if _, err := f.Open(t.Context()); err == nil {
			t.Error("opened")
		}
	})
}
