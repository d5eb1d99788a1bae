package auth

import (
	"crypto/sha3"
	"encoding/binary"
	"errors"
)

// A backup code is 50 random bits as two groups of five characters. The
// alphabet is Crockford's base32: it lacks the letters that look like digits.
const (
	// BackupCodes is how many codes a user gets at a time.
	BackupCodes = 10

	backupLength = 10
	backupGroup  = 5
	crockford    = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
)

// ErrMalformedBackupCode reports text that is no backup code of ours.
var ErrMalformedBackupCode = errors.New("malformed backup code")

// NewBackupCodes returns the codes that go with a user's TOTP secret, all
// different. Each is a secret that stands in for the second factor once. They
// follow from key, user and secret, so that they can be shown again though only
// their digests are kept.
func NewBackupCodes(key []byte, user [16]byte, secret []byte) [][]byte {
	seed := mac(key, []byte("quantaseal/v1/backup-codes\x00"), user[:], secret)
	defer clear(seed[:])
	stream := sha3.NewSHAKE256()
	_, _ = stream.Write(seed[:]) // a hash never fails to write
	codes := make([][]byte, 0, BackupCodes)
	seen := map[uint64]bool{}
	for len(codes) < BackupCodes {
		var b [8]byte
		_, _ = stream.Read(b[1:])               // nor to read: the stream has no end
		n := binary.BigEndian.Uint64(b[:]) >> 6 // 56 bits less 6
		if seen[n] {
			continue
		}
		seen[n] = true
		code := make([]byte, 0, backupLength+1)
		for i := backupLength - 1; i >= 0; i-- {
			if len(code) == backupGroup {
				code = append(code, '-')
			}
			code = append(code, crockford[n>>(5*i)&31])
		}
		codes = append(codes, code)
	}
	return codes
}

// DigestBackupCode returns what may be kept of a user's code, encrypted: the
// MAC under pepper of user and code. However a code is typed it has one digest:
// in either case, with spaces and hyphens anywhere, with O for 0 and with I or L
// for 1. It returns ErrMalformedBackupCode for text that is no code.
func DigestBackupCode(pepper []byte, user [16]byte, code []byte) ([32]byte, error) {
	var normal [backupLength]byte
	defer clear(normal[:])
	n := 0
	for _, c := range code {
		if c == '-' || c == ' ' {
			continue
		}
		c, ok := crockfordOf(c)
		if !ok || n == backupLength {
			return [32]byte{}, ErrMalformedBackupCode
		}
		normal[n] = c
		n++
	}
	if n != backupLength {
		return [32]byte{}, ErrMalformedBackupCode
	}
	return mac(pepper, []byte("quantaseal/v1/backup-code\x00"), user[:], normal[:]), nil
}

// crockfordOf returns the character of the alphabet that c is read as.
func crockfordOf(c byte) (byte, bool) {
	if c >= 'a' && c <= 'z' {
		c -= 'a' - 'A'
	}
	switch {
	case c == 'O':
		c = '0'
	case c == 'I', c == 'L':
		c = '1'
	case c == 'U', c < '0', c > '9' && c < 'A', c > 'Z':
		return 0, false
	}
	return c, true
}
