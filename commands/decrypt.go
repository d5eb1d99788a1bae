package commands

import (
	"context"
	"errors"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/internal/envelope"
)

// The forms in which an envelope is presented. The words are stored.
const (
	FormEnvelope = "envelope"
	FormToken    = "token"
	FormPieces   = "pieces"
)

// Presented is an envelope as a caller presents it: the zero Envelope where what
// was presented cannot be read, which is refused like any other.
type Presented struct {
	Envelope envelope.Envelope
	Form     string
}

// Decrypt asks for the plaintext of an envelope.
type Decrypt struct {
	Actor      domain.Actor
	Presented  Presented
	Spelling   Spelling
	Unverified bool // the caller asked for no verification, which is not to be had
}

// Decrypted is a plaintext with the key that it was encrypted for. Whoever gets it
// wipes Plaintext.
type Decrypted struct {
	Plaintext Secret
	Key       domain.CryptoKey
	Receipt   eventstore.Receipt
}

// Decrypt returns the plaintext of an envelope of the tenant's and the actor's
// environment. Everything is verified first, always; the access is durable on the
// record before the plaintext is returned. Access requirement: encryption:decrypt.
// It refuses with Unavailable if the keys cannot be had, and otherwise with
// ErrDenied for every reason, after the same work and likewise on the record.
func (c *Encryption) Decrypt(ctx context.Context, cmd Decrypt) (Decrypted, error) {
	by := cmd.Actor
	if err := c.Crypto.Ready(ctx, by.Tenant); err != nil {
		return Decrypted{}, err
	}
	opened, err := c.recognise(ctx, by, cmd.Presented)
	if err != nil {
		return Decrypted{}, err
	}
	var got Decrypted
	_, receipt, err := transact(ctx, c.Log, by, domain.CryptoKeysID(by.Tenant, by.Environment), terms[domain.CryptoKeys]{},
		func(keys domain.CryptoKeys) ([]domain.CryptoEvent, error) {
			clear(got.Plaintext)
			plaintext, key, facts, err := c.open(ctx, by, keys, opened, domain.ScopeDecrypt)
			if err != nil {
				return facts, err
			}
			got.Plaintext, got.Key = plaintext, key
			return []domain.CryptoEvent{domain.DataDecrypted{
				CiphertextHash: opened.hash, Dialect: cmd.Spelling.Dialect, Encoding: cmd.Spelling.Encoding,
				Form: opened.Form, KeyID: key.ID, Unverified: cmd.Unverified,
			}}, nil
		})
	if err != nil {
		clear(got.Plaintext)
		return Decrypted{}, err
	}
	got.Receipt = receipt
	return got, nil
}

// recognised is a presented envelope with what the log knows of it.
type recognised struct {
	Presented
	hash    domain.Digest // of its ciphertext; zero if it could not be read
	vouched bool          // it carries no signature, and the log says that it was made so
}

// recognise looks an envelope without any signature up in the log, and learns from
// there for which key it was made.
func (c *Encryption) recognise(ctx context.Context, by domain.Actor, p Presented) (recognised, error) {
	r := recognised{Presented: p}
	e := &r.Envelope
	if e.Data == nil {
		return r, nil
	}
	r.hash = e.DataHash()
	if e.Signed() {
		return r, nil
	}
	recorded, err := c.Log.Find(ctx, by.Tenant, ciphertextEvent(r.hash))
	if errors.Is(err, eventstore.ErrNotFound) {
		return r, nil
	}
	if err != nil {
		return r, fmt.Errorf("finding the fact of an envelope: %w", err)
	}
	var made domain.DataEncrypted
	switch fact := recorded.Event.(type) {
	case domain.DataEncrypted:
		made = fact
	case domain.DataRewrapped:
		made = domain.DataEncrypted{CiphertextHash: fact.CiphertextHash, ContextHash: fact.ContextHash, KEMHash: fact.KEMHash, KeyID: fact.KeyID}
	}
	if made.CiphertextHash == r.hash && made.KEMHash == e.KEMHash() && made.ContextHash == envelope.ContextHash(e.Context) {
		e.Tenant, e.KeyID, r.vouched = by.Tenant.ID, made.KeyID.ID, true
	}
	return r, nil
}

// open decides about a presented envelope and opens it in memory. A refusal comes
// with the fact that says so.
func (c *Encryption) open(ctx context.Context, by domain.Actor, keys domain.CryptoKeys, r recognised, scope domain.Scope) (Secret, domain.CryptoKey, []domain.CryptoEvent, error) {
	key := keys.Key(domain.CryptoKeyID{ID: r.Envelope.KeyID})
	if key.Purpose != domain.PurposeEnvelope || !key.Reads() {
		key = domain.CryptoKey{}
	}
	plaintext, err := c.Crypto.Decrypt(ctx, by.Tenant, key, r.Envelope, r.vouched, by.May(scope))
	switch {
	case err == nil:
		return plaintext, key, nil, nil
	case errors.Is(err, envelope.ErrRefused):
		reason := domain.ReasonUnverified
		if !by.May(scope) {
			reason, _ = by.Denial()
		}
		return nil, key, []domain.CryptoEvent{domain.DataDecryptDenied{CiphertextHash: r.hash, Form: r.Form, Reason: reason}}, ErrEnvelopeRefused
	case errors.Is(err, envelope.ErrIntegrity):
		ref := domain.EntryID{ID: key.ID.ID}
		return nil, key, []domain.CryptoEvent{domain.IntegrityViolated{Check: "envelope", ObjectRef: ref}}, ErrEnvelopeRefused
	}
	return nil, key, nil, fmt.Errorf("opening an envelope: %w", err)
}
