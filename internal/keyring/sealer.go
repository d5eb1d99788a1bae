package keyring

import (
	"context"
	"errors"
	"fmt"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/seal"
)

// decoy is a wrapped slot that opens nothing. It is unwrapped where there is no
// real one to unwrap, so that the work is the same.
type decoy struct {
	key  [seal.KeySize]byte
	slot []byte
}

func newDecoy() (d decoy, err error) {
	copy(d.key[:], forTenantKey.draw())
	d.slot, err = seal.Wrap(&d.key, forSlot.number, firstEpoch, seal.WrapContext{}, forSlot.draw())
	return d, err
}

// Seal draws fresh keys and seals value as the version that b names. It keeps no
// reference to value.
func (r *Ring) Seal(ctx context.Context, b domain.Binding, value []byte) (domain.SealedRecord, error) {
	k, err := r.tenant(ctx, b.Tenant)
	if err != nil {
		return domain.SealedRecord{}, err
	}
	kek, id := k.current(), r.version(b.Tenant, b.Entry)
	sealed, err := seal.Seal(seal.Binding{
		Identity:    id,
		SealedAtUS:  uint64(max(0, b.SealedAt)),
		ExpiresAtUS: uint64(max(0, b.ExpiresAt)),
		TKEpoch:     kek.epoch,
		KMSKeyRef:   r.kms.KeyRef(),
		Test:        b.Environment == domain.Test,
	}, k.record, value)
	if err != nil {
		return domain.SealedRecord{}, fmt.Errorf("sealing a record: %w", err)
	}
	defer sealed.Slot.Wipe()
	slot, err := seal.Wrap(&kek.key, forSlot.number, kek.epoch, r.slotPlace(id), sealed.Slot[:])
	if err != nil {
		return domain.SealedRecord{}, fmt.Errorf("wrapping a slot: %w", err)
	}
	return domain.SealedRecord{Record: sealed.Record, Slot: slot, Hash: sealed.Hash, KEMKeyID: sealed.EKHash}, nil
}

// Open verifies sealed as version entry with the hash that the log gives, and
// returns its value, which the caller wipes. It does the same work whether allowed
// is true or not and whether sealed is empty or not. Unless all is well it returns
// commands.ErrSealRefused; a cause beside it is for our logs. A fault means that
// the keys could not be had.
func (r *Ring) Open(ctx context.Context, tenant domain.TenantID, entry domain.EntryID, hash domain.Digest, sealed domain.SealedRecord, allowed bool) ([]byte, error) {
	k, err := r.tenant(ctx, tenant)
	if err != nil {
		return nil, err
	}
	id := r.version(tenant, entry)
	verdict := r.opener.Verify(id, k.record, sealed.Record, hash)
	if !allowed {
		verdict = verdict.And(0)
	}
	slot, unwrapErr := r.openSlot(k, id, sealed.Slot, verdict.Mask())
	if slot != nil {
		defer slot.Wipe()
	}
	value, err := verdict.Open(slot)
	if unwrapErr != nil {
		err = unwrapErr
	}
	if errors.Is(err, seal.ErrRefused) {
		return nil, commands.ErrSealRefused
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", commands.ErrSealRefused, err)
	}
	return value, nil
}

// openSlot unwraps the slot of a verified record, or the decoy for one that was
// not. It returns no slot unless it is the record's.
func (r *Ring) openSlot(k *tenantKeys, id seal.Identity, wrapped []byte, verified int) (*seal.Slot, error) {
	if verified != 1 {
		plaintext, err := seal.Unwrap(&r.decoy.key, forSlot.number, firstEpoch, seal.WrapContext{}, r.decoy.slot)
		clear(plaintext)
		return nil, err
	}
	plaintext, err := r.unwrap(k, forSlot, r.slotPlace(id), wrapped)
	if err != nil {
		return nil, fmt.Errorf("unwrapping a slot: %w", err)
	}
	defer clear(plaintext)
	if len(plaintext) != seal.SlotSize {
		return nil, fmt.Errorf("a slot of %d bytes: %w", len(plaintext), seal.ErrIntegrity)
	}
	slot := seal.Slot(plaintext)
	return &slot, nil
}

// version is what a record of entry says it is.
func (r *Ring) version(tenant domain.TenantID, entry domain.EntryID) seal.Identity {
	return seal.Identity{
		LogID: r.deployment.LogID, Tenant: tenant.ID, Credential: entry.Credential().ID, Version: uint64(entry.Version()),
	}
}

func (r *Ring) slotPlace(id seal.Identity) seal.WrapContext {
	return seal.WrapContext{LogID: id.LogID, Tenant: id.Tenant, Object: id.Credential, Version: id.Version}
}
