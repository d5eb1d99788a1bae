package chain

import (
	"crypto/sha3"
	"encoding/binary"
	"encoding/hex"
)

// Sizes in bytes.
const (
	HashSize      = 32
	MaxTypeLength = 63                          // of an event type
	MinHeader     = fixedHeader + 1             // 298
	MaxHeader     = fixedHeader + MaxTypeLength // 360
	MaxPayload    = 1 << 16                     // 65,536
	SignatureSize = 3309                        // FIPS 204 table 2, ML-DSA-65
	PublicKeySize = 1952                        // FIPS 204 table 2, ML-DSA-65
	SeedSize      = 32                          // FIPS 204 §5.1

	fixedHeader = 297
)

// Hash is a SHA3-256 output.
type Hash [HashSize]byte

// String returns 64 hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// IsZero reports whether h is no hash.
func (h Hash) IsZero() bool { return h == Hash{} }

// Tagged hashes parts, one after the other, under a label that keeps its
// purpose apart from every other: SHA3-256("quantaseal/v1/" ‖ label ‖ 0 ‖ parts).
func Tagged(label string, parts ...[]byte) Hash {
	var room [1024]byte
	b := append(room[:0], "quantaseal/v1/"...)
	b = append(append(b, label...), 0)
	if len(parts) == 1 && len(b)+len(parts[0]) <= len(room) {
		return sha3.Sum256(append(b, parts[0]...))
	}
	h := sha3.New256()
	_, _ = h.Write(b) // a hash never fails to write
	for _, p := range parts {
		_, _ = h.Write(p)
	}
	var sum Hash
	h.Sum(sum[:0])
	return sum
}

// LogID is what a verifier pins: it commits to the deployment's name, at most
// MaxOrigin bytes, to its first root key, and to when and how it was made. It never
// changes.
func LogID(origin string, rootPublicKey []byte, createdUS uint64, nonce [32]byte) Hash {
	name := binary.BigEndian.AppendUint16(nil, uint16(len(origin)))
	return Tagged("log-id", append(name, origin...), rootPublicKey, binary.BigEndian.AppendUint64(nil, createdUS), nonce[:])
}

// KeyID names a public key.
func KeyID(publicKey []byte) Hash { return Tagged("key-id", publicKey) }

// GenesisPrev is what the first record of tenant's chain links to.
func GenesisPrev(logID Hash, tenant [16]byte) Hash { return Tagged("genesis", logID[:], tenant[:]) }

// PayloadHash is what a header says of its payload.
func PayloadHash(payload []byte) Hash { return Tagged("payload", payload) }

// DetachedHash is what a header says of its detached blob.
func DetachedHash(detached []byte) Hash { return Tagged("detached", detached) }

// Head is where a chain ends. The zero Head is an empty chain's: its first record
// links to GenesisPrev.
type Head struct {
	Next   uint64 // sequence number of the record to come
	Hash   Hash   // of the last record
	TimeUS uint64 // of the last record
}
