package localkms_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/quantaseal/quantaseal/internal/localkms"
)

// openDir, set in a child's environment, makes this test binary open a directory
// and print which key it got, as another node would.
const openDir = "LOCALKMS_TEST_OPEN"

func TestMain(m *testing.M) {
	if dir := os.Getenv(openDir); dir != "" {
		os.Exit(openInChild(dir))
	}
	os.Exit(m.Run())
}

func openInChild(dir string) int {
	k, created, err := localkms.Open(context.Background(), dir, localkms.Options{})
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ref := k.KeyRef()
	_, _ = fmt.Fprintf(os.Stdout, "%s %t", hex.EncodeToString(ref[:]), created)
	return 0
}

// Nodes that start at once on an empty directory all get one key, which exactly
// one of them made.
func TestOneNodeCreatesTheKey(t *testing.T) {
	for range 5 {
		dir := filepath.Join(t.TempDir(), "data", "kms")
		type outcome struct {
			ref     string
			created bool
			err     error
		}
		outcomes := make(chan outcome, 20)
		var all sync.WaitGroup
		start := make(chan struct{})
		for range 8 {
			all.Go(func() {
				<-start
				k, created, err := localkms.Open(t.Context(), dir, localkms.Options{})
				o := outcome{created: created, err: err}
				if err == nil {
					ref := k.KeyRef()
					o.ref = hex.EncodeToString(ref[:])
				}
				outcomes <- o
			})
		}
		for range 4 {
			all.Go(func() {
				<-start
				child := exec.CommandContext(t.Context(), os.Args[0])
				child.Env = append(os.Environ(), openDir+"="+dir)
				out, err := child.Output()
				o := outcome{err: err}
				if err == nil {
					_, o.err = fmt.Sscanf(string(out), "%s %t", &o.ref, &o.created)
				}
				outcomes <- o
			})
		}
		close(start)
		all.Wait()
		close(outcomes)
		refs, created := map[string]int{}, 0
		for o := range outcomes {
			if o.err != nil {
				t.Fatal(o.err)
			}
			refs[o.ref]++
			if o.created {
				created++
			}
		}
		if len(refs) != 1 || created != 1 {
			t.Fatalf("got %d keys, %d created, want 1 and 1", len(refs), created)
		}
		only(t, dir, "kms.qsk")
	}
}

// only requires dir to hold one file, private as it must be.
func only(t *testing.T, dir, name string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != name {
			t.Errorf("found %s beside %s", e.Name(), name)
		}
	}
	for path, want := range map[string]fs.FileMode{dir: 0o700 | fs.ModeDir, filepath.Join(dir, name): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: got %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
}

func TestReopeningGivesTheSameKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kms")
	k, created, err := localkms.Open(t.Context(), dir, localkms.Options{})
	if err != nil || !created || !k.Development() {
		t.Fatalf("got created %t, development %t, %v", created, k.Development(), err)
	}
	// What a node that died while creating leaves behind is a copy of a key.
	if err := os.WriteFile(filepath.Join(dir, ".kms.qsk.0123"), []byte("leftover"), 0o600); err != nil {
		t.Fatal(err)
	}
	again, created, err := localkms.Open(t.Context(), dir, localkms.Options{})
	if err != nil || created || again.KeyRef() != k.KeyRef() {
		t.Fatalf("got created %t, key %x, %v, want %x", created, again.KeyRef(), err, k.KeyRef())
	}
	only(t, dir, "kms.qsk")
	if other := mustOpen(t, filepath.Join(t.TempDir(), "kms"), localkms.Options{}); other.KeyRef() == k.KeyRef() {
		t.Error("two deployments have one key")
	}
}

