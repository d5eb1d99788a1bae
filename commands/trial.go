package commands

import (
	"context"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Activate asks, for who runs the deployment, for a tenant's trial to end.
type Activate struct {
	Tenant  domain.TenantID
	Request domain.RequestID
}

// Activate ends the trial: no clock runs for the tenant from now on. Where none
// does it changes nothing, and the receipt is zero. It refuses with NotFound a
// tenant that never registered.
func (i *Identity) Activate(ctx context.Context, cmd Activate) (eventstore.Receipt, error) {
	by := domain.Actor{Tenant: cmd.Tenant, Kind: domain.ActorOperator, Request: cmd.Request}
	_, receipt, err := transact(ctx, i.Log, by, tenantAggregate(cmd.Tenant), terms[domain.Tenant]{},
		func(t domain.Tenant) ([]domain.TenantEvent, error) { return t.Activate(by.Kind) })
	return receipt, err
}

// ListedTenant is a tenant in its place among the chains.
type ListedTenant struct {
	ID     domain.TenantID
	Index  uint32
	Tenant domain.Tenant // zero while its registration is not finished
}

// Tenants returns every tenant in the order of their indexes, for who runs the
// deployment. It reads the whole system chain.
func (i *Identity) Tenants(ctx context.Context) ([]ListedTenant, error) {
	var all []ListedTenant
	for r, err := range i.Log.History(ctx, domain.TenantID{}, 0) {
		if err != nil {
			return nil, fmt.Errorf("reading the system chain: %w", err)
		}
		added, ok := r.Event.(domain.TenantAdded)
		if !ok {
			continue
		}
		t, _, err := eventstore.Fold[domain.Tenant](ctx, i.Log, added.TenantID, tenantAggregate(added.TenantID))
		if err != nil {
			return nil, fmt.Errorf("loading a tenant: %w", err)
		}
		all = append(all, ListedTenant{added.TenantID, added.TenantIndex, t})
	}
	return all, nil
}
