// Package seal builds and opens everything that the vault keeps encrypted: the
// sealed record of one credential version (QSV2), keys wrapped under another key
// (QSW1), and the personal data beside an event (QSD1). It knows bytes and keys,
// no storage and no events, and has no options: each format has one algorithm.
//
// # What a record is
//
// A fresh ML-KEM-768 key pair (FIPS 203) and 32 random bytes per version feed one
// HKDF-SHA-512, whose output is an AES-256-GCM key that encrypts exactly one
// message and a commitment to that key. The whole is signed with ML-DSA-65
// (FIPS 204, hedged) and with HMAC-SHA-512 (RFC 2104). What opens it is its
// [Slot]: without those 96 bytes the record is noise, which is how a credential
// is destroyed.
//
// # Its one law
//
// Nothing is decrypted before everything that could have been changed was
// verified, and a refusal costs what a success costs: see [Opener].
//
// All integers are big-endian. Formats are read for ever; a change is a new magic.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha3"
	"errors"
	"fmt"
)

var (
	// ErrRefused reports that a record is not the one that was asked for, or that
	// the caller's own conditions did not hold. It does not say which.
	ErrRefused = errors.New("seal: refused")
	// ErrIntegrity reports authentic-looking data that does not decrypt: a record
	// that verified but whose slot or ciphertext contradicts it, or a wrapped key or
	// section under another key or for another place. It is never a caller's mistake.
	ErrIntegrity = errors.New("seal: stored data contradicts itself")
	// ErrMalformed reports bytes that this package would not have written.
	ErrMalformed = errors.New("seal: malformed")
	// ErrTooLong reports a plaintext beyond the limit of its format.
	ErrTooLong = errors.New("seal: plaintext too long")
)

// Sizes in bytes.
const (
	KeySize     = 32 // of every symmetric encryption key
	MACKeySize  = 64 // of a record HMAC secret
	SeedSize    = 32 // of an ML-DSA-65 signing key
	nonceSize   = 12 // AES-GCM
	tagSize     = 16 // AES-GCM
	labelPrefix = "quantaseal/v1/"
)

// KMSKeyRef names a KMS key in records: T("kms-key", name), where name is the
// key's ARN or what else identifies it for good.
func KMSKeyRef(name string) [32]byte { return tagged("kms-key", []byte(name)) }

// tagged is T(label, parts…) = SHA3-256("quantaseal/v1/" ‖ label ‖ 0 ‖ parts…).
func tagged(label string, parts ...[]byte) (sum [32]byte) {
	h := sha3.New256()
	_, _ = h.Write([]byte(labelPrefix + label + "\x00")) // a hash never fails to write
	for _, part := range parts {
		_, _ = h.Write(part)
	}
	h.Sum(sum[:0])
	return sum
}

// newGCM returns AES-256-GCM under key. It fails only for a key of another size.
func newGCM(key []byte) (cipher.AEAD, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("seal: a key of %d bytes", len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("preparing AES-256: %w", err)
	}
	return cipher.NewGCM(block)
}
