package node

import (
	"os"

	"golang.org/x/sys/unix"
)

// flock takes the lock of a file, which the system gives back when the process ends.
func flock(file *os.File) error {
	return unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
}
