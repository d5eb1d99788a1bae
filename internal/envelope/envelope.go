// Package envelope makes and opens the public v1 envelope, by which a tenant's
// data travels encrypted and signed, and signs documents. It knows bytes and keys,
// no storage and no events, and has no options: each field has one algorithm.
//
// # What an envelope is
//
//	K          = ML-KEM-768 (FIPS 203) encapsulated for the tenant: ciphertext_kem
//	key        = HKDF-SHA-512(K, no salt, "quantaseal-aes-key"), 32 bytes
//	data       = nonce ‖ AES-256-GCM(key, nonce, plaintext, context): ciphertext_data
//	signatures = ML-DSA-65 (FIPS 204, empty context string) and
//	             HMAC-SHA-512 under SHA-512(secret), both of ciphertext_data
//	binding    = HMAC-SHA-512 of all of it, and an ML-DSA-65 signature too where the
//	             key demands one
//
// Any implementation of these algorithms reads it: docs/envelope.md says how. Wire
// 1.0 has no context; wire 1.1 carries one, authenticated and readable. The binding
// is ours: the two signatures leave out who the envelope is for.
//
// # Its one law
//
// Nothing is decrypted before everything that could have been changed was
// verified; every check is made every time; and a refusal has one form and costs
// what a success costs: see [Opener].
//
// Envelopes are read for ever; a change of format is a new version beside these.
package envelope

import (
	"errors"
)

// Names that the wire carries. No other algorithm is written or read.
const (
	KEMAlgorithm       = "ML-KEM-768"
	SignatureAlgorithm = "ML-DSA-65+HMAC-SHA-512"

	// Version10 is an envelope without a context. It is not written on the wire.
	Version10 = "1.0"
	// Version11 is an envelope with a context.
	Version11 = "1.1"
)

// Sizes in bytes.
const (
	KEMSeedSize          = 64   // d ‖ z of FIPS 203
	KEMPublicKeySize     = 1184 // FIPS 203, table 3
	KEMPrivateKeySize    = 2400 // the expanded form
	KEMCiphertextSize    = 1088
	SignSeedSize         = 32   // ξ of FIPS 204
	SignPublicKeySize    = 1952 // FIPS 204, table 2
	SignatureSize        = 3309
	MACSecretSize        = 64
	MACSize              = 64 // SHA-512
	MaxPlaintext         = 128 << 10
	MaxContext           = 4 << 10 // of a context in its canonical form
	Overhead             = nonceSize + tagSize
	nonceSize            = 12
	tagSize              = 16
	keySize              = 32
	maxData              = MaxPlaintext + Overhead
	bindingContext       = "quantaseal/v1/envelope-binding" // FIPS 204 context string
	bindingLabel         = "quantaseal/v1/envelope-binding-hmac"
	encryptionKeyLabel   = "quantaseal-aes-key"
	contextLabel         = "quantaseal/v1/envelope-context\x00"
	joinedSignaturesSize = SignatureSize + MACSize
)

var (
	// ErrRefused reports an envelope that is not opened. It does not say why.
	ErrRefused = errors.New("envelope: refused")
	// ErrIntegrity reports an envelope whose signatures are all ours and that yet does
	// not decrypt. It is never a caller's mistake.
	ErrIntegrity = errors.New("envelope: signed data contradicts itself")
	// ErrMalformed reports text or bytes that this package would not have written.
	ErrMalformed = errors.New("envelope: malformed")
	// ErrTooLong reports a plaintext of more than MaxPlaintext bytes, or a context of
	// more than MaxContext.
	ErrTooLong = errors.New("envelope: too long")
)

// Envelope is an envelope as bytes. What was parsed aliases nothing of its text.
type Envelope struct {
	Tenant           [16]byte
	KeyID            [16]byte // of the key it was made with; zero = it does not say
	KEMCiphertext    []byte   // KEMCiphertextSize
	Data             []byte   // nonce ‖ ciphertext ‖ tag
	Context          []byte   // canonical JSON (RFC 8785), authenticated; nil = wire 1.0
	Signature        []byte   // ML-DSA-65 of Data; nil = absent
	MAC              []byte   // HMAC-SHA-512 of Data; nil = absent
	BindingMAC       []byte   // nil = absent
	BindingSignature []byte   // nil = absent
}

// Version returns the wire version that e is written in.
func (e *Envelope) Version() string {
	if e.Context != nil {
		return Version11
	}
	return Version10
}

// Signed reports whether e carries any signature at all. Without one only what is
// known of it from elsewhere can vouch for it.
func (e *Envelope) Signed() bool {
	return e.Signature != nil || e.MAC != nil || e.BindingMAC != nil || e.BindingSignature != nil
}

// sound reports whether what e carries has the sizes of its fields.
func (e *Envelope) sound() bool {
	absentOr := func(b []byte, size int) bool { return b == nil || len(b) == size }
	return len(e.KEMCiphertext) == KEMCiphertextSize && len(e.Data) >= Overhead && len(e.Data) <= maxData &&
		len(e.Context) <= MaxContext && absentOr(e.Signature, SignatureSize) && absentOr(e.MAC, MACSize) &&
		absentOr(e.BindingMAC, MACSize) && absentOr(e.BindingSignature, SignatureSize)
}

// complete reports whether every signature is there that an envelope of ours has.
func (e *Envelope) complete() bool {
	return e.Signature != nil && e.MAC != nil && e.BindingMAC != nil
}
