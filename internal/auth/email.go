package auth

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// The longest address and the longest part before its @, in bytes (RFC 5321 §4.5.3.1).
const (
	maxEmail = 254
	maxLocal = 64
)

// ErrMalformedEmail reports text that is no e-mail address. It is safe to show.
var ErrMalformedEmail = errors.New("email is not a valid address")

// domains maps names as a resolver would, and refuses what no host can be called.
var domains = idna.New(
	idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(true),
	idna.BidiRule(), idna.CheckJoiners(true), idna.VerifyDNSLength(true),
)

// NormalizeEmail returns the one spelling of an address under which its account
// is found: Unicode NFC, lower case, the domain in its ASCII form. Store the
// address as given beside it. It returns ErrMalformedEmail for anything that is
// not local@domain with a dotted domain, for quoted local parts, and for white
// space, control and invisible characters.
func NormalizeEmail(address string) (string, error) {
	if len(address) > maxEmail || !utf8.ValidString(address) {
		return "", ErrMalformedEmail
	}
	local, domain, ok := strings.Cut(norm.NFC.String(address), "@")
	if !ok || local == "" || !validLocal(local) || strings.ContainsFunc(domain, unprintable) {
		return "", ErrMalformedEmail
	}
	local = norm.NFC.String(strings.ToLower(local))
	domain, err := domains.ToASCII(domain)
	if err != nil || !strings.Contains(domain, ".") || strings.HasSuffix(domain, ".") || isNumber(domain) {
		return "", ErrMalformedEmail
	}
	if len(local) > maxLocal || len(local)+1+len(domain) > maxEmail {
		return "", ErrMalformedEmail
	}
	return local + "@" + domain, nil
}

// validLocal reports whether local is a dot-atom (RFC 5322 §3.2.3), letters of
// every script included.
func validLocal(local string) bool {
	return !strings.ContainsFunc(local, unprintable) && !strings.ContainsAny(local, `"(),:;<>@[\]`) &&
		!strings.HasPrefix(local, ".") && !strings.HasSuffix(local, ".") && !strings.Contains(local, "..")
}

func unprintable(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) }

// isNumber reports whether the last label is a number, as in an IP address.
func isNumber(domain string) bool {
	last := domain[strings.LastIndexByte(domain, '.')+1:]
	return strings.Trim(last, "0123456789") == ""
}
