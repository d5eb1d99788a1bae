package seal

import (
	"crypto/rand"
	"encoding/binary"
)

// The QSD1 section: magic ‖ key_ref[32] ‖ u32 length ‖ nonce[12] ‖ ct ‖ tag, where
// length counts what follows it. A detached blob is one section or more.
const (
	sectionMagic  = "QSD1"
	sectionKeyRef = 4
	sectionLength = 36
	sectionBody   = 40

	// MaxSection is the longest plaintext of a section in bytes.
	MaxSection = 1 << 20
	// SectionOverhead is how much longer a section is than its plaintext.
	SectionOverhead = sectionBody + nonceSize + tagSize
)

// SectionContext says which event a section belongs to. It is authenticated, not stored.
type SectionContext struct {
	LogID   [32]byte
	Tenant  [16]byte
	EventID [16]byte
}

func (c SectionContext) bytes() []byte {
	b := make([]byte, 0, 32+16+16)
	b = append(b, c.LogID[:]...)
	b = append(b, c.Tenant[:]...)
	return append(b, c.EventID[:]...)
}

// AppendSection appends plaintext to dst, encrypted under key for the event c
// names. keyRef is stored in clear and says which key it was. Nonces are random:
// a key may encrypt 2^32 sections (SP 800-38D §8.3). It returns ErrTooLong for
// more than MaxSection bytes.
func AppendSection(dst []byte, key *[KeySize]byte, keyRef [32]byte, c SectionContext, plaintext []byte) ([]byte, error) {
	var nonce [nonceSize]byte
	_, _ = rand.Read(nonce[:]) // ends the process rather than fail
	return appendSection(dst, key, keyRef, c, plaintext, &nonce)
}

func appendSection(dst []byte, key *[KeySize]byte, keyRef [32]byte, c SectionContext, plaintext []byte, nonce *[nonceSize]byte) ([]byte, error) {
	if len(plaintext) > MaxSection {
		return nil, ErrTooLong
	}
	gcm, err := newGCM(key[:])
	if err != nil {
		return nil, err
	}
	dst = append(dst, sectionMagic...)
	dst = append(dst, keyRef[:]...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(nonceSize+len(plaintext)+tagSize))
	dst = append(dst, nonce[:]...)
	return gcm.Seal(dst, nonce[:], plaintext, c.bytes()), nil
}

// Section is one encrypted part of a detached blob. It aliases the blob.
type Section struct {
	KeyRef [32]byte
	body   []byte // nonce ‖ ct ‖ tag
}

// ParseSections splits blob. It returns ErrMalformed unless blob is one section or
// more and nothing else.
func ParseSections(blob []byte) ([]Section, error) {
	var sections []Section
	for {
		if len(blob) < SectionOverhead || string(blob[:sectionKeyRef]) != sectionMagic {
			return nil, ErrMalformed
		}
		length := uint64(binary.BigEndian.Uint32(blob[sectionLength:]))
		rest := blob[sectionBody:]
		if length < nonceSize+tagSize || length > nonceSize+MaxSection+tagSize || length > uint64(len(rest)) {
			return nil, ErrMalformed
		}
		sections = append(sections, Section{KeyRef: [32]byte(blob[sectionKeyRef:]), body: rest[:length:length]})
		if blob = rest[length:]; len(blob) == 0 {
			return sections, nil
		}
	}
}

// Open decrypts the section. It returns ErrIntegrity if it was encrypted under
// another key or for another event.
func (s Section) Open(key *[KeySize]byte, c SectionContext) ([]byte, error) {
	gcm, err := newGCM(key[:])
	if err != nil {
		return nil, err
	}
	plaintext, err := gcm.Open(nil, s.body[:nonceSize], s.body[nonceSize:], c.bytes())
	if err != nil {
		return nil, ErrIntegrity
	}
	return plaintext, nil
}
