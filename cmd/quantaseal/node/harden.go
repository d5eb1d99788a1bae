package node

import (
	"context"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/quantaseal/quantaseal/internal/listen"
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

// fileReserve is how many files the server opens beside its connections.
const fileReserve = 256

// connections returns how many connections may be open. The operating system must
// allow a file for each; where it does not, even when asked, fewer may.
func (n *Node) connections(ctx context.Context) listen.Limits {
	limits := n.config.connections()
	need := uint64(limits.Total + fileReserve)
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil || files.Cur >= need {
		return limits
	}
	if unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: need, Max: max(need, files.Max)}) == nil {
		return limits
	}
	limits.Total = max(int(files.Cur)-fileReserve, int(files.Cur)/2)
	n.logger.WarnContext(ctx, "fewer connections than configured: the limit of open files is low", "connections", limits.Total, "files", files.Cur)
	return limits
}
