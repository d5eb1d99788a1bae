//go:build !linux

package node

import (
	"context"

	"github.com/quantaseal/quantaseal/domain"
)

// observeClock observes nothing: only Linux says how far its clock may be off.
func (n *Node) observeClock(context.Context) ([]domain.PlatformEvent, error) { return nil, nil }
