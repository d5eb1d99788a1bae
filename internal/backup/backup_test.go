package backup_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/internal/backup"
)

type row struct {
	Kind   byte
	Fields [][]byte
}

func write(t testing.TB, dir string, key []byte, rows []row) backup.Part {
	t.Helper()
	w, err := backup.Create(dir, backup.Events, key)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := w.Row(r.Kind, r.Fields...); err != nil {
			t.Fatal(err)
		}
	}
	part, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return part
}

func read(dir string, part backup.Part, key []byte) (rows []row, err error) {
	r, err := backup.Open(dir, backup.Events, part, key)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	for {
		kind, fields, err := r.Next()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		rows = append(rows, row{kind, fields})
	}
}

// What was written is read again, nothing of it in the clear.
func TestPartsComeBack(t *testing.T) {
	key := bytes.Repeat([]byte{7}, 32)
	rapid.Check(t, func(rt *rapid.T) {
		field := rapid.OneOf(rapid.SliceOfN(rapid.Byte(), 0, 200), rapid.Just([]byte(nil)))
		rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) row {
			return row{rapid.ByteRange(1, 255).Draw(t, "kind"), rapid.SliceOfN(field, 0, 6).Draw(t, "fields")}
		}), 0, 40).Draw(rt, "rows")
		dir := t.TempDir()
		part := write(t, dir, key, rows)
		got, err := read(dir, part, key)
		if err != nil || part.Rows != uint64(len(rows)) {
			rt.Fatalf("%d rows, %v", part.Rows, err)
		}
		if diff := cmp.Diff(rows, got, cmp.Comparer(func(a, b row) bool {
			return a.Kind == b.Kind && cmp.Equal(a.Fields, b.Fields, cmp.Comparer(func(x, y []byte) bool { return bytes.Equal(x, y) && (x == nil) == (y == nil) })) ||
				a.Kind == b.Kind && len(a.Fields)+len(b.Fields) == 0
		})); len(rows) > 0 && diff != "" {
			rt.Fatal(diff)
		}
	})
}

// A part that was changed, cut, or is another's is refused, whether or not the
// manifest was made to match it.
func TestDamagedPartsAreRefused(t *testing.T) {
	key, dir := bytes.Repeat([]byte{7}, 32), t.TempDir()
	mark := []byte("a mark that must not be on the disk")
	var rows []row
	for range 5000 {
		rows = append(rows, row{1, [][]byte{mark, nil}})
	}
	part := write(t, dir, key, rows)
	path := backup.Path(dir, backup.Events)
	whole, err := os.ReadFile(path)
	if err != nil || bytes.Contains(whole, mark) {
		t.Fatalf("the mark is on the disk, or %v", err)
	}
	matching := func(data []byte) backup.Part {
		other := t.TempDir()
		if err := os.WriteFile(backup.Path(other, backup.Events), data, 0o600); err != nil {
			t.Fatal(err)
		}
		return part
	}
	for name, data := range map[string][]byte{
		"a bit":            flip(whole, len(whole)/2),
		"first bytes":      flip(whole, 3),
		"cut":              whole[:len(whole)/2],
		"cut at a package": whole[:(1<<16)+32],
		"longer":           append(bytes.Clone(whole), whole...),
		"empty":            {},
	} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := read(dir, matching(data), key); !errors.Is(err, backup.ErrDamaged) {
			t.Errorf("%s: %d rows, %v", name, len(got), err)
		}
		forged := part
		forged.Bytes, forged.SHA3 = int64(len(data)), sum(data)
		if got, err := read(dir, forged, key); err == nil {
			t.Errorf("%s, and named so by the manifest: %d rows", name, len(got))
		}
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := read(dir, part, bytes.Repeat([]byte{8}, 32)); err == nil {
		t.Errorf("under another key: %d rows", len(got))
	}
}

// Keys go first, whole backups later, and the newest stays.
func TestPruneKeepsTheKeysBriefly(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	for name, age := range map[string]time.Duration{"new": 30 * 24 * time.Hour, "old": 31 * 24 * time.Hour, "ancient": 400 * 24 * time.Hour} {
		path := filepath.Join(dir, name)
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		m := backup.Manifest{ID: name, CreatedAt: now.Add(-age), LogID: make([]byte, 32), Heads: make([]byte, 32)}
		if _, err := backup.WriteManifest(path, m); err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{backup.Events, backup.Keys} {
			if err := os.WriteFile(backup.Path(path, part), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := backup.Prune(dir, now, 365*24*time.Hour, 7*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		backup.Path(filepath.Join(dir, "new"), backup.Keys): true, backup.Path(filepath.Join(dir, "old"), backup.Keys): false,
		backup.Path(filepath.Join(dir, "old"), backup.Events): true, filepath.Join(dir, "ancient"): false,
	} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", path, err == nil, want)
		}
	}
}
