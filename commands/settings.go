package commands

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Settings returns the tenant of an actor with what it decided about itself.
// Access requirement: settings:read; it refuses with Denied.
func (i *Identity) Settings(ctx context.Context, by domain.Actor) (domain.Tenant, error) {
	if err := authorize(ctx, i.Log, by, domain.ScopeSettingsRead, "settings.read"); err != nil {
		return domain.Tenant{}, err
	}
	tenant, _, err := eventstore.Fold[domain.Tenant](ctx, i.Log, by.Tenant, tenantAggregate(by.Tenant))
	if err != nil {
		return domain.Tenant{}, fmt.Errorf("loading a tenant: %w", err)
	}
	return tenant, nil
}

// ChangeSettings asks for settings of the actor's tenant to be changed.
type ChangeSettings struct {
	Actor domain.Actor
	// Changes says which, given the tenant as it stands. It may be asked again.
	Changes func(domain.Tenant) ([]domain.Setting, error)
}

// ChangeSettings changes all of them or none, with a fact for each that is another
// now, and returns the tenant after that. The receipt is zero if nothing changed.
// Access requirement: settings:write. It refuses with Denied, and as
// domain.Tenant.Configure does: with Invalid, and with ErrLocksOut ranges that
// do not hold the address that the request came from.
func (i *Identity) ChangeSettings(ctx context.Context, cmd ChangeSettings) (domain.Tenant, eventstore.Receipt, error) {
	by := cmd.Actor
	if err := authorize(ctx, i.Log, by, domain.ScopeSettings, "settings.write"); err != nil {
		return domain.Tenant{}, eventstore.Receipt{}, err
	}
	from, _ := netip.ParseAddr(by.Origin.IP) // no address is in no range
	return transact(ctx, i.Log, by, tenantAggregate(by.Tenant), terms[domain.Tenant]{},
		func(t domain.Tenant) ([]domain.TenantEvent, error) {
			changes, err := cmd.Changes(t)
			if err != nil {
				return nil, err
			}
			return t.Configure(changes, from)
		})
}
