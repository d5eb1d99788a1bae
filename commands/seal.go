package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Seal asks for a value to be stored as a new credential.
type Seal struct {
	Actor       domain.Actor
	Name        string
	Type        string
	Value       Secret // a JSON object
	Metadata    json.RawMessage
	TTLDays     int // 0 = as the tenant's settings say
	Idempotency Idempotency
}

// Seal seals cmd.Value under fresh keys and returns the credential, which lives as
// long as the tenant's settings say (domain.Settings.Lifetime). Access requirement:
// vault:seal. It refuses with Invalid fields beyond their limits, with Unavailable if
// the keys cannot be had, with ErrKeyReused, with ErrDenied, and then with Invalid a
// lifetime beyond the tenant's maximum. The same Idempotency-Key and body give the
// same credential again, whatever the settings have become.
func (v *Vault) Seal(ctx context.Context, cmd Seal) (Sealed, error) {
	by := cmd.Actor
	claim, err := v.claim(ctx, cmd)
	if err != nil {
		return Sealed{}, err
	}
	if sealed, done, err := v.sealedBefore(ctx, by, claim); done || err != nil {
		return sealed, err
	}
	if err := authorize(ctx, v.Log, by, domain.ScopeVaultSeal, "vault.seal"); err != nil {
		return Sealed{}, err
	}
	settings, err := v.settings(ctx, by.Tenant)
	if err != nil {
		return Sealed{}, err
	}
	days, err := settings.Lifetime(cmd.TTLDays)
	if err != nil {
		return Sealed{}, err
	}
	id, now := domain.NewCredentialID(claim.eventID), v.Now()
	binding := domain.Binding{
		Tenant: by.Tenant, Entry: id.Entry(1), Environment: by.Environment,
		SealedAt: now.UnixMicro(), ExpiresAt: domain.ExpiryAfter(days, now),
	}
	record, err := v.Sealer.Seal(ctx, binding, cmd.Value)
	if err != nil {
		return Sealed{}, fmt.Errorf("sealing a credential: %w", err)
	}
	if err := v.Records.Put(ctx, by.Tenant, id, record); err != nil {
		return Sealed{}, fmt.Errorf("keeping a sealed record: %w", err)
	}
	fact := domain.CredentialSealed{
		Algorithm: domain.SealAlgorithm, Classification: domain.Classify(cmd.Type), EntryID: binding.Entry,
		Environment: by.Environment, KEMKeyID: record.KEMKeyID, Owner: by.User, RecordHash: record.Hash,
		Suite: domain.SealSuite, TTLDays: days, ExpiresAt: binding.ExpiresAt, Type: cmd.Type, Version: 1,
		Personal: domain.CredentialLabel{Metadata: cmd.Metadata, Name: cmd.Name},
	}
	c, receipt, err := transact(ctx, v.Log, by, credentialAggregate(id),
		terms[domain.Credential]{eventID: claim.eventID, bodyMAC: claim.bodyMAC, fresh: claim.bodyMAC == nil},
		func(c domain.Credential) ([]domain.CredentialEvent, error) { return c.Seal(fact) })
	if err == nil {
		return Sealed{c, int64(receipt.TimeUS), receipt}, nil
	}
	if !errors.Is(err, eventstore.ErrUncertain) && ctx.Err() == nil {
		v.discard(ctx, by.Tenant, record.Hash)
	}
	if errors.Is(err, eventstore.ErrRepeated) || errors.Is(err, domain.ErrCredentialExists) {
		if sealed, done, err := v.sealedBefore(ctx, by, claim); done || err != nil {
			return sealed, err
		}
	}
	return Sealed{}, err
}

// claim checks what is decided before rights are, but for an earlier use of the
// Idempotency-Key, and returns what that would be found by.
func (v *Vault) claim(ctx context.Context, cmd Seal) (claim, error) {
	if err := domain.CheckCredential(cmd.Name, cmd.Type, cmd.Metadata, cmd.TTLDays); err != nil {
		return claim{}, err
	}
	if err := cmd.Idempotency.check(); err != nil {
		return claim{}, err
	}
	if err := v.Sealer.Ready(ctx, cmd.Actor.Tenant); err != nil {
		return claim{}, err
	}
	return cmd.Idempotency.claim(ctx, v.Keys, v.Log, cmd.Actor, "vault.seal")
}

// CheckSeal refuses as Seal does before it looks at the actor's rights: with
// Invalid, Unavailable and ErrKeyReused. It changes nothing and records nothing.
func (v *Vault) CheckSeal(ctx context.Context, cmd Seal) error {
	claim, err := v.claim(ctx, cmd)
	if err == nil {
		_, _, err = v.sealedBefore(ctx, cmd.Actor, claim)
	}
	return err
}

// sealedBefore answers a repeated request from the fact that it appended.
func (v *Vault) sealedBefore(ctx context.Context, by domain.Actor, c claim) (Sealed, bool, error) {
	r, found, err := c.earlier(ctx, v.Log, by.Tenant)
	if err != nil || !found {
		return Sealed{}, false, err
	}
	fact, ok := r.Event.(domain.CredentialSealed)
	if !ok {
		return Sealed{}, false, ErrKeyReused
	}
	return Sealed{domain.Credential{}.Evolve(fact), int64(r.Header.TimeUS), r.Receipt()}, true, nil
}
