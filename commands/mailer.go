package commands

import (
	"context"
	"time"

	"github.com/quantaseal/quantaseal/domain"
)

// LetterKind says what a letter is about.
type LetterKind uint8

// The kinds of letter.
const (
	LetterVerify LetterKind = iota + 1
	LetterExists
	LetterReset
	LetterInvitation
	LetterPasswordChanged
	LetterMFAEnabled
	LetterMFADisabled
	LetterBackupCodeUsed
	LetterNewDevice
	LetterNotice // to those whom a tenant named, of what concerns its security
)

// Letter is one message to one person.
type Letter struct {
	ID      domain.ID // of the fact that it follows, or drawn for it: a second attempt has the same
	User    domain.UserID
	Kind    LetterKind
	To      string // the address
	Tenant  string // the tenant's name, where the letter shows it
	Token   Secret // one-time; the mailer clears it
	Expires time.Time

	// What a new device or a notice shows.
	About   domain.EventType  // the fact
	Setting domain.SettingKey // that it changes, if it changes one
	Seq     uint64            // its place in the tenant's chain
	At      time.Time         // its stamp
	Whom    domain.UserID     // whom a notice is about, if it is a user
	From    domain.Origin     // where a new device is
}

// Mailer hands letters to whoever delivers them. Those that follow facts are no
// command's to send: whoever follows the log asks LettersOf.
type Mailer interface {
	// Send takes charge of a letter that follows no fact. It waits for no delivery, so
	// that nobody learns from the time whether there was one.
	Send(ctx context.Context, l Letter) error
	// Forget removes, durably, what is kept here of letters to a user.
	Forget(ctx context.Context, user domain.UserID) error
	// Leaves reports whether letters leave this machine. Then an address is to be
	// proven before its account opens, and nobody is told which addresses have one.
	Leaves() bool
}
