package node

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// flock takes the lock of a file, which the system gives back when the process ends.
func flock(file *os.File) error {
	return unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
}

// unlock gives the lock of a file back and closes it. Closing alone would leave the
// lock to a child that is about to begin and still has every file of its parent.
func unlock(file *os.File) error {
	return errors.Join(unix.Flock(int(file.Fd()), unix.LOCK_UN), file.Close())
}
