package chain

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Why a key was certified.
const (
	ReasonInitial    uint8 = 0
	ReasonScheduled  uint8 = 1
	ReasonCompromise uint8 = 2
	ReasonRecovery   uint8 = 3
)

// CertificateSize is the length of a certificate without its signature.
const CertificateSize = 4 + 32 + 16 + 4 + 8 + 8 + 1 + 32 + 32

// ErrBadCertificate reports bytes that are no certificate, or one that the root
// key did not sign.
var ErrBadCertificate = errors.New("chain: not a certificate of the root key")

// Certificate (QSK1) says that an audit key signs a chain from a sequence number
// on. The root key signs it under ContextKeyCert.
type Certificate struct {
	LogID        Hash
	Tenant       [16]byte
	TenantIndex  uint32 // place of the chain among all; 0 = the system chain
	KeyEpoch     uint64
	ValidFromSeq uint64
	Reason       uint8
	PrevKeyID    Hash // zero for a chain's first key
	KeyID        Hash
}

// Append appends the CertificateSize bytes that the root key signs to b.
func (c Certificate) Append(b []byte) []byte {
	be := binary.BigEndian
	b = append(b, "QSK1"...)
	b = append(b, c.LogID[:]...)
	b = append(b, c.Tenant[:]...)
	b = be.AppendUint32(b, c.TenantIndex)
	b = be.AppendUint64(b, c.KeyEpoch)
	b = be.AppendUint64(b, c.ValidFromSeq)
	b = append(b, c.Reason)
	b = append(b, c.PrevKeyID[:]...)
	return append(b, c.KeyID[:]...)
}

// ParseCertificate reads a certificate with its signature and verifies it under
// root. It returns ErrBadCertificate for anything else.
func ParseCertificate(root *PublicKey, b []byte) (Certificate, error) {
	if len(b) != CertificateSize+SignatureSize || string(b[:4]) != "QSK1" {
		return Certificate{}, fmt.Errorf("%w: wrong form", ErrBadCertificate)
	}
	if !root.Verify(ContextKeyCert, b[:CertificateSize], b[CertificateSize:]) {
		return Certificate{}, fmt.Errorf("%w: wrong signature", ErrBadCertificate)
	}
	be := binary.BigEndian
	c := Certificate{
		LogID: Hash(b[4:36]), Tenant: [16]byte(b[36:52]), TenantIndex: be.Uint32(b[52:56]),
		KeyEpoch: be.Uint64(b[56:64]), ValidFromSeq: be.Uint64(b[64:72]), Reason: b[72],
		PrevKeyID: Hash(b[73:105]), KeyID: Hash(b[105:137]),
	}
	if c.Reason > ReasonRecovery {
		return Certificate{}, fmt.Errorf("%w: unknown reason", ErrBadCertificate)
	}
	return c, nil
}
