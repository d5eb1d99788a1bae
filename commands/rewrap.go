package commands

import (
	"context"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// RewrapKeys says, for who runs the deployment, that another key is about to wrap so
// many keys.
type RewrapKeys struct {
	Keys    int
	KeyRef  domain.Digest
	Request domain.RequestID
}

// RecordRewrap puts it on the record of the deployment, before anything is moved.
func (i *Identity) RecordRewrap(ctx context.Context, cmd RewrapKeys) (eventstore.Receipt, error) {
	by := domain.Actor{Kind: domain.ActorOperator, Request: cmd.Request}
	return observe(ctx, i.Log, by, tenantAggregate(domain.TenantID{}), domain.KeysRewrapped{Keys: cmd.Keys, KeyRef: cmd.KeyRef})
}
