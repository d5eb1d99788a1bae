package seal

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
)

// Opener verifies and opens records. Where there is none, or none that may be
// opened, it works as hard on a record of its own, so that the time an answer
// takes says nothing. It is safe for concurrent use; one per process is enough.
type Opener struct {
	dummy parsed
	slot  Slot
}

// NewOpener draws the record that stands in for missing and refused ones.
func NewOpener() (*Opener, error) {
	var seed [SeedSize]byte
	var mac [MACKeySize]byte
	_, _ = rand.Read(seed[:]) // ends the process rather than fail
	_, _ = rand.Read(mac[:])
	s, err := Seal(Binding{}, NewRecordKeys(&seed, &mac), nil)
	if err != nil {
		return nil, fmt.Errorf("making the dummy record: %w", err)
	}
	p, _ := parseRecord(s.Record)
	return &Opener{dummy: p, slot: s.Slot}, nil
}

// Verified is the verdict on one record. The zero Verified is no verdict and must
// not be used.
type Verified struct {
	opener *Opener
	record parsed
	ok     int
}

// Verify checks that record is the version id names, that both signatures are
// keys', and that its hash is the one the log knows. It always checks
// everything, also for a record that is nil or does not parse; Mask tells the
// outcome. record must not change until the verdict was used.
func (o *Opener) Verify(id Identity, keys *RecordKeys, record []byte, hash [32]byte) Verified {
	p, sound := parseRecord(record)
	ok := boolMask(sound)
	if !sound {
		p = o.dummy
	}
	got := Hash(p.whole)
	ok &= keys.verify(p)
	ok &= subtle.ConstantTimeCompare(got[:], hash[:])
	ok &= subtle.ConstantTimeCompare(p.message[offSignKeyID:offEKHash], keys.id[:])
	ok &= id.matches(p.message)
	return Verified{opener: o, record: p, ok: ok}
}

// matches returns 1 if message carries id, else 0. It compares every field.
func (id Identity) matches(message []byte) int {
	var version [8]byte
	binary.BigEndian.PutUint64(version[:], id.Version)
	return subtle.ConstantTimeCompare(message[offLogID:offTenant], id.LogID[:]) &
		subtle.ConstantTimeCompare(message[offTenant:offCredential], id.Tenant[:]) &
		subtle.ConstantTimeCompare(message[offCredential:offVersion], id.Credential[:]) &
		subtle.ConstantTimeCompare(message[offVersion:offSealedAt], version[:])
}

// Mask returns 1 if the record may be opened, else 0.
func (v Verified) Mask() int { return v.ok }

// And returns v further held to the caller's own condition: 1 if it holds, 0 if not.
func (v Verified) And(mask int) Verified {
	v.ok &= mask
	return v
}

// Open decrypts the record with slot, which it does not wipe. The caller wipes
// the plaintext. It returns ErrRefused if the verdict is against it or slot is
// nil, after as much work as a success; ErrIntegrity if the record was verified
// and yet slot does not open it.
func (v Verified) Open(slot *Slot) ([]byte, error) {
	allowed := v.ok == 1 && slot != nil
	record := v.record
	if !allowed {
		record, slot = v.opener.dummy, &v.opener.slot
	}
	plaintext, err := record.open(slot)
	switch {
	case !allowed:
		clear(plaintext)
		return nil, ErrRefused
	case err != nil:
		return nil, err
	}
	return plaintext, nil
}

// open decrypts a verified record. Every failure is ErrIntegrity.
func (p parsed) open(slot *Slot) ([]byte, error) {
	m := p.message
	var shared [KeySize]byte
	defer clear(shared[:])
	pair := newKEMPair(slot.seed())
	defer pair.wipe()
	pair.secret.DecapsulateTo(shared[:], m[offKEMCT:offCommit])

	dek, commit, err := deriveKeys(m, shared[:], slot.second())
	if err != nil {
		return nil, err
	}
	defer clear(dek)
	ok := subtle.ConstantTimeCompare(pair.ekHash[:], m[offEKHash:offSalt]) &
		subtle.ConstantTimeCompare(commit, m[offCommit:offNonce])
	if ok != 1 {
		return nil, fmt.Errorf("the slot is not the record's: %w", ErrIntegrity)
	}
	gcm, err := newGCM(dek)
	if err != nil {
		return nil, err
	}
	padded, err := gcm.Open(nil, m[offNonce:offCTLen], m[offCT:], m[:offNonce])
	if err != nil {
		return nil, fmt.Errorf("the ciphertext is not the record's: %w", ErrIntegrity)
	}
	plaintext, ok := unpad(padded)
	if ok != 1 {
		clear(padded)
		return nil, fmt.Errorf("the padding is not the record's: %w", ErrIntegrity)
	}
	return plaintext, nil
}
