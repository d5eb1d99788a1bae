package keyring

import (
	"context"
	"errors"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
)

// Check reports whether sealed is version entry with the hash that the log gives:
// both signatures, what it is bound to, and that its slot can be unwrapped and is its
// own. No value is decrypted. A fault means that the keys could not be had.
func (r *Ring) Check(ctx context.Context, tenant domain.TenantID, entry domain.EntryID, hash domain.Digest, sealed domain.SealedRecord) (bool, error) {
	k, err := r.tenant(ctx, tenant)
	if err != nil {
		return false, err
	}
	id := r.version(tenant, entry)
	verdict := r.opener.Verify(id, k.record, sealed.Record, hash)
	if verdict.Mask() != 1 {
		return false, nil
	}
	slot, err := r.openSlot(k, id, sealed.Slot, 1)
	if err != nil || slot == nil {
		return false, nil //nolint:nilerr // that it does not open is the answer
	}
	slot.Wipe()
	return true, nil
}

// KeepsSubject reports whether the key of user is stored: of a person who was erased
// it must not be.
func (r *Ring) KeepsSubject(ctx context.Context, tenant domain.TenantID, user domain.UserID) (bool, error) {
	return r.keeps(ctx, tenant, forSubject, user.ID)
}

// KeepsCryptoKey reports whether any secret of a generation of encryption keys is
// stored: of one that was destroyed none must be.
func (r *Ring) KeepsCryptoKey(ctx context.Context, tenant domain.TenantID, key domain.CryptoKeyID) (bool, error) {
	for _, p := range []purpose{forEnvelopeKEM, forEnvelopeSign, forEnvelopeMAC, forDocumentSign, forDocumentMAC} {
		if kept, err := r.keeps(ctx, tenant, p, key.ID); kept || err != nil {
			return kept, err
		}
	}
	return false, nil
}

func (r *Ring) keeps(ctx context.Context, tenant domain.TenantID, p purpose, subject domain.ID) (bool, error) {
	blob, err := r.store.LoadKey(ctx, tenant.ID, p.name, subject, firstEpoch)
	clear(blob)
	switch {
	case errors.Is(err, ErrNoKey):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("looking for a key: %w", err)
	}
	return true, nil
}
