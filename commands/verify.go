package commands

import (
	"bytes"
	"context"
	"crypto/sha3"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/internal/envelope"
)

// maxTrials is how many keys are tried for a document that does not say by which
// it was signed and whose HMAC is no key's.
const maxTrials = 3

// Verify asks whether a document's signatures hold.
type Verify struct {
	Actor      domain.Actor
	Data       []byte
	Signatures envelope.Signatures // a nil part does not hold
	Key        domain.CryptoKeyID  // zero = the document does not say
	PublicKey  []byte              // a key of the tenant's or the caller's own; nil = the tenant's
	MACSecret  Secret              // the caller's own; nil = the key's
}

// Verdict says what holds.
type Verdict struct {
	Valid   bool // both signatures, and somebody vouches for the keys
	PQC     bool
	MAC     bool
	Trust   domain.KeyTrust
	Key     domain.CryptoKey // zero unless the tenant's
	Receipt eventstore.Receipt
}

// Verify checks both signatures of a document, always both. With a public key that
// is not the tenant's the answer says so, and is valid only if the caller brought
// the HMAC secret too: what either means is then the caller's affair. What came out
// is on the record before it is returned. Access requirement: encryption:verify.
// It refuses with Invalid what is no public key, with Unavailable if the keys cannot
// be had, and with ErrDenied.
func (c *Encryption) Verify(ctx context.Context, cmd Verify) (Verdict, error) {
	by := cmd.Actor
	if cmd.PublicKey != nil && len(cmd.PublicKey) != envelope.SignPublicKeySize {
		return Verdict{}, &domain.Error{Kind: domain.Invalid, Message: "public_key must be an ML-DSA-65 key of 1952 bytes"}
	}
	if err := c.Crypto.Ready(ctx, by.Tenant); err != nil {
		return Verdict{}, err
	}
	if err := authorize(ctx, c.Log, by, domain.ScopeVerify, "encryption.verify"); err != nil {
		return Verdict{}, err
	}
	var v Verdict
	ref := domain.Digest(sha3.Sum256(cmd.Signatures.PQC))
	_, receipt, err := transact(ctx, c.Log, by, domain.CryptoKeysID(by.Tenant, by.Environment), terms[domain.CryptoKeys]{},
		func(keys domain.CryptoKeys) (_ []domain.CryptoEvent, err error) {
			if v, err = c.judge(ctx, cmd, keys); err != nil {
				return nil, err
			}
			if v.Valid {
				return []domain.CryptoEvent{domain.SignatureVerified{KeyID: v.Key.ID, KeyTrust: v.Trust, ObjectRef: ref}}, nil
			}
			return []domain.CryptoEvent{domain.SignatureVerifyFailed{KeyID: v.Key.ID, KeyTrust: v.Trust, MACValid: v.MAC, ObjectRef: ref, PQCValid: v.PQC}}, nil
		})
	if err != nil {
		return Verdict{}, err
	}
	v.Receipt = receipt
	return v, nil
}

// judge checks both signatures by the key that they are said to be of.
func (c *Encryption) judge(ctx context.Context, cmd Verify, keys domain.CryptoKeys) (Verdict, error) {
	by := cmd.Actor
	key, err := c.signerOf(ctx, cmd, keys)
	if err != nil {
		return Verdict{}, err
	}
	v, pqc, mac := Verdict{Key: key, Trust: domain.TrustNone}, 0, 0
	switch {
	case key.State == domain.KeyActive:
		v.Trust = domain.TrustCurrent
	case key.State != "":
		v.Trust = domain.TrustPast
	case cmd.PublicKey != nil:
		v.Trust = domain.TrustCaller
		pqc, err = envelope.VerifyPQC(cmd.PublicKey, cmd.Data, cmd.Signatures.PQC)
	}
	if err == nil && key.State != "" {
		pqc, err = c.Crypto.VerifyPQC(ctx, by.Tenant, key, cmd.Data, cmd.Signatures.PQC)
	}
	switch until := key.VerifiesMACUntil(); {
	case err != nil:
	case cmd.MACSecret != nil:
		mac = envelope.VerifyMAC(cmd.MACSecret, cmd.Data, cmd.Signatures.MAC)
	case key.State != "" && (until == 0 || c.Now().UnixMicro() < until):
		mac, err = c.Crypto.VerifyMAC(ctx, by.Tenant, key, cmd.Data, cmd.Signatures.MAC)
	}
	v.PQC, v.MAC, v.Valid = pqc == 1, mac == 1, pqc&mac == 1
	return v, err
}

// signerOf returns the tenant's key by which a document is to be judged, or the
// zero key: the one that is named, else the one whose HMAC it carries, else one of
// the newest whose ML-DSA-65 signature it carries, else the newest.
func (c *Encryption) signerOf(ctx context.Context, cmd Verify, keys domain.CryptoKeys) (domain.CryptoKey, error) {
	reading := keys.Reading(domain.PurposeDocument)
	if cmd.PublicKey != nil || !cmd.Key.IsZero() {
		for _, k := range reading {
			if (cmd.PublicKey == nil || bytes.Equal(k.Public.Sign, cmd.PublicKey)) && (cmd.Key.IsZero() || k.ID == cmd.Key) {
				return k, nil
			}
		}
		return domain.CryptoKey{}, nil
	}
	if len(reading) < 2 {
		return keys.Active(domain.PurposeDocument), nil
	}
	for _, k := range reading {
		if same, err := c.Crypto.VerifyMAC(ctx, cmd.Actor.Tenant, k, cmd.Data, cmd.Signatures.MAC); err != nil || same == 1 {
			return k, err
		}
	}
	for _, k := range reading[:min(len(reading), maxTrials)] {
		if same, err := c.Crypto.VerifyPQC(ctx, cmd.Actor.Tenant, k, cmd.Data, cmd.Signatures.PQC); err != nil || same == 1 {
			return k, err
		}
	}
	return reading[0], nil
}
