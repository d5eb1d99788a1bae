package commands

import (
	"context"
	"crypto/sha3"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/internal/envelope"
)

// Encryption holds what the commands on envelopes, documents and their keys need.
// All fields are required.
type Encryption struct {
	Log    *eventstore.Log
	Crypto Crypto
	Keys   Tenants
	Now    func() time.Time
	Logger *slog.Logger
}

// Crypto does with a tenant's encryption keys what commands ask for. The key ring
// implements it.
type Crypto interface {
	// Ready refuses with Unavailable if tenant's keys cannot be had now.
	Ready(ctx context.Context, tenant domain.TenantID) error
	// CreateCryptoKey makes the secrets of a generation, durably, and returns its
	// public keys. Asked again it returns the same.
	CreateCryptoKey(ctx context.Context, tenant domain.TenantID, id domain.CryptoKeyID, purpose domain.KeyPurpose) (domain.PublicKeys, error)
	// DestroyCryptoKey destroys them, durably. Asked again it does nothing.
	DestroyCryptoKey(ctx context.Context, tenant domain.TenantID, key domain.CryptoKey) error
	// ExportKey returns the secrets of a generation, which the caller wipes, all but
	// the one that signs.
	ExportKey(ctx context.Context, tenant domain.TenantID, key domain.CryptoKey) (envelope.Secrets, error)

	// Encrypt puts plaintext into an envelope. It keeps no reference to plaintext.
	Encrypt(ctx context.Context, tenant domain.TenantID, key domain.CryptoKey, plaintext, bound []byte) (envelope.Envelope, error)
	// Decrypt verifies and opens an envelope with key, the zero key standing for none.
	// vouched says that the log knows an envelope without signatures. It does the same
	// work whatever it returns: a plaintext, envelope.ErrRefused or
	// envelope.ErrIntegrity. The caller wipes the plaintext.
	Decrypt(ctx context.Context, tenant domain.TenantID, key domain.CryptoKey, e envelope.Envelope, vouched, allowed bool) ([]byte, error)

	// Sign signs data with a key for documents.
	Sign(ctx context.Context, tenant domain.TenantID, key domain.CryptoKey, data []byte) (envelope.Signatures, error)
	// VerifyPQC and VerifyMAC return 1 if one signature of data holds, else 0.
	VerifyPQC(ctx context.Context, tenant domain.TenantID, key domain.CryptoKey, data, signature []byte) (int, error)
	VerifyMAC(ctx context.Context, tenant domain.TenantID, key domain.CryptoKey, data, mac []byte) (int, error)
}

// ErrEnvelopeRefused refuses an envelope, whatever is wrong with it.
var ErrEnvelopeRefused = domain.ErrDenied

// Spelling says how a caller spells data, for the record alone.
type Spelling struct {
	Dialect  string // which of the published clients asks
	Encoding string // base64 or utf8
}

// cryptoTerms name a fact about an envelope by its ciphertext, so that the envelope
// leads to it.
func cryptoTerms() terms[domain.CryptoKeys] {
	return terms[domain.CryptoKeys]{name: func(e domain.Event) domain.ID {
		switch e := e.(type) {
		case domain.DataEncrypted:
			return ciphertextEvent(e.CiphertextHash)
		case domain.DataRewrapped:
			return ciphertextEvent(e.CiphertextHash)
		}
		return domain.ID{}
	}}
}

// ciphertextEvent returns the id of the event that made an envelope. Nobody can
// guess it before: a ciphertext is random.
func ciphertextEvent(hash domain.Digest) domain.ID {
	h := sha3.New256()
	_, _ = h.Write([]byte("quantaseal/v1/ciphertext-event\x00")) // a hash never fails to write
	_, _ = h.Write(hash[:])
	return domain.DerivedID(domain.Digest(h.Sum(nil)))
}

// ensure begins a generation for purpose in the actor's environment where one is
// due: the deployment does so by itself, whoever asks first.
func (c *Encryption) ensure(ctx context.Context, by domain.Actor, purpose domain.KeyPurpose) error {
	system := domain.System(by.Tenant, by.Request)
	_, _, err := transact(ctx, c.Log, system, domain.CryptoKeysID(by.Tenant, by.Environment), terms[domain.CryptoKeys]{},
		func(keys domain.CryptoKeys) ([]domain.CryptoEvent, error) {
			if !keys.Due(purpose, c.Now()) {
				return nil, nil
			}
			return c.begin(ctx, by, keys, purpose, keys.Active(purpose).SignsBindings)
		})
	if err != nil {
		return fmt.Errorf("beginning a generation of keys: %w", err)
	}
	return nil
}

// begin makes the next generation for purpose and returns the fact that begins it.
func (c *Encryption) begin(ctx context.Context, by domain.Actor, keys domain.CryptoKeys, purpose domain.KeyPurpose, signsBindings bool) ([]domain.CryptoEvent, error) {
	id := keys.Next(by.Tenant, by.Environment, purpose)
	public, err := c.Crypto.CreateCryptoKey(ctx, by.Tenant, id, purpose)
	if err != nil {
		return nil, err
	}
	return keys.Begin(id, purpose, by.Environment, public, signsBindings, c.Now()), nil
}

// active returns the key that makes what is new for a purpose. That there is none,
// though one was begun just now, is a race like any other.
func active(keys domain.CryptoKeys, purpose domain.KeyPurpose) (domain.CryptoKey, error) {
	k := keys.Active(purpose)
	if k.State == "" {
		return k, errors.New("commands: a generation of keys that was begun is not there")
	}
	return k, nil
}
