package node

import (
	"context"
	"fmt"
	"io"

	"github.com/quantaseal/quantaseal/domain"
)

// Export writes tenant's whole chain to w as a bundle, anchored first. From is the
// size of a checkpoint that the reader has, or 0.
func (n *Node) Export(ctx context.Context, w io.Writer, tenant domain.TenantID, from uint64) error {
	head, err := n.Log.Head(ctx, tenant)
	if err != nil {
		return err
	}
	if head.Next == 0 {
		return fmt.Errorf("tenant %s has no chain", tenant)
	}
	if err := n.Anchors.Pass(ctx); err != nil {
		n.logger.WarnContext(ctx, "what was appended last is not anchored", "err", err)
	}
	return n.Anchors.WriteBundle(ctx, w, n.Server.Bundle, tenant, head.Next-1, from, nil)
}
