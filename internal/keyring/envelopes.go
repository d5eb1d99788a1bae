package keyring

import (
	"context"
	"errors"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/envelope"
)

// Encrypt puts plaintext into an envelope under a key for envelopes, bound to a
// canonical context or to none. It keeps no reference to plaintext.
func (r *Ring) Encrypt(ctx context.Context, tenant domain.TenantID, key domain.CryptoKey, plaintext, bound []byte) (envelope.Envelope, error) {
	k, err := r.cryptoKey(ctx, tenant, key)
	if err != nil {
		return envelope.Envelope{}, err
	}
	return k.envelope.Encrypt(plaintext, bound)
}

// Decrypt verifies and opens an envelope with a key, or with none if key is zero.
// Whatever is wrong with it, and where allowed is false, it does the same work and
// returns envelope.ErrRefused; envelope.ErrIntegrity if it was all ours and does
// not decrypt. A fault means that the key could not be had. The caller wipes the
// plaintext.
func (r *Ring) Decrypt(ctx context.Context, tenant domain.TenantID, key domain.CryptoKey, e envelope.Envelope, vouched, allowed bool) ([]byte, error) {
	request := envelope.Request{Envelope: e, Vouched: vouched, Allowed: allowed}
	if key.State != "" {
		k, err := r.cryptoKey(ctx, tenant, key)
		if err != nil && !errors.Is(err, ErrNoKey) {
			return nil, err
		}
		if err == nil {
			request.Keys = k.envelope
		}
	}
	return r.envelopes.Open(request)
}

// Sign signs data with a key for documents.
func (r *Ring) Sign(ctx context.Context, tenant domain.TenantID, key domain.CryptoKey, data []byte) (envelope.Signatures, error) {
	k, err := r.cryptoKey(ctx, tenant, key)
	if err != nil {
		return envelope.Signatures{}, err
	}
	return k.document.Sign(data)
}

// VerifyMAC returns 1 if mac is the HMAC of data under a key for documents, else 0.
func (r *Ring) VerifyMAC(ctx context.Context, tenant domain.TenantID, key domain.CryptoKey, data, mac []byte) (int, error) {
	k, err := r.cryptoKey(ctx, tenant, key)
	if err != nil {
		return 0, err
	}
	return k.document.VerifyMAC(data, mac), nil
}

// VerifyPQC returns 1 if signature is the ML-DSA-65 signature of data under a key
// for documents, else 0.
func (r *Ring) VerifyPQC(ctx context.Context, tenant domain.TenantID, key domain.CryptoKey, data, signature []byte) (int, error) {
	k, err := r.cryptoKey(ctx, tenant, key)
	if err != nil {
		return 0, err
	}
	return k.document.VerifyPQC(data, signature), nil
}

// ExportKey returns the secrets of a key, which the caller wipes. It returns
// ErrNoKey for one that was destroyed.
func (r *Ring) ExportKey(ctx context.Context, tenant domain.TenantID, key domain.CryptoKey) (envelope.Secrets, error) {
	t, err := r.tenant(ctx, tenant)
	if err != nil {
		return envelope.Secrets{}, err
	}
	secrets, err := r.cryptoSecrets(ctx, t, tenant, key)
	if err != nil {
		return envelope.Secrets{}, fmt.Errorf("exporting a key: %w", err)
	}
	clear(secrets.Sign[:]) // whoever could sign with it could deny having signed
	return secrets, nil
}
