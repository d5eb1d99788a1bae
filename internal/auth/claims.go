package auth

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"
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
}

func (c Claims) wire(issuer string, now time.Time) wireClaims {
	methods := c.Methods
	if methods == nil {
		methods = []string{}
	}
	return wireClaims{
		Issuer: issuer, Audience: audience, User: uuid(c.User), Tenant: uuid(c.Tenant), Role: c.Role, Session: uuid(c.Session),
		IssuedAt: now.Unix(), NotBefore: now.Unix(), Expires: now.Add(accessLifetime).Unix(),
		Methods: methods, AuthVersion: c.AuthVersion,
	}
}

// readClaims reads a payload that wire wrote, and no other, and checks it
// against the clock, the issuer and the audience.
func readClaims(payload []byte, issuer string, now time.Time) (Claims, error) {
	var w wireClaims
	if err := json.Unmarshal(payload, &w); err != nil {
		return Claims{}, errors.New("unreadable claims")
	}
	if again, err := json.Marshal(w); err != nil || !bytes.Equal(again, payload) {
		return Claims{}, errors.New("claims are not as we write them")
	}
	skew := int64(clockSkew / time.Second)
	switch {
	case now.Unix() >= w.Expires+skew:
		return Claims{}, errors.New("expired")
	case now.Unix() < w.NotBefore-skew, now.Unix() < w.IssuedAt-skew:
		return Claims{}, errors.New("not yet valid")
	case w.Expires-w.IssuedAt != int64(accessLifetime/time.Second):
		return Claims{}, errors.New("another lifetime than ours")
	case w.Issuer != issuer:
		return Claims{}, errors.New("another issuer")
	case w.Audience != audience:
		return Claims{}, errors.New("another audience")
	}
	c := Claims{Role: w.Role, Methods: w.Methods, AuthVersion: w.AuthVersion}
	if !parseUUID(&c.User, w.User) || !parseUUID(&c.Tenant, w.Tenant) || !parseUUID(&c.Session, w.Session) {
		return Claims{}, errors.New("an id is malformed")
	}
	return c, nil
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
