// Package mail writes letters to people and hands them to whoever delivers them:
// a directory, or Resend.
//
// Its one law: a letter is the only place outside its reader's hands where a
// one-time proof stands in clear. Neither its text nor its address is logged or
// put into an error; what names a letter is its id, and its file's name.
package mail

import (
	"encoding/hex"
	"time"
)

// Kind says what a letter is about.
type Kind string

// The kinds. They are part of file names in the outbox.
const (
	VerifyAddress   Kind = "verify"     // proves the address
	AccountExists   Kind = "exists"     // somebody registered with an address that has an account
	ResetPassword   Kind = "reset"      // allows the password to be replaced
	Invitation      Kind = "invitation" // allows a user to begin
	PasswordChanged Kind = "password"   // tells of a new password
	MFAEnabled      Kind = "mfa-on"     // tells of a second factor
	MFADisabled     Kind = "mfa-off"    // tells that there is none any more
	BackupCodeUsed  Kind = "backup"     // tells that a backup code is spent
	NewDevice       Kind = "device"     // tells of a login from where none came before
	Notice          Kind = "notice"     // tells whom a tenant named of what concerns its security
)

// Letter is one message to one person.
type Letter struct {
	ID      [16]byte // of the fact that it follows: the same letter sent again has the same id
	User    [16]byte // whose it is; zero = nobody's who has an account in the tenant
	Kind    Kind
	To      string    // the address, as auth.NormalizeEmail returns it
	Tenant  string    // the tenant's name; an invitation shows it
	Token   []byte    // a one-time proof, or nil; the sender clears it
	Expires time.Time // of the token

	About   string    // name of the fact that a notice tells of
	Setting string    // that it changes, or ""
	Seq     uint64    // its place in the tenant's chain
	At      time.Time // its stamp
	Whom    [16]byte  // the user whom it is about; zero = none
	IP      string    // where a new device is
	Agent   string    // what it says that it is
}

// uuid returns the canonical text of an id.
func uuid(id [16]byte) string {
	b := make([]byte, 0, 36)
	for i, c := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, []byte{c})
	}
	return string(b)
}
