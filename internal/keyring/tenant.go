package keyring

import (
	"context"
	"crypto/hmac"
	"crypto/sha3"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"sync/atomic"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/seal"
)

// firstEpoch is the epoch of a key without predecessor.
const firstEpoch = 1

// tenantKeys is what the ring knows of one tenant for a while: its keys, or why
// they could not be loaded. It is not changed once it is in the cache, and not
// wiped when it leaves it, since others may be at work with it.
type tenantKeys struct {
	err     error
	expires time.Time
	uses    atomic.Int64

	wrapping []*tenantKey // by epoch, from 1
	audit    *chain.SigningKey
	record   *seal.RecordKeys
	data     [seal.KeySize]byte
	blinding []byte
}

func (k *tenantKeys) usable(now time.Time) bool {
	return now.Before(k.expires) && k.uses.Load() < maxUses
}

// current returns the tenant key that wraps now, and counts its use.
func (k *tenantKeys) current() *tenantKey {
	k.uses.Add(1)
	return k.wrapping[len(k.wrapping)-1]
}

// of returns the tenant key of an epoch and counts its use, or nil if there is
// no such epoch.
func (k *tenantKeys) of(epoch uint32) *tenantKey {
	if epoch == 0 || uint64(epoch) > uint64(len(k.wrapping)) {
		return nil
	}
	k.uses.Add(1)
	return k.wrapping[epoch-1]
}

// unavailable makes err the refusal ErrUnavailable, unless it says that there is
// no such key at all.
func unavailable(err error) error {
	if errors.Is(err, ErrNoTenant) || errors.Is(err, ErrNoKey) || errors.Is(err, ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// tenant returns tenant's keys, from memory if they are fresh: else ErrNoTenant,
// or ErrUnavailable with the cause. A failure is remembered for failureTTL, so
// that a KMS in trouble is not asked more.
func (r *Ring) tenant(ctx context.Context, tenant domain.TenantID) (*tenantKeys, error) {
	if k, ok := r.tenants.Get(tenant); ok && k.usable(r.now()) {
		return k, k.err
	}
	k, err := once(ctx, r, tenantName(tenant), func(ctx context.Context) (*tenantKeys, error) {
		now, generation := r.now(), r.generation.Load()
		if k, ok := r.tenants.Get(tenant); ok && k.usable(now) {
			return k, nil
		}
		k, err := r.loadTenant(ctx, tenant)
		if err != nil {
			k = &tenantKeys{err: unavailable(fmt.Errorf("loading the keys of tenant %s: %w", tenant, err)), expires: now.Add(failureTTL)}
		} else {
			k.expires = now.Add(CacheTTL)
		}
		if r.generation.Load() == generation {
			r.tenants.Add(tenant, k)
		}
		return k, nil
	})
	if err != nil {
		return nil, err
	}
	return k, k.err
}

// loadTenant loads and unpacks tenant's keys. It returns ErrNoTenant if there are
// none, and never ErrNoKey, which says of a person that they were erased.
func (r *Ring) loadTenant(ctx context.Context, tenant domain.TenantID) (*tenantKeys, error) {
	k := new(tenantKeys)
	var err error
	if k.wrapping, err = r.loadTenantKeys(ctx, tenant); err != nil {
		return nil, err
	}
	secrets := make(map[purpose][]byte, len(tenantSecrets))
	defer func() {
		for _, secret := range secrets {
			clear(secret)
		}
	}()
	for _, p := range tenantSecrets {
		secrets[p], err = r.loadSecret(ctx, k, tenant, p, domain.ID{})
		if errors.Is(err, ErrNoKey) {
			err = errLost
		}
		if err != nil {
			return nil, fmt.Errorf("loading the %s key: %w", p.name, err)
		}
	}
	k.audit = chain.NewSigningKey((*[seal.SeedSize]byte)(secrets[forAudit]))
	k.record = seal.NewRecordKeys((*[seal.SeedSize]byte)(secrets[forRecordSign]), (*[seal.MACKeySize]byte)(secrets[forRecordMAC]))
	copy(k.data[:], secrets[forTenantData])
	k.blinding = append(k.blinding, secrets[forBlinding]...)
	return k, nil
}

// loadSecret returns the first key of a purpose, which the caller wipes, or ErrNoKey.
func (r *Ring) loadSecret(ctx context.Context, k *tenantKeys, tenant domain.TenantID, p purpose, subject domain.ID) ([]byte, error) {
	blob, err := r.store.LoadKey(ctx, tenant.ID, p.name, subject, firstEpoch)
	if err != nil {
		return nil, err
	}
	secret, err := r.unwrap(k, p, r.place(tenant, subject, firstEpoch), blob)
	if err == nil && len(secret) != p.size {
		clear(secret)
		return nil, fmt.Errorf("keyring: a key of %d bytes, not %d", len(secret), p.size)
	}
	return secret, err
}

// unwrap returns the key in blob, which the caller wipes. It returns
// seal.ErrIntegrity for a blob of another place, or of no epoch of the tenant's.
func (r *Ring) unwrap(k *tenantKeys, p purpose, c seal.WrapContext, blob []byte) ([]byte, error) {
	epoch, err := seal.WrapEpoch(blob)
	if err != nil {
		return nil, err
	}
	kek := k.of(epoch)
	if kek == nil {
		return nil, fmt.Errorf("a key of epoch %d: %w", epoch, seal.ErrIntegrity)
	}
	return seal.Unwrap(&kek.key, p.number, epoch, c, blob)
}

// Signer returns the audit key that signs tenant's next event, and its epoch.
func (r *Ring) Signer(ctx context.Context, tenant domain.TenantID) (*chain.SigningKey, uint64, error) {
	k, err := r.tenant(ctx, tenant)
	if err != nil {
		return nil, 0, err
	}
	return k.audit, firstEpoch, nil
}

// Blind returns HMAC-SHA3-256 under tenant's blinding key, which never changes,
// over the parts, each after its u32 length.
func (r *Ring) Blind(ctx context.Context, tenant domain.TenantID, parts ...[]byte) (domain.Digest, error) {
	k, err := r.tenant(ctx, tenant)
	if err != nil {
		return domain.Digest{}, err
	}
	h := hmac.New(func() hash.Hash { return sha3.New256() }, k.blinding)
	for _, part := range parts {
		_, _ = h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		_, _ = h.Write(part) // a hash never fails to write
	}
	return domain.Digest(h.Sum(nil)), nil
}

// Ready refuses with ErrUnavailable if tenant's keys cannot be had now.
func (r *Ring) Ready(ctx context.Context, tenant domain.TenantID) error {
	_, err := r.tenant(ctx, tenant)
	if err != nil && !errors.Is(err, ErrUnavailable) {
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}
