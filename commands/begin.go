package commands

import (
	"context"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Begin opens the deployment's system chain unless it was opened before. Of
// several nodes that start at once one opens it and the others find it open.
func (i *Identity) Begin(ctx context.Context, request domain.RequestID) error {
	system := domain.TenantID{}
	head, err := i.Log.Head(ctx, system)
	if err != nil || head.Next > 0 {
		return err
	}
	genesis, err := i.Keys.CreateTenant(ctx, system, 0)
	if err != nil {
		return fmt.Errorf("creating the deployment's keys: %w", err)
	}
	_, err = i.Log.Append(ctx, domain.System(system, request), eventstore.Fact{Event: genesis, Aggregate: tenantAggregate(system)})
	if err == nil {
		return nil
	}
	if head, headErr := i.Log.Head(ctx, system); headErr == nil && head.Next > 0 {
		return nil // another node was first
	}
	return fmt.Errorf("opening the system chain: %w", err)
}
