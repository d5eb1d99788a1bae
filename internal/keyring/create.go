package keyring

import (
	"context"
	"errors"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/seal"
)

// CreateTenant makes tenant's keys, durably, unless it has some, and returns the
// genesis of its chain: its audit key with the root key's certificate for the
// place index. Asked again it returns the same keys under a fresh signature.
func (r *Ring) CreateTenant(ctx context.Context, tenant domain.TenantID, index uint32) (domain.ChainGenesis, error) {
	k, err := r.tenant(ctx, tenant)
	if errors.Is(err, ErrNoTenant) {
		if err := r.createTenant(ctx, tenant); err != nil {
			return domain.ChainGenesis{}, fmt.Errorf("creating the keys of tenant %s: %w", tenant, err)
		}
		r.forgetTenant(tenant)
		k, err = r.tenant(ctx, tenant)
	}
	if err != nil {
		return domain.ChainGenesis{}, err
	}
	public := k.audit.Public()
	cert := chain.Certificate{
		LogID: r.deployment.LogID, Tenant: tenant.ID, TenantIndex: index,
		KeyEpoch: firstEpoch, Reason: chain.ReasonInitial, KeyID: public.ID(),
	}.Append(nil)
	signature, err := r.SignRoot(ctx, chain.ContextKeyCert, cert)
	if err != nil {
		return domain.ChainGenesis{}, fmt.Errorf("certifying an audit key: %w", err)
	}
	return domain.ChainGenesis{KeyCert: append(cert, signature...), PublicKey: public.Bytes(), TenantIndex: index}, nil
}

// createTenant stores fresh keys for tenant, all at once, unless another node
// was faster.
func (r *Ring) createTenant(ctx context.Context, tenant domain.TenantID) error {
	kek, stored, err := r.drawTenantKey(ctx, tenant, firstEpoch)
	if err != nil {
		return err
	}
	defer clear(kek.key[:])
	keys := []WrappedKey{stored}
	for _, p := range tenantSecrets {
		wrapped, err := r.wrapFresh(kek, tenant, p, domain.ID{})
		if err != nil {
			return err
		}
		keys = append(keys, wrapped)
	}
	if err := r.store.StoreKeys(ctx, keys); err != nil && !errors.Is(err, ErrKeyExists) {
		return err
	}
	return nil
}

// wrapFresh draws a key for p and returns it as it is stored.
func (r *Ring) wrapFresh(kek *tenantKey, tenant domain.TenantID, p purpose, subject domain.ID) (WrappedKey, error) {
	secret := p.draw()
	defer clear(secret)
	blob, err := seal.Wrap(&kek.key, p.number, kek.epoch, r.place(tenant, subject, firstEpoch), secret)
	if err != nil {
		return WrappedKey{}, fmt.Errorf("wrapping the %s key: %w", p.name, err)
	}
	return WrappedKey{Tenant: tenant.ID, Purpose: p.name, Subject: subject, Epoch: firstEpoch, Blob: blob}, nil
}