func TestOpenRefusesWhatOthersCouldTouch(t *testing.T) {
	chmod := func(name string, mode fs.FileMode) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			t.Helper()
			if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, spoil := range map[string]func(*testing.T, string){
		"file readable by group":  chmod("kms.qsk", 0o640),
		"file readable by others": chmod("kms.qsk", 0o604),
		"file writable by group":  chmod("kms.qsk", 0o620),
		"file executable":         chmod("kms.qsk", 0o601),
		"directory for group":     chmod(".", 0o770),
		"directory for others":    chmod(".", 0o702),
		"file is a link": func(t *testing.T, dir string) {
			t.Helper()
			file, real := filepath.Join(dir, "kms.qsk"), filepath.Join(dir, "real.qsk")
			if err := errors.Join(os.Rename(file, real), os.Symlink(real, file)); err != nil {
				t.Fatal(err)
			}
		},
		"file is a directory": func(t *testing.T, dir string) {
			t.Helper()
			file := filepath.Join(dir, "kms.qsk")
			if err := errors.Join(os.Remove(file), os.Mkdir(file, 0o700)); err != nil {
				t.Fatal(err)
			}
		},
		"directory is a link": func(t *testing.T, dir string) {
			t.Helper()
			if err := errors.Join(os.Rename(dir, dir+".real"), os.Symlink(dir+".real", dir)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "kms")
			mustOpen(t, dir, localkms.Options{})
			spoil(t, dir)
			if _, _, err := localkms.Open(t.Context(), dir, localkms.Options{}); !errors.Is(err, localkms.ErrUnsafe) {
				t.Errorf("got %v, want ErrUnsafe", err)
			}
		})
	}
}

func TestOpenRefusesAnotherOwner(t *testing.T) {
	dir := t.TempDir()
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := localkms.Safe(info, 0, os.Geteuid()); err != nil {
		t.Errorf("our own: %v", err)
	}
	if err := localkms.Safe(info, 0, os.Geteuid()+1); !errors.Is(err, localkms.ErrUnsafe) {
		t.Errorf("another's: got %v, want ErrUnsafe", err)
	}
}

func TestOpenRefusesADamagedFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kms")
	mustOpen(t, dir, localkms.Options{})
	path := filepath.Join(dir, "kms.qsk")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"empty": {}, "cut": whole[:len(whole)-1], "longer": append(bytes.Clone(whole), 0),
		"other magic": append([]byte("QSLK"), whole[4:]...),
	} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, created, err := localkms.Open(t.Context(), dir, localkms.Options{}); !errors.Is(err, localkms.ErrDamaged) || created {
			t.Errorf("%s: got created %t, %v, want ErrDamaged", name, created, err)
		}
	}
	for i := range whole {
		for bit := range 8 {
			whole[i] ^= 1 << bit
			if _, err := localkms.DecodeFile(whole, nil); !errors.Is(err, localkms.ErrDamaged) {
				t.Fatalf("byte %d bit %d: got %v, want ErrDamaged", i, bit, err)
			}
			whole[i] ^= 1 << bit
		}
	}
}

func FuzzDecodeFile(f *testing.F) {
	plain, err := localkms.EncodeFile([32]byte(fill(32, 7)), localkms.Options{}, [28]byte{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain)
	f.Add([]byte("QSKM"))
	f.Fuzz(func(t *testing.T, b []byte) {
		master, err := localkms.DecodeFile(b, nil)
		if err != nil {
			if !errors.Is(err, localkms.ErrDamaged) && !errors.Is(err, localkms.ErrPassphrase) {
				t.Fatalf("got %v", err)
			}
			return
		}
		if again, err := localkms.EncodeFile(master, localkms.Options{}, [28]byte{}); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("accepted what would not have been written: %x, %v", b, err)
		}
	})
}

func FuzzDecrypt(f *testing.F) {
	k, kctx := fixed(f), map[string]string{"app": "quantaseal"}
	blob, err := k.EncryptWith(kctx, []byte("key"), [44]byte{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(blob)
	f.Add(blob[:53])
	f.Fuzz(func(t *testing.T, in []byte) {
		_, err := k.Decrypt(t.Context(), kctx, in)
		if (err == nil) != bytes.Equal(in, blob) || err != nil && !errors.Is(err, localkms.ErrCiphertext) {
			t.Fatalf("got %v", err)
		}
	})
}
