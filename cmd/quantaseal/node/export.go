package node

import (
	"context"
	"fmt"
	"io"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// Export writes tenant's whole chain to w as a bundle.
func (n *Node) Export(ctx context.Context, w io.Writer, tenant domain.TenantID) error {
	head, err := n.Log.Head(ctx, tenant)
	if err != nil {
		return err
	}
	if head.Next == 0 {
		return fmt.Errorf("tenant %s has no chain", tenant)
	}
	header := n.Server.Bundle
	header.TenantID, header.ToSeq = tenant.ID, head.Next-1
	bundle, err := chain.NewBundleWriter(w, header)
	if err != nil {
		return err
	}
	next := uint64(0)
	for r, err := range n.Log.Records(ctx, tenant, 0) {
		if err != nil {
			return err
		}
		if next == head.Next {
			break
		}
		if err := bundle.WriteEvent(next, r); err != nil {
			return err
		}
		next++
	}
	if next != head.Next {
		return fmt.Errorf("%w: the chain ends before event %d", eventstore.ErrTampered, head.Next-1)
	}
	return nil
}
