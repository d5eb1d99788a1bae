package domain

import (
	"crypto/sha3"
	"encoding/binary"
)

// CryptoKeyID names one generation of a tenant's encryption keys.
type CryptoKeyID struct{ ID }

// KeyPurpose says what a key of a tenant's does. No key does two things. The words
// are stored.
type KeyPurpose string

// The purposes.
const (
	PurposeEnvelope KeyPurpose = "envelope" // encrypts, signs and opens envelopes
	PurposeDocument KeyPurpose = "document" // signs and verifies whatever callers bring
)

// Algorithms of each purpose, as they are stored: what the one generation holds.
const (
	EnvelopeAlgorithms = "ML-KEM-768+ML-DSA-65+HMAC-SHA-512"
	DocumentAlgorithms = "ML-DSA-65+HMAC-SHA-512"
)

// Algorithms returns what keys of the purpose are made of, or "" for no purpose.
func (p KeyPurpose) Algorithms() string {
	switch p {
	case PurposeEnvelope:
		return EnvelopeAlgorithms
	case PurposeDocument:
		return DocumentAlgorithms
	}
	return ""
}

// ParseKeyPurpose reads a purpose by its name. It refuses every other text with Invalid.
func ParseKeyPurpose(name string) (KeyPurpose, error) {
	if p := KeyPurpose(name); p.Algorithms() != "" {
		return p, nil
	}
	return "", invalid("purpose must be envelope or document")
}

// NewCryptoKeyID derives the id of a generation, from 1 on, so that two nodes that
// begin it at the same time make one key.
func NewCryptoKeyID(tenant TenantID, env Environment, purpose KeyPurpose, generation uint32) CryptoKeyID {
	h := sha3.New256()
	_, _ = h.Write([]byte("quantaseal/v1/crypto-key-id\x00" + string(env) + "\x00" + string(purpose) + "\x00")) // a hash never fails to write
	_, _ = h.Write(tenant.ID[:])
	_, _ = h.Write(binary.BigEndian.AppendUint32(nil, generation))
	return CryptoKeyID{DerivedID(Digest(h.Sum(nil)))}
}

// CryptoKeysID returns the aggregate of a tenant's encryption keys in one
// environment: what is encrypted in one is opened in no other.
func CryptoKeysID(tenant TenantID, env Environment) AggregateID {
	return AggregateID{Kind: KindCrypto, ID: NewCryptoKeyID(tenant, env, "", 0).ID}
}

// PublicKeys are what the world may know of a generation, encoded as FIPS 203 and
// 204 say. A generation for documents has no KEM key.
type PublicKeys struct {
	KEM  []byte // ML-KEM-768, 1184 bytes
	Sign []byte // ML-DSA-65, 1952 bytes
}

// KeyState says what a key may still do. The words are shown, not stored.
type KeyState string

// The states, in the order in which a key goes through them.
const (
	KeyActive    KeyState = "active"       // does everything
	KeyOld       KeyState = "decrypt_only" // opens and verifies, and makes nothing new
	KeyRetired   KeyState = "retired"      // does nothing
	KeyDestroyed KeyState = "destroyed"    // is gone
)

// CryptoKey is one generation of a tenant's encryption keys.
type CryptoKey struct {
	ID            CryptoKeyID
	Purpose       KeyPurpose
	Public        PublicKeys
	SignsBindings bool     // its envelopes carry a second ML-DSA-65 signature, over all of them
	State         KeyState // "" = there is no such key
	ActivatedAt   int64    // Unix microseconds, here and below
	ReplacedAt    int64    // when the next generation began; 0 = it has not
}

// MakesUntil returns when the key makes nothing new any more, at the latest.
func (k CryptoKey) MakesUntil() int64 {
	until := k.ActivatedAt + CryptoPeriod.Microseconds()
	if k.ReplacedAt != 0 {
		until = min(until, k.ReplacedAt)
	}
	return until
}

// VerifiesMACUntil returns until when the HMAC of a document verifies, or 0 for as
// long as the key is current: afterwards only its ML-DSA-65 half does, and a
// document takes both.
func (k CryptoKey) VerifiesMACUntil() int64 {
	if k.Purpose != PurposeDocument || k.ReplacedAt == 0 {
		return 0
	}
	return k.ReplacedAt + MACGrace.Microseconds()
}
