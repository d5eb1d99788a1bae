package seal

import (
	"crypto/hmac"
	"crypto/sha512"
	"crypto/subtle"
	"fmt"

	"github.com/cloudflare/circl/sign/mldsa/mldsa65"
)

const (
	recordContext  = labelPrefix + "vault-record" // FIPS 204 context string
	recordMACLabel = labelPrefix + "vault-record-hmac\x00"
)

// RecordKeys are the two keys that make a tenant's records authentic: an
// ML-DSA-65 signing key and an HMAC-SHA-512 secret. They sign nothing else. They
// are kept unpacked, since unpacking costs half a signature, and are safe for
// concurrent use.
type RecordKeys struct {
	secret *mldsa65.PrivateKey
	public *mldsa65.PublicKey
	id     [32]byte
	mac    [MACKeySize]byte
}

// NewRecordKeys expands the keys from an ML-DSA-65 seed (FIPS 204 ξ, 32 bytes)
// and a secret of 64 bytes. It keeps neither argument: the caller wipes both.
func NewRecordKeys(seed *[SeedSize]byte, macSecret *[MACKeySize]byte) *RecordKeys {
	k := &RecordKeys{mac: *macSecret}
	k.public, k.secret = mldsa65.NewKeyFromSeed(seed)
	k.id = tagged("key-id", k.public.Bytes())
	return k
}

// ID returns T("key-id", public key), by which records name their signer.
func (k *RecordKeys) ID() [32]byte { return k.id }

// PublicKey returns the ML-DSA-65 verification key, 1952 bytes.
func (k *RecordKeys) PublicKey() []byte { return k.public.Bytes() }

// Wipe overwrites the secret keys. k must not be used again.
func (k *RecordKeys) Wipe() {
	*k.secret = mldsa65.PrivateKey{}
	clear(k.mac[:])
}

// sign appends signature and MAC to message. Hedged signing mixes in fresh
// randomness (FIPS 204 §3.4); only known answers go without.
func (k *RecordKeys) sign(message []byte, hedged bool) ([]byte, error) {
	n := len(message)
	record := append(message, make([]byte, SignatureSize)...)
	if err := mldsa65.SignTo(k.secret, record[:n], []byte(recordContext), hedged, record[n:]); err != nil {
		return nil, fmt.Errorf("signing a record: %w", err)
	}
	return k.appendMAC(record, record[:n], record[n:]), nil
}

// verify returns 1 if both signature and MAC are ours, else 0. It always checks both.
func (k *RecordKeys) verify(p parsed) int {
	var want [MACSize]byte
	signed := boolMask(mldsa65.Verify(k.public, p.message, []byte(recordContext), p.signature))
	return signed & subtle.ConstantTimeCompare(k.appendMAC(want[:0], p.message, p.signature), p.mac)
}

func (k *RecordKeys) appendMAC(dst, message, signature []byte) []byte {
	h := hmac.New(sha512.New, k.mac[:])
	_, _ = h.Write([]byte(recordMACLabel)) // a hash never fails to write
	_, _ = h.Write(message)
	_, _ = h.Write(signature)
	return h.Sum(dst)
}

// boolMask turns a verdict into a mask that & combines.
func boolMask(ok bool) int {
	if ok {
		return 1
	}
	return 0
}
