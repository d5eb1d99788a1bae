package auth

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"
)

// tokenKind tells the tokens that one key signs apart: each kind has a header
// type, an audience and a lifetime of its own, so that none passes for another.
type tokenKind struct {
	typ, audience string
	lifetime      time.Duration
}

var (
	accessToken = tokenKind{"at+jwt", "quantaseal-api", 30 * time.Minute}
	mfaToken    = tokenKind{"mfa+jwt", "quantaseal-mfa", 5 * time.Minute}
)

// wireClaims is the payload of an access token, in the order it is written.
type wireClaims struct {
	Issuer      string   `json:"iss"`
	Audience    string   `json:"aud"`
	User        string   `json:"sub"`
	Tenant      string   `json:"tid"`
	Role        string   `json:"role"`
	Session     string   `json:"sid"`
	ID          string   `json:"jti"`
	IssuedAt    int64    `json:"iat"`
	NotBefore   int64    `json:"nbf"`
	Expires     int64    `json:"exp"`
	Methods     []string `json:"amr"`
	AuthVersion uint64   `json:"av"`
	ProvenAt    int64    `json:"auth_time"`
}

func (c Claims) wire(issuer string, now time.Time) wireClaims {
	methods := c.Methods
	if methods == nil {
		methods = []string{}
	}
	return wireClaims{
		Issuer: issuer, Audience: accessToken.audience, User: uuid(c.User), Tenant: uuid(c.Tenant), Role: c.Role, Session: uuid(c.Session),
		IssuedAt: now.Unix(), NotBefore: now.Unix(), Expires: now.Add(accessToken.lifetime).Unix(),
		Methods: methods, AuthVersion: c.AuthVersion, ProvenAt: c.ProvenAt,
	}
}

// readClaims reads a payload that wire wrote, and no other, and checks it
// against the clock, the issuer and the audience.
func readClaims(payload []byte, issuer string, now time.Time) (Claims, error) {
	var w wireClaims
	if err := readCanonical(payload, &w); err != nil {
		return Claims{}, err
	}
	if err := accessToken.check(w.Issuer == issuer, w.Audience, w.IssuedAt, w.NotBefore, w.Expires, now); err != nil {
		return Claims{}, err
	}
	if w.Methods == nil { // null, which we never write
		return Claims{}, errors.New("claims are not as we write them")
	}
	c := Claims{Role: w.Role, Methods: w.Methods, AuthVersion: w.AuthVersion, ProvenAt: w.ProvenAt}
	if !parseUUID(&c.User, w.User) || !parseUUID(&c.Tenant, w.Tenant) || !parseUUID(&c.Session, w.Session) {
		return Claims{}, errors.New("an id is malformed")
	}
	return c, nil
}

// readCanonical reads a payload into w if it is what w encodes to, and no other
// spelling of it.
func readCanonical(payload []byte, w any) error {
	if err := json.Unmarshal(payload, w); err != nil {
		return errors.New("unreadable claims")
	}
	if again, err := json.Marshal(w); err != nil || !bytes.Equal(again, payload) {
		return errors.New("claims are not as we write them")
	}
	return nil
}

// check holds what every kind of token says against the clock and the audience.
func (k tokenKind) check(ours bool, audience string, issued, notBefore, expires int64, now time.Time) error {
	skew := int64(clockSkew / time.Second)
	switch {
	case now.Unix() >= expires+skew:
		return errors.New("expired")
	case now.Unix() < notBefore-skew, now.Unix() < issued-skew:
		return errors.New("not yet valid")
	case expires-issued != int64(k.lifetime/time.Second):
		return errors.New("another lifetime than ours")
	case !ours:
		return errors.New("another issuer")
	case audience != k.audience:
		return errors.New("another audience")
	}
	return nil
}

// uuid returns the canonical text of id (RFC 9562 §4).
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

// parseUUID reads the canonical text of a UUID and no other spelling.
func parseUUID(id *[16]byte, text string) bool {
	if len(text) != 36 {
		return false
	}
	digits := text[:8] + text[9:13] + text[14:18] + text[19:23] + text[24:]
	_, err := hex.Decode(id[:], []byte(digits))
	return err == nil && uuid(*id) == text
}
