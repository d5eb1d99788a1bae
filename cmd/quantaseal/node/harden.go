package node

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Harden makes the operating system keep this process's memory to itself: no
// core file, and no other process of the same user may read it.
func Harden() error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("forbidding core files: %w", err)
	}
	if err := undumpable(); err != nil {
		return fmt.Errorf("forbidding memory dumps: %w", err)
	}
	return nil
}
