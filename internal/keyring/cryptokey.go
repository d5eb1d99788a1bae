package keyring

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/envelope"
)

// cryptoID names a generation of encryption keys, and what it has to be.
type cryptoID struct {
	tenant        domain.TenantID
	key           domain.CryptoKeyID
	signsBindings bool
}

func (id cryptoID) name() string { return "key " + id.tenant.String() + " " + id.key.String() }

// cryptoKey is one generation, unpacked, or why it cannot be had: for envelopes or
// for documents. It is not changed once it is in the cache.
type cryptoKey struct {
	err      error
	expires  time.Time
	envelope *envelope.Keys
	document *envelope.DocumentKeys
}

// secretsOf lists what a generation for a purpose is made of, each kept apart.
func secretsOf(p domain.KeyPurpose) []purpose {
	if p == domain.PurposeEnvelope {
		return []purpose{forEnvelopeKEM, forEnvelopeSign, forEnvelopeMAC}
	}
	return []purpose{forDocumentSign, forDocumentMAC}
}

// CreateCryptoKey makes the secrets of a generation, durably, and returns its
// public keys. Asked again, or by another node, it returns the same.
func (r *Ring) CreateCryptoKey(ctx context.Context, tenant domain.TenantID, id domain.CryptoKeyID, p domain.KeyPurpose) (domain.PublicKeys, error) {
	k, err := r.tenant(ctx, tenant)
	if err != nil {
		return domain.PublicKeys{}, err
	}
	var keys []WrappedKey
	for _, secret := range secretsOf(p) {
		wrapped, err := r.wrapFresh(k.current(), tenant, secret, id.ID)
		if err != nil {
			return domain.PublicKeys{}, err
		}
		keys = append(keys, wrapped)
	}
	if err := r.store.StoreKeys(ctx, keys); err != nil && !errors.Is(err, ErrKeyExists) {
		return domain.PublicKeys{}, fmt.Errorf("storing key %s: %w", id, err)
	}
	r.forgetCryptoKey(tenant, id)
	made, err := r.loadCryptoKey(ctx, tenant, domain.CryptoKey{ID: id, Purpose: p})
	if err != nil {
		return domain.PublicKeys{}, err
	}
	if p == domain.PurposeEnvelope {
		return domain.PublicKeys{KEM: made.envelope.KEMPublicKey(), Sign: made.envelope.SignPublicKey()}, nil
	}
	return domain.PublicKeys{KEM: []byte{}, Sign: made.document.PublicKey()}, nil
}

// DestroyCryptoKey destroys the secrets of a generation, durably: nothing that was
// encrypted for it opens from then on, on other nodes after at most CacheTTL. Asked
// again it does nothing.
func (r *Ring) DestroyCryptoKey(ctx context.Context, tenant domain.TenantID, k domain.CryptoKey) error {
	for _, secret := range secretsOf(k.Purpose) {
		if err := r.store.DestroyKey(ctx, tenant.ID, secret.name, k.ID.ID, firstEpoch); err != nil {
			return fmt.Errorf("destroying key %s: %w", k.ID, err)
		}
	}
	r.forgetCryptoKey(tenant, k.ID)
	return nil
}

// forgetCryptoKey makes the next use of a key load it.
func (r *Ring) forgetCryptoKey(tenant domain.TenantID, key domain.CryptoKeyID) {
	r.generation.Add(1)
	for _, signsBindings := range []bool{false, true} {
		id := cryptoID{tenant, key, signsBindings}
		r.loads.Forget(id.name())
		r.crypto.Remove(id)
	}
}

// cryptoKey returns the unpacked key of a generation, from memory if it is fresh:
// else ErrNoKey for one that was destroyed, or ErrUnavailable with the cause.
func (r *Ring) cryptoKey(ctx context.Context, tenant domain.TenantID, key domain.CryptoKey) (*cryptoKey, error) {
	id := cryptoID{tenant, key.ID, key.SignsBindings}
	if k, ok := r.crypto.Get(id); ok && r.now().Before(k.expires) {
		return k, k.err
	}
	k, err := once(ctx, r, id.name(), func(ctx context.Context) (*cryptoKey, error) {
		now, generation := r.now(), r.generation.Load()
		k, err := r.loadCryptoKey(ctx, tenant, key)
		if err != nil {
			k = &cryptoKey{err: unavailable(err), expires: now.Add(failureTTL)}
		}
		if r.generation.Load() == generation {
			r.crypto.Add(id, k)
		}
		return k, nil
	})
	if err != nil {
		return nil, err
	}
	return k, k.err
}

// loadCryptoKey loads and unpacks a generation. It expires with the tenant's keys.
func (r *Ring) loadCryptoKey(ctx context.Context, tenant domain.TenantID, key domain.CryptoKey) (*cryptoKey, error) {
	t, err := r.tenant(ctx, tenant)
	if err != nil {
		return nil, err
	}
	secrets, err := r.cryptoSecrets(ctx, t, tenant, key)
	if err != nil {
		return nil, err
	}
	defer secrets.Wipe()
	k := &cryptoKey{expires: t.expires}
	if key.Purpose != domain.PurposeEnvelope {
		k.document = envelope.NewDocumentKeys(&secrets.Sign, &secrets.MAC)
		return k, nil
	}
	id := envelope.KeyID{Tenant: tenant.ID, Key: key.ID.ID}
	if k.envelope, err = envelope.NewKeys(id, &secrets.KEM, &secrets.Sign, &secrets.MAC, key.SignsBindings); err != nil {
		return nil, fmt.Errorf("unpacking key %s: %w", key.ID, err)
	}
	return k, nil
}

// cryptoSecrets returns the secrets of a generation, which the caller wipes, or ErrNoKey.
func (r *Ring) cryptoSecrets(ctx context.Context, t *tenantKeys, tenant domain.TenantID, key domain.CryptoKey) (envelope.Secrets, error) {
	var s envelope.Secrets
	for _, p := range secretsOf(key.Purpose) {
		secret, err := r.loadSecret(ctx, t, tenant, p, key.ID.ID)
		if err != nil {
			s.Wipe()
			return s, fmt.Errorf("loading the %s key %s: %w", p.name, key.ID, err)
		}
		switch p {
		case forEnvelopeKEM:
			copy(s.KEM[:], secret)
		case forEnvelopeSign, forDocumentSign:
			copy(s.Sign[:], secret)
		default:
			copy(s.MAC[:], secret)
		}
		clear(secret)
	}
	return s, nil
}
