package auth

import (
	"errors"
)

// Purpose says what a one-time proof is for. A proof of one purpose is none of
// another. The numbers are part of tokens that were sent.
type Purpose uint8

// The purposes.
const (
	VerifyEmail      Purpose = 1
	ResetPassword    Purpose = 2
	AcceptInvitation Purpose = 3
)

// ErrMalformedProof reports text that is no proof of ours.
var ErrMalformedProof = errors.New("malformed proof")

// Proof names what a one-time proof is for and whose it is, which leads to its
// place in the log. None of it is secret.
type Proof struct {
	Purpose Purpose
	Tenant  [16]byte
	User    [16]byte
}

// A proof is its purpose, its user's names and 32 secret bytes, in base64url
// without padding.
const (
	proofNames  = 33
	proofBytes  = proofNames + 32
	proofLength = 87
)

var proofLabel = []byte("quantaseal/v1/proof\x00")

// NewProof returns the token of p that a fact issues: its secret bytes are
// HMAC-SHA3-256 under key over a label, the fact's id and the names. Whoever has
// the key makes the same token of the same fact again, so that a letter that was
// lost can be written anew; nobody else learns anything from the id. The token is
// sent to its user and stored as its Digest only.
func NewProof(key []byte, p Proof, fact [16]byte) []byte {
	var b [proofBytes]byte
	defer clear(b[:])
	b[0] = byte(p.Purpose)
	copy(b[1:17], p.Tenant[:])
	copy(b[17:proofNames], p.User[:])
	sum := mac(key, proofLabel, fact[:], b[:proofNames])
	defer clear(sum[:])
	copy(b[proofNames:], sum[:])
	return strict64.AppendEncode(make([]byte, 0, proofLength), b[:])
}

// ParseProof returns what token claims to be, or ErrMalformedProof, also for a
// proof of another purpose than want. Only the token's digest, found with its
// user, proves it.
func ParseProof(token []byte, want Purpose) (Proof, error) {
	if len(token) != proofLength {
		return Proof{}, ErrMalformedProof
	}
	var b [proofBytes]byte
	defer clear(b[:])
	if n, err := strict64.Decode(b[:], token); err != nil || n != proofBytes || Purpose(b[0]) != want {
		return Proof{}, ErrMalformedProof
	}
	return Proof{want, [16]byte(b[1:17]), [16]byte(b[17:proofNames])}, nil
}
