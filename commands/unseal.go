package commands

import (
	"context"
	"errors"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Unseal asks for a credential's value.
type Unseal struct {
	Actor     domain.Actor
	Reference string // a handle, or the id of any version
}

// Unsealed is a value with the credential it belongs to. Whoever gets it wipes Value.
type Unsealed struct {
	Credential domain.Credential
	Value      Secret
	Receipt    eventstore.Receipt
}

// Unseal returns the current value of the credential that cmd.Reference names.
// The access is durable on the record before the value is returned. Access
// requirement: vault:unseal. It refuses with Unavailable if the keys cannot be
// had, before it looks anything up, and otherwise with Denied for every reason,
// after the same work and likewise on the record.
func (v *Vault) Unseal(ctx context.Context, cmd Unseal) (Unsealed, error) {
	by, via := cmd.Actor, parseReference(cmd.Reference)
	if err := v.Sealer.Ready(ctx, by.Tenant); err != nil {
		return Unsealed{}, err
	}
	var value Secret
	c, receipt, err := transact(ctx, v.Log, by, credentialAggregate(via.Credential()),
		credentialTerms(lastMoment, domain.CredentialUnsealDenied{EntryID: via, Reason: reasonContended}),
		func(c domain.Credential) (facts []domain.CredentialEvent, err error) {
			clear(value)
			facts, value, err = v.open(ctx, by, via, c)
			return facts, err
		})
	if err != nil {
		clear(value)
		return Unsealed{}, err
	}
	return Unsealed{c, value, receipt}, nil
}

// lastMoment is the last stamp at which the credential has not expired.
func lastMoment(c domain.Credential) int64 {
	if c.ExpiresAt == 0 {
		return 0
	}
	return c.ExpiresAt - 1
}

// open decides about an unseal and opens the value in memory. Whatever the
// decision, it loads, verifies and decapsulates once.
func (v *Vault) open(ctx context.Context, by domain.Actor, via domain.EntryID, c domain.Credential) ([]domain.CredentialEvent, Secret, error) {
	facts, refusal := c.Unseal(via, by.Environment, v.Now())
	if !by.May(domain.ScopeVaultUnseal) {
		reason, _ := by.Denial()
		facts = []domain.CredentialEvent{domain.CredentialUnsealDenied{EntryID: via, Reason: reason}}
		refusal = domain.ErrCredentialUnavailable
	}
	sealed, err := v.Records.Get(ctx, by.Tenant, c.RecordHash)
	if err != nil {
		return nil, nil, fmt.Errorf("loading a sealed record: %w", err)
	}
	value, err := v.Sealer.Open(ctx, by.Tenant, c.Entry(), c.RecordHash, sealed, refusal == nil)
	switch {
	case refusal != nil:
		clear(value)
		return facts, nil, refusal
	case errors.Is(err, ErrSealRefused):
		// The log says that this opens. A rotation may just have destroyed it, which
		// the version that the fact requires will show; else it was tampered with.
		return []domain.CredentialEvent{domain.IntegrityViolated{Check: "sealed_record", ObjectRef: c.Entry()}}, nil, domain.ErrCredentialUnavailable
	case err != nil:
		return nil, nil, fmt.Errorf("opening a sealed record: %w", err)
	}
	return facts, value, nil
}
