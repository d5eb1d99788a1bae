package keyring

import (
	"context"
	"errors"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// rewrapPage is how many keys are moved in one transaction.
const rewrapPage = 100

// wrappedByKMS lists what the KMS wraps, with how much stands before its blob.
func wrappedByKMS() map[string]int {
	heads := map[string]int{forTenantKey.name: createdSize, forRoot.name: len(chain.Hash{})}
	for _, s := range new(Instance).secrets() {
		heads[s.name] = 0
	}
	return heads
}

// KeepRoot has the KMS wrap the deployment's root key, durably, so that it moves with
// the other keys. It returns ErrForeignKey for another key. Asked again it does nothing.
func (r *Ring) KeepRoot(ctx context.Context, seed *[chain.SeedSize]byte) error {
	if chain.NewSigningKey(seed).ID() != r.root.ID() {
		return ErrForeignKey
	}
	return r.keepRoot(ctx, seed)
}

// Unmoved returns how many keys another KMS wraps than the one that wraps now.
func (r *Ring) Unmoved(ctx context.Context) (int, error) {
	unmoved := 0
	err := r.eachForeign(ctx, func(keys []WrappedKey) error {
		unmoved += len(keys)
		return nil
	})
	return unmoved, err
}

// Rewrap has the KMS wrap every key that the former one does, durably, and returns how many.
// The keys stay the same: no record and no envelope changes, and whoever has them in
// memory goes on. What was moved is readable before what it replaces is gone. If it
// breaks off, it can be asked again; beside servers it may run.
func (r *Ring) Rewrap(ctx context.Context) (moved int, err error) {
	err = r.eachForeign(ctx, func(keys []WrappedKey) error {
		replaced := make([]Replacement, len(keys))
		for i, k := range keys {
			next, err := r.rewrap(ctx, k)
			if err != nil {
				return fmt.Errorf("moving the %s of tenant %s, epoch %d: %w", k.Purpose, domain.ID(k.Tenant), k.Epoch, err)
			}
			replaced[i] = Replacement{Old: k, New: next}
		}
		n, err := r.store.ReplaceKeys(ctx, replaced)
		moved += n
		return err
	})
	return moved, err
}

// eachForeign gives do what the KMS does not hold, page by page.
func (r *Ring) eachForeign(ctx context.Context, do func([]WrappedKey) error) error {
	for name, size := range wrappedByKMS() {
		for after := int64(0); ; {
			page, last, err := r.store.KeysOf(ctx, name, after, rewrapPage)
			if err != nil {
				return fmt.Errorf("listing wrapped keys: %w", err)
			}
			if len(page) == 0 {
				break
			}
			after = last
			var foreign []WrappedKey
			for _, k := range page {
				if _, blob, err := splitStored(k.Blob, size); err != nil || !r.kms.Holds(blob) {
					foreign = append(foreign, k)
				}
			}
			if len(foreign) == 0 {
				continue
			}
			if err := do(foreign); err != nil {
				return err
			}
		}
	}
	return nil
}

// rewrap returns k as the KMS wraps it. What stands before the blob stays.
func (r *Ring) rewrap(ctx context.Context, k WrappedKey) (WrappedKey, error) {
	if r.former == nil {
		return WrappedKey{}, errors.New("keyring: nobody was named who holds it")
	}
	head, blob, err := splitStored(k.Blob, wrappedByKMS()[k.Purpose])
	if err != nil {
		return WrappedKey{}, err
	}
	kctx := r.contextOf(k, head)
	secret, err := r.decrypt(ctx, kctx, blob)
	if err != nil {
		return WrappedKey{}, err
	}
	defer clear(secret)
	next, err := r.encrypt(ctx, kctx, secret)
	if err != nil {
		return WrappedKey{}, err
	}
	k.Blob = append(append([]byte{}, head...), next...)
	return k, nil
}

// contextOf returns the encryption context of a stored key.
func (r *Ring) contextOf(k WrappedKey, head []byte) map[string]string {
	switch k.Purpose {
	case forRoot.name:
		return rootContext(chain.Hash(head))
	case forTenantKey.name:
		return r.tenantKeyContext(domain.TenantID{ID: k.Tenant}, k.Epoch, createdOf(head))
	}
	return r.kmsContext(domain.TenantID{ID: k.Tenant}, k.Purpose, k.Epoch)
}

// KMSKeyRef names the key that wraps now, as sealed records do.
func (r *Ring) KMSKeyRef() domain.Digest { return r.kms.KeyRef() }
