//go:build unix

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// lockWhole waits until nobody else has a lock on f.
func lockWhole(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_EX) }
