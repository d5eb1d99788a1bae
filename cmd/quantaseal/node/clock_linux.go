package node

import (
	"context"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/quantaseal/quantaseal/domain"
)

// observeClock asks the kernel how far its clock may be off. It bounds that itself:
// what disciplines the clock keeps the bound small, and without that it grows to 16 s.
func (n *Node) observeClock(context.Context) ([]domain.PlatformEvent, error) {
	var t unix.Timex
	if _, err := unix.Adjtimex(&t); err != nil { // with no mode it only reads
		return nil, fmt.Errorf("asking the kernel for its clock: %w", err)
	}
	return []domain.PlatformEvent{domain.ClockSyncObserved{OffsetMS: int((t.Maxerror + 999) / 1000), Source: "kernel"}}, nil
}
