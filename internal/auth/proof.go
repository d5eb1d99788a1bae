package auth

import (
	"errors"
	"fmt"
	"io"
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

// NewProof draws a token of p from random. It is sent to its user and stored as
// its Digest only.
func NewProof(random io.Reader, p Proof) ([]byte, error) {
	var b [proofBytes]byte
	defer clear(b[:])
	b[0] = byte(p.Purpose)
	copy(b[1:17], p.Tenant[:])
	copy(b[17:proofNames], p.User[:])
	if _, err := io.ReadFull(random, b[proofNames:]); err != nil {
		return nil, fmt.Errorf("drawing a proof: %w", err)
	}
	return strict64.AppendEncode(make([]byte, 0, proofLength), b[:]), nil
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
