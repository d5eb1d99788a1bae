package envelope

import (
	"crypto/sha512"
	"crypto/subtle"
	"fmt"

	"github.com/cloudflare/circl/sign/mldsa/mldsa65"
)

// Signatures are the two signatures of a document. Neither counts without the other.
type Signatures struct {
	PQC []byte // ML-DSA-65 (FIPS 204, empty context string), SignatureSize
	MAC []byte // HMAC-SHA-512 under SHA-512(secret), MACSize
}

// Join returns both signatures in one string of bytes, for callers that keep one.
func (s Signatures) Join() []byte { return append(append([]byte(nil), s.PQC...), s.MAC...) }

// SplitSignatures undoes Join. It returns ErrMalformed for another length.
func SplitSignatures(joined []byte) (Signatures, error) {
	if len(joined) != joinedSignaturesSize {
		return Signatures{}, ErrMalformed
	}
	return Signatures{joined[:SignatureSize:SignatureSize], joined[SignatureSize:]}, nil
}

// DocumentKeys are one generation of a tenant's keys for documents: an ML-DSA-65
// key and an HMAC-SHA-512 secret. They are never the keys of envelopes: a document
// may be anything, also somebody's ciphertext_data. They are kept unpacked and are
// safe for concurrent use.
type DocumentKeys struct {
	signer signer
}

// NewDocumentKeys expands keys from a seed and a secret. It keeps neither: the
// caller wipes both.
func NewDocumentKeys(seed *[SignSeedSize]byte, secret *[MACSecretSize]byte) *DocumentKeys {
	return &DocumentKeys{newSigner(seed, secret)}
}

// PublicKey returns the ML-DSA-65 verification key, SignPublicKeySize bytes.
func (k *DocumentKeys) PublicKey() []byte { return k.signer.public.Bytes() }

// Sign signs data twice.
func (k *DocumentKeys) Sign(data []byte) (Signatures, error) {
	signature, err := k.signer.sign(data, "")
	if err != nil {
		return Signatures{}, err
	}
	return Signatures{signature, mac512(&k.signer.mac, data)}, nil
}

// VerifyPQC returns 1 if signature is the ML-DSA-65 signature of data, else 0.
func (k *DocumentKeys) VerifyPQC(data, signature []byte) int {
	return k.signer.verify(data, signature, "")
}

// VerifyMAC returns 1 if mac is the HMAC of data, else 0.
func (k *DocumentKeys) VerifyMAC(data, mac []byte) int {
	return subtle.ConstantTimeCompare(mac512(&k.signer.mac, data), mac)
}

// VerifyPQC returns 1 if signature is the ML-DSA-65 signature of data by the holder
// of an encoded public key, else 0. It returns ErrMalformed if that is no key.
func VerifyPQC(publicKey, data, signature []byte) (int, error) {
	var key mldsa65.PublicKey
	if len(publicKey) != SignPublicKeySize {
		return 0, fmt.Errorf("a public key of %d bytes: %w", len(publicKey), ErrMalformed)
	}
	key.Unpack((*[SignPublicKeySize]byte)(publicKey))
	return mask(mldsa65.Verify(&key, data, nil, signature)), nil
}

// VerifyMAC returns 1 if mac is the HMAC of data under secret, else 0.
func VerifyMAC(secret, data, mac []byte) int {
	key := sha512.Sum512(secret)
	defer clear(key[:])
	return subtle.ConstantTimeCompare(mac512(&key, data), mac)
}
