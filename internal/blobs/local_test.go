package blobs_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quantaseal/quantaseal/internal/blobs"
)

// sign is a MAC under a key that each tenant has of its own.
func sign(_ context.Context, key string, parts ...[]byte) (mac [32]byte, err error) {
	names := strings.Split(key, "/")
	if len(names) < 3 {
		return mac, blobs.ErrRefused
	}
	h := hmac.New(sha256.New, []byte(names[1]))
	for _, part := range parts {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write(part)
	}
	return [32]byte(h.Sum(nil)), nil
}

func openLocal(t *testing.T, dir string, c *clock) *blobs.Local {
	t.Helper()
	l, err := (&blobs.Local{Dir: dir, Path: "/files/", Now: c.now, Sign: sign}).Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func TestLocal(t *testing.T) {
	t.Parallel()
	dir, c := filepath.Join(t.TempDir(), "blobs"), &clock{}
	testContract(t, engine{
		open: func(t *testing.T) store { return openLocal(t, dir, c) },
		fetch: func(t *testing.T, address string) ([]byte, string, bool) {
			u, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			q := u.Query()
			data, name, err := openLocal(t, dir, c).Read(t.Context(), strings.TrimPrefix(u.Path, "/files/"), q.Get("expires"), q.Get("signature"))
			if err != nil && !errors.Is(err, blobs.ErrRefused) {
				t.Fatal(err)
			}
			return data, name, err == nil
		},
		now: c, signature: "signature", expiry: "expires",
	})
	testPrivate(t, dir)
}

// testPrivate finds nothing in a directory that others may read, and no draft.
func testPrivate(t *testing.T, dir string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 || strings.HasPrefix(d.Name(), ".") {
			t.Errorf("%s is left with mode %s", name, info.Mode())
		}
		if !d.IsDir() {
			files++
		}
		return nil
	})
	if err != nil || files == 0 {
		t.Errorf("%d files: %v", files, err)
	}
}

// A draft that a process left when it died is under no key, and in nobody's way.
func TestLocalDraftIsNoBlob(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".draft-0011223344556677"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	l := openLocal(t, dir, &clock{})
	if _, err := l.Get(t.Context(), ".draft-0011223344556677"); !errors.Is(err, blobs.ErrBadKey) {
		t.Errorf("got %v, want ErrBadKey", err)
	}
	put(t, l, "whole", "whole")
	if got := get(t, l, "whole"); got != "whole" {
		t.Errorf("got %q", got)
	}
}
