package sealedstore_test

import (
	"bytes"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/sealedstore"
)

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
			keys.Write = handle(t, "sqlite", "file:"+filepath.Join(f.dir, "keys.db")+pragmas)
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
		f.Keys.Write.SetMaxOpenConns(2)
		if _, err := f.Open(t.Context()); err == nil {
			t.Error("opened")
		}
	})
}
