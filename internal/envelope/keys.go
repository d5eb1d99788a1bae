package envelope

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha512"
	"crypto/subtle"
	"fmt"

	"github.com/cloudflare/circl/kem/mlkem/mlkem768"
	"github.com/cloudflare/circl/sign/mldsa/mldsa65"
)

// KeyID says whose a key is and which.
type KeyID struct {
	Tenant [16]byte
	Key    [16]byte
}

// Keys are one generation of a tenant's envelope keys: an ML-KEM-768 pair, an
// ML-DSA-65 key and an HMAC-SHA-512 secret, which do nothing but envelopes. They
// are kept unpacked and are safe for concurrent use.
type Keys struct {
	id     KeyID
	public *mlkem768.PublicKey
	secret *mlkem768.PrivateKey
	signer signer

	bindingMAC    [MACSize]byte
	signsBindings bool
}

// NewKeys expands keys from their seeds and secret. It keeps none of the three:
// the caller wipes them. With signsBindings every envelope carries an ML-DSA-65
// signature of its binding too, and one without is refused. It returns
// ErrIntegrity if the ML-KEM pair does not agree with itself (FIPS 203 §7.1).
func NewKeys(id KeyID, kemSeed *[KEMSeedSize]byte, signSeed *[SignSeedSize]byte, secret *[MACSecretSize]byte, signsBindings bool) (*Keys, error) {
	k := &Keys{id: id, signsBindings: signsBindings, signer: newSigner(signSeed, secret)}
	derived, err := hkdf.Key(sha512.New, secret[:], nil, bindingLabel, MACSize)
	if err != nil {
		return nil, fmt.Errorf("deriving a binding key: %w", err)
	}
	copy(k.bindingMAC[:], derived)
	clear(derived)
	k.public, k.secret = mlkem768.NewKeyFromSeed(kemSeed[:])
	var ct [KEMCiphertextSize]byte
	var there, back [keySize]byte
	k.public.EncapsulateTo(ct[:], there[:], kemSeed[:mlkem768.EncapsulationSeedSize]) // nobody sees this ciphertext
	k.secret.DecapsulateTo(back[:], ct[:])
	same := subtle.ConstantTimeCompare(there[:], back[:])
	clear(there[:])
	clear(back[:])
	if same != 1 {
		return nil, fmt.Errorf("an ML-KEM pair is inconsistent: %w", ErrIntegrity)
	}
	return k, nil
}

// KEMPublicKey returns the encapsulation key, KEMPublicKeySize bytes.
func (k *Keys) KEMPublicKey() []byte {
	ek := make([]byte, KEMPublicKeySize)
	k.public.Pack(ek)
	return ek
}

// SignPublicKey returns the ML-DSA-65 verification key, SignPublicKeySize bytes.
func (k *Keys) SignPublicKey() []byte { return k.signer.public.Bytes() }

// signer makes and checks the two signatures that envelopes and documents have.
type signer struct {
	secret *mldsa65.PrivateKey
	public *mldsa65.PublicKey
	mac    [MACSize]byte // SHA-512 of the secret

	deterministic bool // only for known answers
}

func newSigner(seed *[SignSeedSize]byte, secret *[MACSecretSize]byte) signer {
	var s signer
	s.public, s.secret = mldsa65.NewKeyFromSeed(seed)
	s.mac = sha512.Sum512(secret[:])
	return s
}

// sign returns the hedged ML-DSA-65 signature (FIPS 204 §3.4) of message under a
// context string.
func (s *signer) sign(message []byte, context string) ([]byte, error) {
	signature := make([]byte, SignatureSize)
	if err := mldsa65.SignTo(s.secret, message, []byte(context), !s.deterministic, signature); err != nil {
		return nil, fmt.Errorf("signing with ML-DSA-65: %w", err)
	}
	return signature, nil
}

// verify returns 1 if signature is s's of message, else 0. One that is absent is not.
func (s *signer) verify(message, signature []byte, context string) int {
	return mask(mldsa65.Verify(s.public, message, []byte(context), signature))
}

// mac512 returns HMAC-SHA-512 of message.
func mac512(key *[MACSize]byte, message []byte) []byte {
	h := hmac.New(sha512.New, key[:])
	_, _ = h.Write(message) // a hash never fails to write
	return h.Sum(make([]byte, 0, MACSize))
}

// mask turns a verdict into a mask that & combines.
func mask(ok bool) int {
	if ok {
		return 1
	}
	return 0
}

// Secrets are what a generation of keys is made of. Keys for documents have no KEM seed.
type Secrets struct {
	KEM  [KEMSeedSize]byte
	Sign [SignSeedSize]byte
	MAC  [MACSecretSize]byte
}

// Wipe overwrites s with zeros.
func (s *Secrets) Wipe() {
	clear(s.KEM[:])
	clear(s.Sign[:])
	clear(s.MAC[:])
}
