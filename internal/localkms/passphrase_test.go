package localkms_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/quantaseal/quantaseal/internal/localkms"
)

func TestThePassphraseProtects(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kms")
	right := localkms.Cheap(localkms.Options{Passphrase: []byte("right")})
	k := mustOpen(t, dir, right)
	if k.Development() {
		t.Error("a protected key calls itself a development key")
	}
	for name, wrong := range map[string][]byte{"wrong": []byte("Right"), "missing": nil} {
		if _, _, err := localkms.Open(t.Context(), dir, localkms.Options{Passphrase: wrong}); !errors.Is(err, localkms.ErrPassphrase) {
			t.Errorf("%s: got %v, want ErrPassphrase", name, err)
		}
	}
	if again := mustOpen(t, dir, localkms.Options{Passphrase: []byte("right")}); again.KeyRef() != k.KeyRef() {
		t.Error("another key under the same passphrase")
	}
	file, err := os.ReadFile(filepath.Join(dir, "kms.qsk"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range file {
		if i >= 44 && i < 56 {
			continue // the cost, tried below: a changed one may take hours
		}
		file[i] ^= 1
		if _, err := localkms.DecodeFile(file, right.Passphrase); err == nil {
			t.Errorf("byte %d: accepted", i)
		}
		file[i] ^= 1
	}
	for _, at := range []int{44, 48, 52} {
		for _, n := range []byte{0, 255} {
			costly := bytes.Clone(file)
			copy(costly[at:], []byte{n, n, n, n})
			if _, err := localkms.DecodeFile(costly, right.Passphrase); !errors.Is(err, localkms.ErrDamaged) {
				t.Errorf("cost at %d of %d: got %v, want ErrDamaged", at, n, err)
			}
		}
	}
}

func TestChangingThePassphraseKeepsTheKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kms")
	k, ctx := mustOpen(t, dir, localkms.Options{}), t.Context()
	one, two := localkms.Cheap(localkms.Options{Passphrase: []byte("one")}), localkms.Cheap(localkms.Options{Passphrase: []byte("two")})
	if _, _, err := localkms.Open(ctx, dir, one); !errors.Is(err, localkms.ErrPassphrase) {
		t.Errorf("a passphrase for an unprotected file: got %v, want ErrPassphrase", err)
	}
	for _, step := range []struct{ from, to localkms.Options }{{localkms.Options{}, one}, {one, two}, {two, localkms.Options{}}} {
		if err := localkms.ChangePassphraseTo(ctx, dir, step.from, step.to); err != nil {
			t.Fatal(err)
		}
		again := mustOpen(t, dir, step.to)
		if again.KeyRef() != k.KeyRef() || again.Development() != (len(step.to.Passphrase) == 0) {
			t.Errorf("got key %x, development %t", again.KeyRef(), again.Development())
		}
		only(t, dir, "kms.qsk")
	}
	if err := localkms.ChangePassphrase(ctx, dir, []byte("one"), nil); !errors.Is(err, localkms.ErrPassphrase) {
		t.Errorf("the wrong passphrase: got %v, want ErrPassphrase", err)
	}
	if err := localkms.ChangePassphrase(ctx, t.TempDir(), nil, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no key: got %v, want fs.ErrNotExist", err)
	}
}
