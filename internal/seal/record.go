package seal

import (
	"encoding/binary"
	"math/bits"
)

// The QSV2 record, offsets in bytes.
const (
	offSuite      = 4
	offFlags      = 5
	offReserved16 = 6
	offLogID      = 8
	offTenant     = 40
	offCredential = 56
	offVersion    = 72
	offSealedAt   = 80
	offExpiresAt  = 88
	offTKEpoch    = 96
	offReserved32 = 100
	offKMSKeyRef  = 104
	offSignKeyID  = 136
	offEKHash     = 168
	offSalt       = 200
	offKEMCT      = 232
	offCommit     = 1320
	offNonce      = 1352
	offCTLen      = 1364
	offCT         = 1368
)

const (
	recordMagic = "QSV2"
	suiteV2     = 1 // ML-KEM-768, HKDF-SHA-512, AES-256-GCM, ML-DSA-65, HMAC-SHA-512
	flagTest    = 1

	bucket     = 256 // plaintexts are padded to a multiple of it, so that their length says little
	lengthSize = 4   // of the length inside the padded plaintext

	// SignatureSize is the first part of what follows the signed message of a record, in bytes.
	SignatureSize = 3309
	// MACSize is the second of them.
	MACSize     = 64
	trailerSize = SignatureSize + MACSize

	// MaxPlaintext is the longest plaintext of one record in bytes.
	MaxPlaintext = 1 << 20
	// MaxRecord is the size of a record with the longest plaintext.
	MaxRecord = offCT + (lengthSize+MaxPlaintext+bucket-1)/bucket*bucket + tagSize + trailerSize
)

// parsed is a record whose layout is sound. Its parts alias the bytes it was
// parsed from. Nothing in it is verified.
type parsed struct {
	whole     []byte
	message   []byte // what both signatures cover
	signature []byte
	mac       []byte
}

// layOut returns the message of b up to kem_ct, with room for a padded plaintext
// and all that follows it. The rest is zero.
func (b Binding) layOut(signKeyID, ekHash, salt *[32]byte, padded int) []byte {
	m := make([]byte, offCT+padded+tagSize, offCT+padded+tagSize+trailerSize)
	copy(m, recordMagic)
	m[offSuite] = suiteV2
	if b.Test {
		m[offFlags] = flagTest
	}
	copy(m[offLogID:], b.LogID[:])
	copy(m[offTenant:], b.Tenant[:])
	copy(m[offCredential:], b.Credential[:])
	binary.BigEndian.PutUint64(m[offVersion:], b.Version)
	binary.BigEndian.PutUint64(m[offSealedAt:], b.SealedAtUS)
	binary.BigEndian.PutUint64(m[offExpiresAt:], b.ExpiresAtUS)
	binary.BigEndian.PutUint32(m[offTKEpoch:], b.TKEpoch)
	copy(m[offKMSKeyRef:], b.KMSKeyRef[:])
	copy(m[offSignKeyID:], signKeyID[:])
	copy(m[offEKHash:], ekHash[:])
	copy(m[offSalt:], salt[:])
	binary.BigEndian.PutUint32(m[offCTLen:], uint32(padded+tagSize))
	return m
}

// parseRecord splits record. It refuses what Seal would not have written:
// another magic, suite, flag or reserved bit, a length that is not whole buckets,
// bytes too few or too many.
func parseRecord(record []byte) (parsed, bool) {
	if len(record) < offCT+bucket+tagSize+trailerSize || len(record) > MaxRecord {
		return parsed{}, false
	}
	end := len(record) - trailerSize
	p := parsed{
		whole:     record,
		message:   record[:end],
		signature: record[end : end+SignatureSize],
		mac:       record[end+SignatureSize:],
	}
	m := p.message
	sound := string(m[:offSuite]) == recordMagic &&
		m[offSuite] == suiteV2 &&
		m[offFlags]&^flagTest == 0 &&
		binary.BigEndian.Uint16(m[offReserved16:]) == 0 &&
		binary.BigEndian.Uint32(m[offReserved32:]) == 0 &&
		uint64(binary.BigEndian.Uint32(m[offCTLen:])) == uint64(len(m)-offCT) &&
		(len(m)-offCT-tagSize)%bucket == 0
	return p, sound
}

// Inspect reads what record says it is bound to. Nothing of it is verified: use
// it to find keys, never to decide. It returns ErrMalformed if record does not parse.
func Inspect(record []byte) (Binding, error) {
	p, sound := parseRecord(record)
	if !sound {
		return Binding{}, ErrMalformed
	}
	m := p.message
	return Binding{
		Identity: Identity{
			LogID:      [32]byte(m[offLogID:]),
			Tenant:     [16]byte(m[offTenant:]),
			Credential: [16]byte(m[offCredential:]),
			Version:    binary.BigEndian.Uint64(m[offVersion:]),
		},
		SealedAtUS:  binary.BigEndian.Uint64(m[offSealedAt:]),
		ExpiresAtUS: binary.BigEndian.Uint64(m[offExpiresAt:]),
		TKEpoch:     binary.BigEndian.Uint32(m[offTKEpoch:]),
		KMSKeyRef:   [32]byte(m[offKMSKeyRef:]),
		Test:        m[offFlags]&flagTest != 0,
	}, nil
}

// Hash returns T("vault-record", record), which the event about record commits to.
func Hash(record []byte) [32]byte { return tagged("vault-record", record) }

// paddedSize returns the size of a plaintext of n bytes with its length and padding.
func paddedSize(n int) int { return (lengthSize + n + bucket - 1) / bucket * bucket }

// unpad returns the plaintext inside padded, and 1 if its length and padding are
// the only ones Seal would have written, else 0.
func unpad(padded []byte) ([]byte, int) {
	if len(padded) < lengthSize {
		return nil, 0
	}
	n := uint64(binary.BigEndian.Uint32(padded))
	if n > MaxPlaintext || paddedSize(int(n)) != len(padded) {
		return nil, 0
	}
	var stray uint64
	for _, b := range padded[lengthSize+int(n):] {
		stray |= uint64(b)
	}
	_, zero := bits.Sub64(stray, 1, 0)
	return padded[lengthSize : lengthSize+int(n) : lengthSize+int(n)], int(zero)
}
