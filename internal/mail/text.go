package mail

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// subjects has the one subject line of each kind. None of them holds anything
// that a stranger could choose.
var subjects = map[Kind]string{ //nolint:gosec // words, no credentials
	VerifyAddress:   "Confirm your address for QuantaSeal",
	AccountExists:   "You already have a QuantaSeal account",
	ResetPassword:   "Choose a new QuantaSeal password",
	Invitation:      "You are invited to QuantaSeal",
	PasswordChanged: "Your QuantaSeal password was changed",
	MFAEnabled:      "Two-factor login is on for your QuantaSeal account",
	MFADisabled:     "Two-factor login is off for your QuantaSeal account",
	BackupCodeUsed:  "A backup code of your QuantaSeal account was used",
	NewDevice:       "A new login to your QuantaSeal account",
	Notice:          "A security notice of your QuantaSeal tenant",
}

// notYou ends what tells of a change.
const notYou = "\nIf this was not you, set a new password at once and tell an owner of your tenant.\n"

// text returns what a letter says, as plain text with line feeds. api is the URL
// that clients reach the server under. The caller clears it: it may hold a proof.
func text(l Letter, api string) []byte {
	b := new(bytes.Buffer)
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(b, format, args...) }
	switch l.Kind {
	case VerifyAddress:
		say("Somebody, probably you, registered with this address. To confirm it, send the token\nbelow to %s/api/v2/auth/verify-email:\n", api)
		proof(b, l, `{"token":"…"}`)
		say("\nIf it was not you, do nothing: without the token the account stays closed.\n")
	case AccountExists:
		say("Somebody, probably you, tried to register with this address. It has an account already,\nso nothing was changed. Log in as usual, or ask for a new password:\n\n")
		say("    %s/api/v2/auth/password/forgot\n\nIf it was not you, there is nothing to do.\n", api)
	case ResetPassword:
		say("Somebody, probably you, asked for a new password. To set one, send it with the token\nbelow to %s/api/v2/auth/password/reset:\n", api)
		proof(b, l, `{"token":"…","password":"…"}`)
		say("\nEvery session ends then. If it was not you, do nothing: your password stays as it is.\n")
	case Invitation:
		say("You are invited to use QuantaSeal with %q. To accept, choose a password and send it\nwith the token below to %s/api/v2/auth/accept-invitation:\n", plain(l.Tenant), api)
		proof(b, l, `{"token":"…","password":"…"}`)
		say("\nIf you do not expect this, do nothing.\n")
	case PasswordChanged:
		say("The password of your account was changed, and every other session has ended.\n%s", notYou)
	case MFAEnabled:
		say("From now on a login to your account takes a code of your authenticator app, or a backup\ncode. Keep the backup codes where the app is not.\n%s", notYou)
	case MFADisabled:
		say("A login to your account takes no second factor any more.\n%s", notYou)
	case BackupCodeUsed:
		say("A login to your account used one of your backup codes, which is spent now.\n%s", notYou)
	case NewDevice:
		say("Somebody, probably you, logged in to your account from where no login came before:\n\n")
		say("    %s, from %s\n    %s\n%s", l.At.UTC().Format(time.RFC1123), orUnknown(l.IP), orUnknown(plain(l.Agent)), notYou)
	case Notice:
		notice(b, l)
	}
	return b.Bytes()
}

// told says what the facts that a notice tells of mean.
var told = map[string]string{
	"ACCOUNT_LOCKED":               "After too many failed logins an account is locked for a while.",
	"EMERGENCY_LOCKDOWN_ACTIVATED": "An emergency lockdown began: no value is released until it is lifted.",
	"EMERGENCY_LOCKDOWN_LIFTED":    "An emergency lockdown ended: values are released again.",
	"INTEGRITY_VIOLATION":          "Something that is stored is not what was signed. It was not released.",
	"MFA_DISABLED":                 "A user has no second factor any more.",
	"NEW_DEVICE_SEEN":              "A user logged in from where no login of theirs came before.",
	"OWNER_ADDED":                  "The tenant has one more owner.",
	"REFRESH_TOKEN_REUSE_DETECTED": "A refresh token was used that had been replaced: somebody holds a copy. The session ended.",
	"TENANT_SETTINGS_CHANGED":      "A setting of the tenant was changed.",
}

// notice writes what a tenant's recipients are told: what the log's payloads say,
// and nothing of a person but an id.
func notice(b *bytes.Buffer, l Letter) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(b, format, args...) }
	say("In your tenant %q this was recorded:\n\n    %s\n", plain(l.Tenant), told[l.About])
	if l.Setting != "" {
		say("    Setting: %s\n", l.Setting)
	}
	if l.Whom != [16]byte{} {
		say("    User: %s\n", uuid(l.Whom))
	}
	say("    %s, event %d of the audit log (%s)\n", l.At.UTC().Format(time.RFC1123), l.Seq, l.About)
	say("\nMore of the same within ten minutes is not told here; the audit log shows all.\n")
	say("You get this because a setting of the tenant, notification_emails, names you.\n")
}

func orUnknown(text string) string {
	if text == "" {
		return "unknown"
	}
	return text
}

// proof writes a token on a line of its own, and how long it is good.
func proof(b *bytes.Buffer, l Letter, body string) {
	_, _ = b.WriteString("\n    ")
	_, _ = b.Write(l.Token)
	_, _ = fmt.Fprintf(b, "\n\nThe body is %s, as application/json. The token is good once, until %s.\n",
		body, l.Expires.UTC().Format(time.RFC1123))
}

// maxShown is how much of a tenant's name a letter shows, in characters.
const maxShown = 60

// plain returns a name that somebody chose as words that no mail program takes
// for a link: our letters carry nobody's advertisement.
func plain(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && r != '&' && r != '-' && r != '\''
	})
	shown := []rune(strings.Join(words, " "))
	return string(shown[:min(len(shown), maxShown)])
}
