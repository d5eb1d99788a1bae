package commands

import (
	"time"

	"github.com/quantaseal/quantaseal/domain"
)

// Enrolment is a second factor as its owner gets it, once.
type Enrolment struct {
	Secret Secret // base32, to be typed
	URI    Secret // otpauth://…
	QR     Secret // the URI as a picture, in a data: URI
	Codes  []Secret
}

// Factors makes and checks second factors.
type Factors interface {
	// New draws a factor for a user whose app shall show it under an address, and
	// returns it with what may be kept of it, encrypted.
	New(user domain.UserID, address string) (Enrolment, domain.MFASecrets, error)
	// Codes returns the backup codes that New returned with this seed.
	Codes(user domain.UserID, seed []byte) []Secret
	// Match returns the time step of a code that is good at now and belongs to a step
	// after the last accepted one, or 0.
	Match(seed, code []byte, now time.Time, after uint64) uint64
	// DigestCode returns what is kept of a backup code, however it is typed. It
	// refuses with domain.ErrCodeRefused what is none.
	DigestCode(user domain.UserID, code []byte) (domain.Digest, error)
}
