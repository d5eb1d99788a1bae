package node

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// A child that has just been forked holds every file of its parent, until it runs its
// program. The lock does not stay with it.
func TestAForkKeepsNoLock(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	open := func() *os.File {
		t.Helper()
		file, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	first, second := open(), open()
	if err := flock(first); err != nil {
		t.Fatal(err)
	}
	child, err := unix.Dup(int(first.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(child) }()
	if err := flock(second); err == nil {
		t.Fatal("two hold one lock")
	}
	if err := unlock(first); err != nil {
		t.Fatal(err)
	}
	if err := flock(second); err != nil {
		t.Errorf("the child holds the lock: %v", err)
	}
	if err := unlock(second); err != nil {
		t.Error(err)
	}
}
