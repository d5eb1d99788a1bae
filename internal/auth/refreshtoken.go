package auth

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
)

// ErrMalformedToken reports text that is no refresh token of ours.
var ErrMalformedToken = errors.New("malformed refresh token")

// Session names whose refresh token a token is. Neither id is secret.
type Session struct {
	Tenant  [16]byte
	Session [16]byte
}

// A refresh token is its session's names and 32 secret bytes, in base64url
// without padding.
const (
	refreshNames  = 32
	refreshBytes  = refreshNames + 32
	refreshLength = 86
)

// NewRefreshToken draws the first refresh token of s from random.
func NewRefreshToken(random io.Reader, s Session) ([]byte, error) {
	var secret [32]byte
	defer clear(secret[:])
	if _, err := io.ReadFull(random, secret[:]); err != nil {
		return nil, fmt.Errorf("drawing a refresh token: %w", err)
	}
	return refreshText(s, secret), nil
}

// ParseRefreshToken returns the session that token claims to belong to, or
// ErrMalformedToken. Only the token's digest, found in the session, proves it.
func ParseRefreshToken(token []byte) (Session, error) {
	if len(token) != refreshLength {
		return Session{}, ErrMalformedToken
	}
	var b [refreshBytes]byte
	defer clear(b[:])
	if n, err := strict64.Decode(b[:], token); err != nil || n != refreshBytes {
		return Session{}, ErrMalformedToken
	}
	return Session{Tenant: [16]byte(b[:16]), Session: [16]byte(b[16:refreshNames])}, nil
}

// Successor returns the one token that replaces token: its secret is
// HMAC-SHA3-256 of session and token under key, so that a client whose answer
// was lost can be given the same successor again though only digests are kept.
// It returns ErrMalformedToken for text that is no refresh token.
func Successor(key, token []byte) ([]byte, error) {
	s, err := ParseRefreshToken(token)
	if err != nil {
		return nil, err
	}
	secret := mac(key, s.Session[:], token)
	defer clear(secret[:])
	return refreshText(s, secret), nil
}

func refreshText(s Session, secret [32]byte) []byte {
	var b [refreshBytes]byte
	defer clear(b[:])
	copy(b[:16], s.Tenant[:])
	copy(b[16:refreshNames], s.Session[:])
	copy(b[refreshNames:], secret[:])
	return strict64.AppendEncode(make([]byte, 0, refreshLength), b[:])
}

// strict64 accepts one spelling of each byte sequence, but for line breaks,
// which fixed lengths and canonical re-encoding rule out.
var strict64 = base64.RawURLEncoding.Strict()
