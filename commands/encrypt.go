package commands

import (
	"context"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/internal/envelope"
)

// Encrypt asks for data in an envelope.
type Encrypt struct {
	Actor     domain.Actor
	Plaintext Secret // at most envelope.MaxPlaintext bytes
	Context   []byte // canonical, or nil for none
	Spelling  Spelling
}

// Encrypted is a new envelope.
type Encrypted struct {
	Envelope envelope.Envelope
	Key      domain.CryptoKey
	Receipt  eventstore.Receipt
}

var errPlaintextTooLong = &domain.Error{Kind: domain.TooLarge, Message: "data must be at most 131072 bytes"}

// Encrypt puts cmd.Plaintext into an envelope under the tenant's active key. The
// envelope is on the record before it is returned. Nothing of it is kept: a repeat
// is another envelope and another fact. Access requirement: encryption:encrypt. It
// refuses with TooLarge, with Unavailable if the keys cannot be had, and with
// ErrDenied.
func (c *Encryption) Encrypt(ctx context.Context, cmd Encrypt) (Encrypted, error) {
	by := cmd.Actor
	if len(cmd.Plaintext) > envelope.MaxPlaintext {
		return Encrypted{}, errPlaintextTooLong
	}
	if err := c.Crypto.Ready(ctx, by.Tenant); err != nil {
		return Encrypted{}, err
	}
	if err := authorize(ctx, c.Log, by, domain.ScopeEncrypt, "encryption.encrypt"); err != nil {
		return Encrypted{}, err
	}
	if err := c.ensure(ctx, by, domain.PurposeEnvelope); err != nil {
		return Encrypted{}, err
	}
	var made Encrypted
	_, receipt, err := transact(ctx, c.Log, by, domain.CryptoKeysID(by.Tenant, by.Environment), cryptoTerms(),
		func(keys domain.CryptoKeys) (_ []domain.CryptoEvent, err error) {
			if made.Key, err = active(keys, domain.PurposeEnvelope); err != nil {
				return nil, err
			}
			if made.Envelope, err = c.Crypto.Encrypt(ctx, by.Tenant, made.Key, cmd.Plaintext, cmd.Context); err != nil {
				return nil, err
			}
			e := &made.Envelope
			return []domain.CryptoEvent{domain.DataEncrypted{
				CiphertextHash: e.DataHash(), ContextHash: envelope.ContextHash(e.Context), Dialect: cmd.Spelling.Dialect,
				Encoding: cmd.Spelling.Encoding, KEMHash: e.KEMHash(), KeyID: made.Key.ID, Suite: domain.EnvelopeSuite,
			}}, nil
		})
	if err != nil {
		return Encrypted{}, err
	}
	made.Receipt = receipt
	return made, nil
}

// Rewrap asks for an envelope to be replaced by one under the active key.
type Rewrap struct {
	Actor     domain.Actor
	Presented Presented
}

// Rewrap opens an envelope in memory and puts the same plaintext, under the same
// context, into a new one. No plaintext leaves. Access requirement:
// encryption:encrypt. It refuses with Unavailable if the keys cannot be had, and
// with ErrDenied, on the record, every envelope that Decrypt would refuse.
func (c *Encryption) Rewrap(ctx context.Context, cmd Rewrap) (Encrypted, error) {
	by := cmd.Actor
	if err := c.Crypto.Ready(ctx, by.Tenant); err != nil {
		return Encrypted{}, err
	}
	if by.May(domain.ScopeEncrypt) {
		if err := c.ensure(ctx, by, domain.PurposeEnvelope); err != nil {
			return Encrypted{}, err
		}
	}
	opened, err := c.recognise(ctx, by, cmd.Presented)
	if err != nil {
		return Encrypted{}, err
	}
	var made Encrypted
	_, receipt, err := transact(ctx, c.Log, by, domain.CryptoKeysID(by.Tenant, by.Environment), cryptoTerms(),
		func(keys domain.CryptoKeys) ([]domain.CryptoEvent, error) {
			plaintext, old, facts, err := c.open(ctx, by, keys, opened, domain.ScopeEncrypt)
			if err != nil {
				return facts, err
			}
			defer clear(plaintext)
			if made.Key, err = active(keys, domain.PurposeEnvelope); err != nil {
				return nil, err
			}
			if made.Envelope, err = c.Crypto.Encrypt(ctx, by.Tenant, made.Key, plaintext, opened.Envelope.Context); err != nil {
				return nil, err
			}
			e := &made.Envelope
			return []domain.CryptoEvent{domain.DataRewrapped{
				CiphertextHash: e.DataHash(), ContextHash: envelope.ContextHash(e.Context), KEMHash: e.KEMHash(), KeyID: made.Key.ID,
				OldCiphertextHash: opened.hash, OldKeyID: old.ID, Suite: domain.EnvelopeSuite,
			}}, nil
		})
	if err != nil {
		return Encrypted{}, err
	}
	made.Receipt = receipt
	return made, nil
}
