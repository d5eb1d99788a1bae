package commands

import (
	"context"
	"fmt"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Delete asks for a credential to be destroyed now.
type Delete struct {
	Actor     domain.Actor
	Reference string
}

// Delete ends the credential that cmd.Reference names and destroys its key
// before it answers. Naming a superseded version succeeds and touches nothing.
// Access requirement: vault:delete. It refuses with Unavailable if the keys cannot
// be had, and otherwise with Denied, on the record.
func (v *Vault) Delete(ctx context.Context, cmd Delete) (eventstore.Receipt, error) {
	by, via := cmd.Actor, parseReference(cmd.Reference)
	c, receipt, err := v.end(ctx, by, via, "vault.delete", nil, func(c domain.Credential, _ time.Time) ([]domain.CredentialEvent, error) {
		return c.Delete(via, by.Environment)
	})
	if err != nil || !c.Ended {
		return receipt, err
	}
	receipt, err = v.shred(ctx, by, domain.DueVersion{Tenant: by.Tenant, Entry: c.Entry(), RecordHash: c.RecordHash, Ended: true})
	if err != nil {
		return receipt, fmt.Errorf("destroying a deleted credential: %w", err)
	}
	return receipt, nil
}

// Retire asks for a credential to be taken out of use for a while.
type Retire struct {
	Actor     domain.Actor
	Reference string
}

// Retire takes the credential out of use; Restore brings it back within
// domain.RestoreWindow, after which it is destroyed. Naming a superseded version
// succeeds and touches nothing. Access requirement: vault:delete. It refuses as
// Delete does.
func (v *Vault) Retire(ctx context.Context, cmd Retire) (Sealed, error) {
	by, via := cmd.Actor, parseReference(cmd.Reference)
	c, receipt, err := v.end(ctx, by, via, "vault.retire", lastMoment, func(c domain.Credential, now time.Time) ([]domain.CredentialEvent, error) {
		return c.Retire(via, by.Environment, now)
	})
	return Sealed{c, int64(receipt.TimeUS), receipt}, err
}

// Restore asks for a retired credential to come back.
type Restore struct {
	Actor     domain.Actor
	Reference string
}

// Restore brings a retired credential back into use. One that is in use stays
// so. Access requirement: vault:delete. It refuses as Delete does.
func (v *Vault) Restore(ctx context.Context, cmd Restore) (Sealed, error) {
	by, via := cmd.Actor, parseReference(cmd.Reference)
	c, receipt, err := v.end(ctx, by, via, "vault.restore", lastReturn, func(c domain.Credential, now time.Time) ([]domain.CredentialEvent, error) {
		return c.Restore(via, by.Environment, now)
	})
	return Sealed{c, int64(receipt.TimeUS), receipt}, err
}

// lastReturn is the last stamp at which a retired credential can come back.
func lastReturn(c domain.Credential) int64 {
	if expires := lastMoment(c); expires != 0 {
		return min(expires, c.RestoreUntil-1)
	}
	return c.RestoreUntil - 1
}

// end runs a decision about the life of a credential.
func (v *Vault) end(ctx context.Context, by domain.Actor, via domain.EntryID, route string, notAfter func(domain.Credential) int64,
	decide func(domain.Credential, time.Time) ([]domain.CredentialEvent, error),
) (domain.Credential, eventstore.Receipt, error) {
	if err := v.Sealer.Ready(ctx, by.Tenant); err != nil {
		return domain.Credential{}, eventstore.Receipt{}, err
	}
	if err := authorize(ctx, v.Log, by, domain.ScopeVaultDelete, route); err != nil {
		return domain.Credential{}, eventstore.Receipt{}, err
	}
	denial := domain.AccessDenied{Permission: domain.ScopeVaultDelete, Reason: reasonContended, Route: route}
	return transact(ctx, v.Log, by, credentialAggregate(via.Credential()), credentialTerms(notAfter, denial),
		func(c domain.Credential) ([]domain.CredentialEvent, error) { return decide(c, v.Now()) })
}
