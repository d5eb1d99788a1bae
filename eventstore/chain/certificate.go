package chain

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Why a key was certified.
const (
	ReasonInitial    uint8 = 0 // the chain's first key
	ReasonScheduled  uint8 = 1 // its time had come
	ReasonCompromise uint8 = 2 // the key before it may be known to others
	ReasonRecovery   uint8 = 3 // the chain goes on after a loss
)

// CertificateSize is the length of a certificate without its signature.
const CertificateSize = 4 + 32 + 16 + 4 + 8 + 8 + 1 + 32 + 32

const certificateMagic = "QSK1"

// ErrBadCertificate reports bytes that are no certificate, or one that the root
// key did not sign.
var ErrBadCertificate = errors.New("chain: not a certificate of the root key")

// Certificate (QSK1) says that an audit key signs a chain from a sequence number
// on.
type Certificate struct {
	LogID        Hash
	Tenant       [16]byte
	TenantIndex  uint32 // place of the chain among all; 0 = the system chain
	KeyEpoch     uint64 // from 1
	ValidFromSeq uint64
	Reason       uint8
	PrevKeyID    Hash // zero for a chain's first key
	KeyID        Hash
}

// Append appends the certificate's CertificateSize bytes, which the root key
// signs under ContextKeyCert, to b.
func (c Certificate) Append(b []byte) []byte {
	be := binary.BigEndian
	b = append(b, certificateMagic...)
	b = append(b, c.LogID[:]...)
	b = append(b, c.Tenant[:]...)
	b = be.AppendUint32(b, c.TenantIndex)
	b = be.AppendUint64(b, c.KeyEpoch)
	b = be.AppendUint64(b, c.ValidFromSeq)
	b = append(b, c.Reason)
	b = append(b, c.PrevKeyID[:]...)
	return append(b, c.KeyID[:]...)
}

// ParseCertificate reads a certificate without its signature. It refuses with
// ErrBadCertificate a wrong length or magic, an unknown reason and epoch 0: what
// it accepts Append writes again, byte for byte.
func ParseCertificate(b []byte) (Certificate, error) {
	if len(b) != CertificateSize || string(b[:4]) != certificateMagic {
		return Certificate{}, fmt.Errorf("%w: wrong form", ErrBadCertificate)
	}
	be := binary.BigEndian
	c := Certificate{
		LogID:        Hash(b[4:36]),
		Tenant:       [16]byte(b[36:52]),
		TenantIndex:  be.Uint32(b[52:56]),
		KeyEpoch:     be.Uint64(b[56:64]),
		ValidFromSeq: be.Uint64(b[64:72]),
		Reason:       b[72],
		PrevKeyID:    Hash(b[73:105]),
		KeyID:        Hash(b[105:137]),
	}
	switch {
	case c.Reason > ReasonRecovery:
		return Certificate{}, fmt.Errorf("%w: unknown reason", ErrBadCertificate)
	case c.KeyEpoch == 0:
		return Certificate{}, fmt.Errorf("%w: epoch 0", ErrBadCertificate)
	}
	return c, nil
}

// SignedCertificate is a certificate followed by the root key's signature, as key
// events carry it: CertificateSize + SignatureSize bytes.
type SignedCertificate []byte

// Verify returns the certificate if root signed it, and else ErrBadCertificate.
func (s SignedCertificate) Verify(root *PublicKey) (Certificate, error) {
	if len(s) != CertificateSize+SignatureSize {
		return Certificate{}, fmt.Errorf("%w: wrong form", ErrBadCertificate)
	}
	if !root.Verify(ContextKeyCert, s[:CertificateSize], s[CertificateSize:]) {
		return Certificate{}, fmt.Errorf("%w: wrong signature", ErrBadCertificate)
	}
	return ParseCertificate(s[:CertificateSize])
}
