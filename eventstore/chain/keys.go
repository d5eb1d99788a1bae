package chain

import (
	"errors"
	"fmt"
	"io"

	"github.com/cloudflare/circl/sign/mldsa/mldsa65"
)

// The context strings (FIPS 204 §5.2). Each keeps the signatures of one purpose
// from passing as another's.
const (
	ContextEvent           = "quantaseal/v1/event"            // audit key, over a header
	ContextKeyCert         = "quantaseal/v1/keycert"          // root key, over a Certificate
	ContextKeyPOP          = "quantaseal/v1/keypop"           // next audit key, over its PossessionMessage
	ContextCheckpoint      = "quantaseal/v1/checkpoint"       // root key, over a signed note
	ContextVaultRecord     = "quantaseal/v1/vault-record"     // record key, over a sealed record
	ContextEnvelopeBinding = "quantaseal/v1/envelope-binding" // envelope key, over what an envelope leaves out
	ContextResult          = "quantaseal/v1/result"           // audit key, over the digest of a compliance result
	ContextReport          = "quantaseal/v1/report"           // audit key, over what a compliance report's files digest to
	ContextRecovery        = "quantaseal/v1/recovery"         // root key, over what a chain has lost
)

// ErrBadKey reports bytes that are no ML-DSA-65 public key.
var ErrBadKey = errors.New("chain: not an ML-DSA-65 public key")

// SigningKey is an ML-DSA-65 key pair, unpacked once. It may be used by many
// goroutines at a time.
type SigningKey struct {
	secret *mldsa65.PrivateKey
	public *PublicKey
}

// NewSigningKey expands a key pair from its seed (FIPS 204 algorithm 6). The
// caller wipes the seed.
func NewSigningKey(seed *[SeedSize]byte) *SigningKey {
	public, secret := mldsa65.NewKeyFromSeed(seed)
	return &SigningKey{secret: secret, public: newPublicKey(public)}
}

// Public returns the public half.
func (k *SigningKey) Public() *PublicKey { return k.public }

// ID returns the id of the public half.
func (k *SigningKey) ID() Hash { return k.public.id }

// Format prints a placeholder, whatever the verb.
func (k SigningKey) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[signing key]") }

// Sign returns the signature of message under a context string, SignatureSize
// bytes, hedged with fresh randomness (FIPS 204 §3.4): the same message never has
// the same signature twice. It costs about 120 µs. It fails only for a context of
// more than 255 bytes.
func (k *SigningKey) Sign(context string, message []byte) ([]byte, error) {
	signature := make([]byte, SignatureSize)
	if err := mldsa65.SignTo(k.secret, message, []byte(context), true, signature); err != nil {
		return nil, fmt.Errorf("chain: signing: %w", err)
	}
	return signature, nil
}

// PublicKey is an ML-DSA-65 public key, unpacked once, which costs as much as four
// verifications. It may be used by many goroutines at a time.
type PublicKey struct {
	key   *mldsa65.PublicKey
	bytes [PublicKeySize]byte
	id    Hash
}

// ParsePublicKey reads a public key. Any PublicKeySize bytes are one (FIPS 204
// algorithm 23); another length is ErrBadKey.
func ParsePublicKey(b []byte) (*PublicKey, error) {
	if len(b) != PublicKeySize {
		return nil, ErrBadKey
	}
	key := new(mldsa65.PublicKey)
	if err := key.UnmarshalBinary(b); err != nil {
		return nil, ErrBadKey
	}
	return newPublicKey(key), nil
}

func newPublicKey(key *mldsa65.PublicKey) *PublicKey {
	p := &PublicKey{key: key}
	key.Pack(&p.bytes)
	p.id = KeyID(p.bytes[:])
	return p
}

// Bytes returns the encoded key. The caller must not change it.
func (p *PublicKey) Bytes() []byte { return p.bytes[:] }

// ID returns KeyID of the encoded key.
func (p *PublicKey) ID() Hash { return p.id }

// Verify reports whether signature, of exactly SignatureSize bytes, is p's over
// message under a context string.
func (p *PublicKey) Verify(context string, message, signature []byte) bool {
	return len(signature) == SignatureSize && mldsa65.Verify(p.key, message, []byte(context), signature)
}
