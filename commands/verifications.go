package commands

import (
	"context"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Verification is what was found out about a tenant's chain and what is stored
// beside it.
type Verification struct {
	Chain      domain.Event                 // AuditChainVerified or ChainVerificationFailed
	Reconciled *domain.ProjectionReconciled // nil: nothing was compared with it
	Published  *domain.CheckpointPublished  // nil: there is none
	Violations []domain.IntegrityViolated   // of sealed versions
}

// RecordVerification puts a verification on the record, all of it or nothing. Whoever
// is given its result is so after that. Access requirement of users and API keys:
// audit:read; it refuses with ErrDenied.
func (v *Vault) RecordVerification(ctx context.Context, by domain.Actor, found Verification) (eventstore.Receipt, error) {
	if by.Kind != domain.ActorSystem && by.Kind != domain.ActorOperator {
		if err := authorize(ctx, v.Log, by, domain.ScopeAuditRead, "audit.verify"); err != nil {
			return eventstore.Receipt{}, err
		}
	}
	tenant := tenantAggregate(by.Tenant)
	var facts []eventstore.Fact
	for _, e := range found.Violations {
		facts = append(facts, eventstore.Fact{Event: e, Aggregate: credentialAggregate(e.ObjectRef.Credential())})
	}
	if found.Published != nil {
		facts = append(facts, eventstore.Fact{Event: *found.Published, Aggregate: tenant})
	}
	if found.Reconciled != nil {
		facts = append(facts, eventstore.Fact{Event: *found.Reconciled, Aggregate: tenant})
	}
	facts = append(facts, eventstore.Fact{Event: found.Chain, Aggregate: tenant})
	receipt, err := v.Log.Append(ctx, by, facts...)
	if err != nil {
		return receipt, fmt.Errorf("recording a verification: %w", err)
	}
	return receipt, nil
}
