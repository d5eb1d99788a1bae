package node

import (
	"context"
	"fmt"
	"io"

	"github.com/quantaseal/quantaseal/domain"
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
	return n.Log.WriteBundle(ctx, w, n.Server.Bundle, tenant, head.Next-1, nil)
}
