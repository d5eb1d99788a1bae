package commands

import (
	"context"
	"errors"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Rotate asks for a credential to be sealed again under fresh keys.
type Rotate struct {
	Actor     domain.Actor
	Reference string
	Value     Secret // the new value, a JSON object; empty = the value stays
}

// Rotated is a credential after a rotation, with the entry it replaced.
type Rotated struct {
	Sealed
	Old domain.EntryID
}

// Rotate seals the credential that cmd.Reference names as its next version and
// destroys the key of the one before. A new value begins the lifetime anew, as far as
// the tenant's settings allow it now. Access requirement: vault:rotate. It refuses
// with Unavailable if the keys cannot be had, and otherwise with Denied, on the record.
func (v *Vault) Rotate(ctx context.Context, cmd Rotate) (Rotated, error) {
	by, via := cmd.Actor, parseReference(cmd.Reference)
	if err := v.Sealer.Ready(ctx, by.Tenant); err != nil {
		return Rotated{}, err
	}
	if err := authorize(ctx, v.Log, by, domain.ScopeVaultRotate, "vault.rotate"); err != nil {
		return Rotated{}, err
	}
	id := via.Credential()
	done, err := v.turns.take(ctx, by.Tenant, id.ID)
	if err != nil {
		return Rotated{}, err
	}
	defer done()

	var old domain.DueVersion
	var mine domain.Digest
	denial := domain.AccessDenied{Permission: domain.ScopeVaultRotate, Reason: reasonContended, Route: "vault.rotate"}
	c, receipt, err := transact(ctx, v.Log, by, credentialAggregate(id), credentialTerms(lastMoment, denial),
		func(c domain.Credential) ([]domain.CredentialEvent, error) {
			if mine != (domain.Digest{}) {
				v.discard(ctx, by.Tenant, mine)
				mine = domain.Digest{}
			}
			proposed, facts, err := v.next(ctx, cmd, via, c)
			if err != nil {
				return facts, err
			}
			mine = proposed.RecordHash
			old = domain.DueVersion{Tenant: by.Tenant, Entry: c.Entry(), RecordHash: c.RecordHash}
			return c.Rotate(proposed, via, by.Environment, v.Now())
		})
	if err != nil {
		if mine != (domain.Digest{}) && !errors.Is(err, eventstore.ErrUncertain) && ctx.Err() == nil {
			v.discard(ctx, by.Tenant, mine)
		}
		return Rotated{}, err
	}
	rotated := Rotated{Sealed{c, int64(receipt.TimeUS), receipt}, old.Entry}
	if rotated.Receipt, err = v.shred(ctx, by, old); err != nil {
		return Rotated{}, fmt.Errorf("destroying the version before: %w", err)
	}
	return rotated, nil
}

// next seals the version after c's current one. If c may not be rotated it
// returns the facts of the refusal beside it.
func (v *Vault) next(ctx context.Context, cmd Rotate, via domain.EntryID, c domain.Credential) (domain.CredentialRotated, []domain.CredentialEvent, error) {
	by, now := cmd.Actor, v.Now()
	if c.Unrotatable(via, by.Environment, now) != "" {
		facts, err := c.Rotate(domain.CredentialRotated{}, via, by.Environment, now)
		return domain.CredentialRotated{}, facts, err
	}
	value := cmd.Value
	if len(value) == 0 {
		opened, err := v.current(ctx, by, c)
		if err != nil {
			facts := []domain.CredentialEvent{domain.IntegrityViolated{Check: "sealed_record", ObjectRef: c.Entry()}}
			if !errors.Is(err, ErrSealRefused) {
				facts = nil
			}
			return domain.CredentialRotated{}, facts, err
		}
		defer clear(opened)
		value = opened
	}
	settings, err := v.settings(ctx, by.Tenant)
	if err != nil {
		return domain.CredentialRotated{}, nil, err
	}
	binding := domain.Binding{
		Tenant: by.Tenant, Entry: c.ID.Entry(c.Version + 1), Environment: c.Environment,
		SealedAt: now.UnixMicro(), ExpiresAt: c.Expiry(len(cmd.Value) > 0, settings, now),
	}
	sealed, err := v.Sealer.Seal(ctx, binding, value)
	if err != nil {
		return domain.CredentialRotated{}, nil, fmt.Errorf("sealing a version: %w", err)
	}
	if err := v.Records.Put(ctx, by.Tenant, c.ID, sealed); err != nil {
		return domain.CredentialRotated{}, nil, fmt.Errorf("keeping a sealed record: %w", err)
	}
	return domain.CredentialRotated{
		KEMKeyID: sealed.KEMKeyID, NewEntryID: binding.Entry, OldEntryID: c.Entry(), RecordHash: sealed.Hash,
		Suite: domain.SealSuite, ExpiresAt: binding.ExpiresAt, ValueChanged: len(cmd.Value) > 0, Version: c.Version + 1,
	}, nil, nil
}

func (v *Vault) current(ctx context.Context, by domain.Actor, c domain.Credential) (Secret, error) {
	sealed, err := v.Records.Get(ctx, by.Tenant, c.RecordHash)
	if err != nil {
		return nil, fmt.Errorf("loading a sealed record: %w", err)
	}
	return v.Sealer.Open(ctx, by.Tenant, c.Entry(), c.RecordHash, sealed, true)
}
