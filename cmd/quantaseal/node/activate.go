package node

import (
	"context"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Activate ends a tenant's trial, on the record, as the operator of the deployment.
func (n *Node) Activate(ctx context.Context, tenant domain.TenantID) (eventstore.Receipt, error) {
	return n.Identity.Activate(ctx, commands.Activate{Tenant: tenant, Request: requestID()})
}
