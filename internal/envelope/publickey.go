package envelope

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"

	"github.com/cloudflare/circl/kem/mlkem/mlkem768"
)

// Object identifiers of FIPS 203 and 204 keys (RFC 9935, RFC 9881).
var (
	oidMLKEM768 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 4, 2}
	oidMLDSA65  = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 18}
)

// PEM returns an encoded public key as a SubjectPublicKeyInfo in PEM, whose kind its
// size tells: ML-KEM-768 or ML-DSA-65. It returns ErrMalformed for another size.
func PEM(publicKey []byte) ([]byte, error) {
	var oid asn1.ObjectIdentifier
	switch len(publicKey) {
	case KEMPublicKeySize:
		oid = oidMLKEM768
	case SignPublicKeySize:
		oid = oidMLDSA65
	default:
		return nil, fmt.Errorf("a public key of %d bytes: %w", len(publicKey), ErrMalformed)
	}
	der, err := asn1.Marshal(struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}{pkix.AlgorithmIdentifier{Algorithm: oid}, asn1.BitString{Bytes: publicKey, BitLength: 8 * len(publicKey)}})
	if err != nil {
		return nil, fmt.Errorf("encoding a public key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

// ExpandKEM returns the 2,400 bytes that FIPS 203 calls a decapsulation key, for
// implementations that do not take its seed. The caller wipes it.
func ExpandKEM(seed *[KEMSeedSize]byte) []byte {
	_, secret := mlkem768.NewKeyFromSeed(seed[:])
	dk := make([]byte, KEMPrivateKeySize)
	secret.Pack(dk)
	*secret = mlkem768.PrivateKey{}
	return dk
}
