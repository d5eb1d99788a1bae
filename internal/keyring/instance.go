package keyring

import (
	"context"
	"errors"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
)

// Instance are the secrets that all nodes of a deployment share, apart from any
// tenant. Each is wrapped by the KMS.
//
// They do not obey CacheTTL: a node loads them once and keeps them until it ends,
// whatever the KMS says meanwhile. They tell who asks, and open nothing. What a
// caller then wants recorded, opened or decrypted takes keys of the tenant, and
// those obey. Loading the secrets anew would take nothing from a node that the KMS
// trusts no more: they are never replaced, so it would know them all the same. It
// would only turn an outage of the KMS into one of whatever a proven caller may
// still have, which is what the read models hold in clear and what is in memory.
type Instance struct {
	PasswordPepper []byte // 32 bytes, for password hashes
	KeyPepper      []byte // 32 bytes, for digests of API keys
	TokenPepper    []byte // 32 bytes, for digests of refresh and other tokens
	RefreshKey     []byte // 32 bytes, derives a refresh token's successor
	AddressKey     []byte // 32 bytes, for MACs of e-mail addresses; never replaced
	AccessKey      []byte // 64 bytes, signs access tokens (HS512)
}

// instanceSecret pairs a secret's stored name with its place in an Instance.
type instanceSecret struct {
	purpose
	at *[]byte
}

func (i *Instance) secrets() []instanceSecret {
	return []instanceSecret{
		{purpose{name: "password-pepper", size: 32}, &i.PasswordPepper},
		{purpose{name: "key-pepper", size: 32}, &i.KeyPepper},
		{purpose{name: "token-pepper", size: 32}, &i.TokenPepper},
		{purpose{name: "refresh-key", size: 32}, &i.RefreshKey},
		{purpose{name: "address-key", size: 32}, &i.AddressKey},
		{purpose{name: "access-key", size: 64}, &i.AccessKey},
	}
}

// Wipe overwrites all secrets.
func (i *Instance) Wipe() {
	for _, s := range i.secrets() {
		clear(*s.at)
	}
}

// Instance loads the instance's secrets. It returns ErrNoKey if they were never
// created, or were lost.
func (r *Ring) Instance(ctx context.Context) (*Instance, error) {
	i := new(Instance)
	for _, s := range i.secrets() {
		secret, err := r.loadInstanceSecret(ctx, s.purpose)
		if err != nil {
			i.Wipe()
			return nil, fmt.Errorf("loading the %s: %w", s.name, err)
		}
		*s.at = secret
	}
	return i, nil
}

func (r *Ring) loadInstanceSecret(ctx context.Context, p purpose) ([]byte, error) {
	blob, err := r.store.LoadKey(ctx, [16]byte{}, p.name, [16]byte{}, firstEpoch)
	if err != nil {
		return nil, err
	}
	secret, err := r.decrypt(ctx, r.kmsContext(domain.TenantID{}, p.name, firstEpoch), blob)
	if err == nil && len(secret) != p.size {
		clear(secret)
		return nil, fmt.Errorf("keyring: a secret of %d bytes, not %d", len(secret), p.size)
	}
	return secret, err
}

// CreateInstance makes the instance's secrets, durably and all at once, unless
// there are some. It belongs before the genesis of the system chain: after that,
// missing secrets were lost, and new ones would lock everybody out.
func (r *Ring) CreateInstance(ctx context.Context) error {
	fresh := new(Instance)
	defer fresh.Wipe()
	// They are stored all or none, so one of them speaks for all.
	switch _, err := r.store.LoadKey(ctx, [16]byte{}, fresh.secrets()[0].name, [16]byte{}, firstEpoch); {
	case err == nil:
		return nil
	case !errors.Is(err, ErrNoKey):
		return fmt.Errorf("looking for the instance's secrets: %w", err)
	}
	var keys []WrappedKey
	for _, s := range fresh.secrets() {
		*s.at = s.draw()
		blob, err := r.encrypt(ctx, r.kmsContext(domain.TenantID{}, s.name, firstEpoch), *s.at)
		if err != nil {
			return fmt.Errorf("wrapping the %s: %w", s.name, err)
		}
		keys = append(keys, WrappedKey{Purpose: s.name, Epoch: firstEpoch, Blob: blob})
	}
	if err := r.store.StoreKeys(ctx, keys); err != nil && !errors.Is(err, ErrKeyExists) {
		return fmt.Errorf("storing the instance's secrets: %w", err)
	}
	return nil
}
