package keyring

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/seal"
)

// keyPeriod is how long a tenant key wraps. Then a new epoch begins; earlier
// ones go on unwrapping.
const keyPeriod = 90 * 24 * time.Hour

// tenantKey is one epoch's key-encryption key.
type tenantKey struct {
	key       [seal.KeySize]byte
	epoch     uint32
	createdUS uint64
}

// A stored tenant key is u64 created_us ‖ KMS blob. The encryption context
// repeats the time, so nobody makes a key younger.
const createdSize = 8

func createdOf(head []byte) uint64 { return binary.BigEndian.Uint64(head) }

func (r *Ring) tenantKeyContext(tenant domain.TenantID, epoch uint32, createdUS uint64) map[string]string {
	c := r.kmsContext(tenant, forTenantKey.name, epoch)
	c["created_us"] = strconv.FormatUint(createdUS, 10)
	return c
}

// drawTenantKey returns a fresh tenant key as it is and as it is stored.
func (r *Ring) drawTenantKey(ctx context.Context, tenant domain.TenantID, epoch uint32) (*tenantKey, WrappedKey, error) {
	k := &tenantKey{epoch: epoch, createdUS: r.nowUS()}
	plaintext, blob, err := r.generate(ctx, r.tenantKeyContext(tenant, epoch, k.createdUS))
	if err != nil {
		return nil, WrappedKey{}, fmt.Errorf("generating a tenant key: %w", err)
	}
	defer clear(plaintext)
	if copy(k.key[:], plaintext) != seal.KeySize || len(plaintext) != seal.KeySize {
		return nil, WrappedKey{}, fmt.Errorf("keyring: the KMS generated a key of %d bytes", len(plaintext))
	}
	stored := append(binary.BigEndian.AppendUint64(nil, k.createdUS), blob...)
	return k, WrappedKey{Tenant: tenant.ID, Purpose: forTenantKey.name, Epoch: epoch, Blob: stored}, nil
}

// loadTenantKey returns the tenant key of an epoch, or ErrNoKey.
func (r *Ring) loadTenantKey(ctx context.Context, tenant domain.TenantID, epoch uint32) (*tenantKey, error) {
	stored, err := r.store.LoadKey(ctx, tenant.ID, forTenantKey.name, [16]byte{}, epoch)
	if err != nil {
		return nil, err
	}
	created, blob, err := splitStored(stored, createdSize)
	if err != nil {
		return nil, err
	}
	k := &tenantKey{epoch: epoch, createdUS: createdOf(created)}
	plaintext, err := r.decrypt(ctx, r.tenantKeyContext(tenant, epoch, k.createdUS), blob)
	if err != nil {
		return nil, fmt.Errorf("decrypting a tenant key: %w", err)
	}
	defer clear(plaintext)
	if len(plaintext) != seal.KeySize {
		return nil, fmt.Errorf("keyring: a stored tenant key has %d bytes", len(plaintext))
	}
	copy(k.key[:], plaintext)
	return k, nil
}

// loadTenantKeys returns the keys of all epochs, oldest first, and begins a new
// epoch if the last one has lasted its time. All are loaded at once, so that
// opening an old record never waits for the KMS. It returns ErrNoTenant if there
// are none.
func (r *Ring) loadTenantKeys(ctx context.Context, tenant domain.TenantID) ([]*tenantKey, error) {
	var keys []*tenantKey
	for {
		k, err := r.loadTenantKey(ctx, tenant, uint32(len(keys))+1)
		if errors.Is(err, ErrNoKey) {
			break
		}
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, ErrNoTenant
	}
	last := keys[len(keys)-1]
	if r.now().Before(time.UnixMicro(int64(last.createdUS)).Add(keyPeriod)) {
		return keys, nil
	}
	next, stored, err := r.drawTenantKey(ctx, tenant, last.epoch+1)
	if err != nil {
		return nil, err
	}
	err = r.store.StoreKeys(ctx, []WrappedKey{stored})
	if errors.Is(err, ErrKeyExists) { // another node was faster
		next, err = r.loadTenantKey(ctx, tenant, last.epoch+1)
	}
	if err != nil {
		return nil, fmt.Errorf("beginning an epoch: %w", err)
	}
	return append(keys, next), nil
}
