package auth

import (
	"errors"
	"fmt"
	"time"
)

// MFAClaims is what an MFA token says: this user has given the password, and
// owes the second factor.
type MFAClaims struct {
	User        [16]byte
	Tenant      [16]byte
	AuthVersion uint64   // of the user, when the token was made
	ID          [16]byte // of the login that waits, so that its tries can be counted
}

// wireMFA is the payload of an MFA token, in the order it is written.
type wireMFA struct {
	Issuer      string `json:"iss"`
	Audience    string `json:"aud"`
	User        string `json:"sub"`
	Tenant      string `json:"tid"`
	ID          string `json:"jti"`
	IssuedAt    int64  `json:"iat"`
	NotBefore   int64  `json:"nbf"`
	Expires     int64  `json:"exp"`
	AuthVersion uint64 `json:"av"`
}

// MintMFA returns a token that says c from now on, for 5 minutes, with an id of
// its own. It is signed as access tokens are and is none: header type and
// audience differ.
func (t *AccessTokens) MintMFA(c MFAClaims, now time.Time) ([]byte, error) {
	id, err := t.newID()
	if err != nil {
		return nil, err
	}
	return t.sign(t.mfa, wireMFA{
		Issuer: t.Issuer, Audience: mfaToken.audience, User: uuid(c.User), Tenant: uuid(c.Tenant), ID: id,
		IssuedAt: now.Unix(), NotBefore: now.Unix(), Expires: now.Add(mfaToken.lifetime).Unix(), AuthVersion: c.AuthVersion,
	})
}

// VerifyMFA returns what an MFA token says, if it is ours and good at now, give
// or take 30 seconds. It refuses anything else, access tokens included, with
// ErrInvalidToken.
func (t *AccessTokens) VerifyMFA(token []byte, now time.Time) (MFAClaims, error) {
	payload, err := t.mfa.authentic(token)
	if err != nil {
		return MFAClaims{}, fmt.Errorf("%w: %w", ErrInvalidToken, err)
	}
	c, err := readMFA(payload, t.Issuer, now)
	if err != nil {
		return MFAClaims{}, fmt.Errorf("%w: %w", ErrInvalidToken, err)
	}
	return c, nil
}

func readMFA(payload []byte, issuer string, now time.Time) (MFAClaims, error) {
	var w wireMFA
	if err := readCanonical(payload, &w); err != nil {
		return MFAClaims{}, err
	}
	if err := mfaToken.check(w.Issuer == issuer, w.Audience, w.IssuedAt, w.NotBefore, w.Expires, now); err != nil {
		return MFAClaims{}, err
	}
	c := MFAClaims{AuthVersion: w.AuthVersion}
	id, err := decode64([]byte(w.ID))
	if err != nil || len(id) != len(c.ID) || !parseUUID(&c.User, w.User) || !parseUUID(&c.Tenant, w.Tenant) {
		return MFAClaims{}, errors.New("an id is malformed")
	}
	c.ID = [16]byte(id)
	return c, nil
}
