package seal

import (
	"crypto/hkdf"
	"crypto/sha512"
	"crypto/subtle"
	"fmt"

	"github.com/cloudflare/circl/kem/mlkem/mlkem768"
)

const (
	kemSeedSize = mlkem768.KeySeedSize    // d ‖ z
	kemCTSize   = mlkem768.CiphertextSize // 1088
	dekLabel    = labelPrefix + "vault-dek\x00"
)

// kemPair is an ML-KEM-768 key pair expanded from its seed (FIPS 203, algorithm 16).
type kemPair struct {
	public *mlkem768.PublicKey
	secret *mlkem768.PrivateKey
	ekHash [32]byte
}

func newKEMPair(seed []byte) kemPair {
	var p kemPair
	var ek [mlkem768.PublicKeySize]byte
	p.public, p.secret = mlkem768.NewKeyFromSeed(seed)
	p.public.Pack(ek[:])
	p.ekHash = tagged("ek", ek[:])
	return p
}

// wipe overwrites what the library lets us reach of the secret key.
func (p kemPair) wipe() { *p.secret = mlkem768.PrivateKey{} }

// encapsulate writes a ciphertext into ct and its shared key into shared, drawn
// from m. The pair is new, so this is also its consistency check (FIPS 203 §7.1):
// ErrIntegrity if decapsulation does not give the same key.
func (p kemPair) encapsulate(ct, shared, m []byte) error {
	var again [KeySize]byte
	p.public.EncapsulateTo(ct, shared, m)
	p.secret.DecapsulateTo(again[:], ct)
	same := subtle.ConstantTimeCompare(shared, again[:])
	clear(again[:])
	if same != 1 {
		return fmt.Errorf("a new ML-KEM pair is inconsistent: %w", ErrIntegrity)
	}
	return nil
}

// deriveKeys combines the two input secrets into the record's encryption key and
// the commitment to it. Everything before the commitment is in the derivation, so
// neither secret alone gives the key and no other record shares it
// (SP 800-56C with the combiner shape of SP 800-227).
func deriveKeys(message, kemShared, second []byte) (dek, commit []byte, err error) {
	salt := tagged("dek-salt", message[offSalt:offCommit])
	ikm := make([]byte, 0, 2*KeySize)
	ikm = append(append(ikm, kemShared...), second...)
	okm, err := hkdf.Key(sha512.New, ikm, salt[:], dekLabel+string(message[:offCommit]), 2*KeySize)
	clear(ikm)
	if err != nil {
		return nil, nil, fmt.Errorf("deriving a record key: %w", err)
	}
	return okm[:KeySize], okm[KeySize:], nil
}
