package node

import (
	"context"
	"errors"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/internal/keyring"
)

// Rewrap has QUANTASEAL_KMS wrap every key that QUANTASEAL_FORMER_KMS does, on the
// record first, and returns how many; none, and no receipt, if there are none. A root
// key in a key file goes along. On PostgreSQL servers may run. If it breaks off, it can
// be asked again.
func (n *Node) Rewrap(ctx context.Context) (moved int, receipt eventstore.Receipt, err error) {
	if n.keyFile != nil {
		seed, err := n.keyFile.RootSeed()
		if err != nil {
			return 0, receipt, err
		}
		defer clear(seed[:])
		if err := n.Ring.KeepRoot(ctx, &seed); err != nil && !errors.Is(err, keyring.ErrForeignKey) {
			return 0, receipt, err
		}
	}
	unmoved, err := n.Ring.Unmoved(ctx)
	if err != nil || unmoved == 0 {
		return 0, receipt, err
	}
	receipt, err = n.Identity.RecordRewrap(ctx, commands.RewrapKeys{Keys: unmoved, KeyRef: n.Ring.KMSKeyRef(), Request: requestID()})
	if err != nil {
		return 0, receipt, err
	}
	moved, err = n.Ring.Rewrap(ctx)
	return moved, receipt, err
}
