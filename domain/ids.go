package domain

import (
	"crypto/sha3"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"strconv"
)

// ID is a UUID as its 16 bytes (RFC 9562). The zero ID names nothing, or, as a
// tenant, the deployment's own system chain.
type ID [16]byte

// ErrMalformedID reports text that is no canonical UUID nor, where one may stand, a
// handle.
var ErrMalformedID = errors.New("malformed id")

// ParseID reads the canonical form: 36 lower-case characters, hyphens in place.
// It returns ErrMalformedID for every other spelling, so that one id has one text.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return ID{}, ErrMalformedID
	}
	digits := s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
	if !lowerHex(digits) {
		return ID{}, ErrMalformedID
	}
	_, err := hex.Decode(id[:], []byte(digits))
	return id, err
}

// String returns the canonical form that ParseID reads.
func (id ID) String() string {
	var b [36]byte
	hex.Encode(b[:8], id[:4])
	hex.Encode(b[9:13], id[4:6])
	hex.Encode(b[14:18], id[6:8])
	hex.Encode(b[19:23], id[8:10])
	hex.Encode(b[24:], id[10:])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// DerivedID makes a UUIDv8 of a digest's first 16 bytes, so that what the digest
// stands for has one id.
func DerivedID(d Digest) ID {
	id := ID(d[:16])
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	return id
}

// IsZero reports whether id names nothing.
func (id ID) IsZero() bool { return id == ID{} }

// MarshalText returns the canonical form.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads the canonical form or fails with ErrMalformedID.
func (id *ID) UnmarshalText(b []byte) (err error) {
	*id, err = ParseID(string(b))
	return err
}

type (
	// TenantID names a tenant and its chain. Zero is the deployment's system chain.
	TenantID struct{ ID }
	// UserID names a person's account within a tenant. Zero is no person.
	UserID struct{ ID }
	// KeyID names an API key.
	KeyID struct{ ID }
	// SessionID names a login and the refresh tokens that descend from it.
	SessionID struct{ ID }
	// ReportID names a compliance report: the id of the fact that it was made.
	ReportID struct{ ID }
	// RequestID names one HTTP request, or one run of a job.
	RequestID struct{ ID }
	// CredentialID names a credential for its whole life: a UUIDv8 whose last two bytes are zero.
	// It may tell when the credential was sealed, and leaves 60 bits to guess.
	CredentialID struct{ ID }
	// EntryID names one sealed version: its credential's id with the version in the last two bytes.
	EntryID struct{ ID }
)

// String returns the form clients see: req_ and 32 hexadecimal digits. Encoded as
// text a RequestID is a plain UUID, like every other id.
func (r RequestID) String() string { return "req_" + hex.EncodeToString(r.ID[:]) }

const handlePrefix = "cred_"

// NewCredentialID derives the id of the credential that the event with eventID
// opens, so that a repeated request names the same credential. Ids of events that
// were drawn one after the other (UUIDv7) give ids in the same order, so that what
// is sealed together lies together in every index; all other bits are a digest's.
func NewCredentialID(eventID ID) CredentialID {
	h := sha3.New256()
	_, _ = h.Write([]byte("quantaseal/v1/credential-id\x00")) // a hash never fails to write
	_, _ = h.Write(eventID[:])
	id := DerivedID(Digest(h.Sum(nil)))
	if eventID[6]>>4 == 7 {
		copy(id[:timeBytes], eventID[:timeBytes])
	}
	id[14], id[15] = 0, 0
	return CredentialID{id}
}

// timeBytes is how much of a UUIDv7 is its time, in Unix milliseconds (RFC 9562 §5.7).
const timeBytes = 6

// Handle returns the stable public name: cred_ and 32 hexadecimal digits. It
// always leads to the current version.
func (c CredentialID) Handle() string { return handlePrefix + hex.EncodeToString(c.ID[:]) }

// Entry returns the id of version n. Version 0 is no version.
func (c CredentialID) Entry(n uint16) EntryID {
	id := c.ID
	id[14], id[15] = byte(n>>8), byte(n)
	return EntryID{id}
}

// Credential returns the credential of which e is a version.
func (e EntryID) Credential() CredentialID {
	id := e.ID
	id[14], id[15] = 0, 0
	return CredentialID{id}
}

// Version returns which version e names: 1 to 65535, or 0 for the handle.
func (e EntryID) Version() uint16 { return uint16(e.ID[14])<<8 | uint16(e.ID[15]) }

// ParseReference reads what a caller may use to name a credential: its handle,
// or the UUID of any of its versions. A handle has Version 0. It returns
// ErrMalformedID for anything else.
func ParseReference(s string) (EntryID, error) {
	if len(s) == len(handlePrefix)+32 && s[:len(handlePrefix)] == handlePrefix {
		digits := s[len(handlePrefix):]
		if !lowerHex(digits) || digits[28:] != "0000" {
			return EntryID{}, ErrMalformedID
		}
		var e EntryID
		_, err := hex.Decode(e.ID[:], []byte(digits))
		return e, err
	}
	id, err := ParseID(s)
	if err == nil && (EntryID{id}).Version() == 0 {
		err = ErrMalformedID
	}
	return EntryID{id}, err
}

func lowerHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// Digest is a SHA3-256 output or a MAC of that size. It prints as hexadecimal.
type Digest [32]byte

// same compares in the same time for every content.
func (d Digest) same(other Digest) bool { return subtle.ConstantTimeCompare(d[:], other[:]) == 1 }

// String returns 64 hexadecimal digits.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText returns 64 hexadecimal digits.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads 64 lower-case hexadecimal digits and fails on anything else.
func (d *Digest) UnmarshalText(b []byte) error {
	if len(b) != 64 || !lowerHex(string(b)) {
		return errors.New("malformed digest of " + strconv.Itoa(len(b)) + " characters")
	}
	_, err := hex.Decode(d[:], b)
	return err
}
