package auth

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238's hash, which is what authenticator apps speak; HMAC needs no collision resistance
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// Codes are RFC 6238 as every authenticator app speaks it: HMAC-SHA-1, 6 digits,
// steps of 30 seconds.
const (
	// TOTPSecret is the length of the secret that app and server share, in bytes
	// (160 bits, RFC 4226 §4).
	TOTPSecret = 20

	totpDigits = 6
	totpStep   = 30
	totpSkew   = 1 // steps that a clock may be off, each way
)

// errTOTPSecret reports a secret of another length than ours. It is a fault.
var errTOTPSecret = errors.New("a TOTP secret has 20 bytes")

// NewTOTPSecret draws a secret from random. It is what its owner proves to hold:
// keep it encrypted, and clear it.
func NewTOTPSecret(random io.Reader) ([]byte, error) {
	secret := make([]byte, TOTPSecret)
	if _, err := io.ReadFull(random, secret); err != nil {
		return nil, fmt.Errorf("drawing a TOTP secret: %w", err)
	}
	return secret, nil
}

// VerifyTOTP returns the time step that code stands for, if it is the current
// one of secret at now or a neighbour, and later than after. Whoever keeps the
// step as the next after accepts each code once (RFC 6238 §5.2); after is zero
// before the first. Spaces in code are left out. It does the same work for every
// code of six digits.
func VerifyTOTP(secret, code []byte, now time.Time, after uint64) (step uint64, ok bool) {
	digits, well := sixDigits(code)
	if len(secret) != TOTPSecret || !well || now.Unix() < totpStep*(totpSkew+1) {
		return 0, false
	}
	current := uint64(now.Unix()) / totpStep
	for s := current - totpSkew; s <= current+totpSkew; s++ {
		want := hotp(secret, s)
		if match := subtle.ConstantTimeCompare(want[:], digits[:]) == 1; match && s > after {
			step, ok = s, true
		}
		clear(want[:])
	}
	return step, ok
}

func sixDigits(code []byte) (digits [totpDigits]byte, ok bool) {
	n := 0
	for _, c := range code {
		switch {
		case c == ' ':
		case c < '0' || c > '9' || n == totpDigits:
			return digits, false
		default:
			digits[n] = c
			n++
		}
	}
	return digits, n == totpDigits
}

// hotp returns the code of one counter (RFC 4226 §5.3).
func hotp(secret []byte, counter uint64) (code [totpDigits]byte) {
	h := hmac.New(sha1.New, secret)
	_, _ = h.Write(binary.BigEndian.AppendUint64(nil, counter)) // a hash never fails to write
	sum := h.Sum(nil)
	n := binary.BigEndian.Uint32(sum[sum[len(sum)-1]&0x0f:]) & 0x7fffffff
	for i := totpDigits - 1; i >= 0; i-- {
		code[i] = '0' + byte(n%10)
		n /= 10
	}
	return code
}
