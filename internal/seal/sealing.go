package seal

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
)

// draws is the randomness of one record.
type draws struct {
	slot  Slot     // d ‖ z of the key pair, and the second input secret
	m     [32]byte // of the encapsulation (FIPS 203, algorithm 20)
	salt  [32]byte
	nonce [nonceSize]byte
}

func draw() *draws {
	d := new(draws)
	for _, b := range [][]byte{d.slot[:], d.m[:], d.salt[:], d.nonce[:]} {
		_, _ = rand.Read(b) // ends the process rather than fail
	}
	return d
}

// Seal encrypts plaintext as the version that b names and signs it with keys. It
// keeps and wipes nothing of the caller's. It returns ErrTooLong for more than
// MaxPlaintext bytes. No two calls give the same record.
func Seal(b Binding, keys *RecordKeys, plaintext []byte) (Sealed, error) {
	return seal(b, keys, plaintext, draw(), true)
}

func seal(b Binding, keys *RecordKeys, plaintext []byte, d *draws, hedged bool) (s Sealed, err error) {
	if len(plaintext) > MaxPlaintext {
		return Sealed{}, ErrTooLong
	}
	defer func() { *d = draws{} }()
	padded := paddedSize(len(plaintext))
	pair := newKEMPair(d.slot.seed())
	defer pair.wipe()
	m := b.layOut(&keys.id, &pair.ekHash, &d.salt, padded)

	var shared [KeySize]byte
	defer clear(shared[:])
	if err := pair.encapsulate(m[offKEMCT:offCommit], shared[:], d.m[:]); err != nil {
		return Sealed{}, err
	}
	dek, commit, err := deriveKeys(m, shared[:], d.slot.second())
	if err != nil {
		return Sealed{}, err
	}
	defer clear(dek)
	copy(m[offCommit:], commit)
	copy(m[offNonce:], d.nonce[:])

	gcm, err := newGCM(dek)
	if err != nil {
		return Sealed{}, err
	}
	// The plaintext is encrypted where it lies, so that no copy of it stays behind.
	pt := m[offCT : offCT+padded]
	binary.BigEndian.PutUint32(pt, uint32(len(plaintext)))
	copy(pt[lengthSize:], plaintext)
	gcm.Seal(pt[:0], d.nonce[:], pt, m[:offNonce])

	record, err := keys.sign(m, hedged)
	if err != nil {
		return Sealed{}, fmt.Errorf("sealing: %w", err)
	}
	return Sealed{Record: record, Slot: d.slot, Hash: Hash(record), EKHash: pair.ekHash}, nil
}
