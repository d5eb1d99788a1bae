package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// What every access token says of itself.
const (
	audience       = "quantaseal-api"
	accessLifetime = 30 * time.Minute
	clockSkew      = 30 * time.Second

	// MaxAccessToken is the longest access token that is looked at, in bytes.
	MaxAccessToken = 2048
)

// ErrInvalidToken reports an access token that is not to be believed. What it
// wraps says why, for the log; the caller is told nothing.
var ErrInvalidToken = errors.New("invalid access token")

// Claims is what an access token says about its bearer.
type Claims struct {
	User        [16]byte
	Tenant      [16]byte
	Session     [16]byte
	Role        string
	Methods     []string // how the user was authenticated (RFC 8176), such as pwd
	AuthVersion uint64   // of the user, when the token was made
}

// AccessTokens makes and checks access tokens: JWTs (RFC 7519, RFC 9068) under
// HMAC-SHA-512 and nothing else. All fields but Retired are required. Make one
// with Open.
type AccessTokens struct {
	Issuer  string
	KeyID   string            // names Key in the header: 1 to 32 of A-Z a-z 0-9 - _
	Key     []byte            // at least 64 bytes
	Retired map[string][]byte // keys that signed before and are still believed
	Rand    io.Reader         // where token ids come from

	header string            // the encoded header of tokens made now
	keys   map[string][]byte // encoded header to key
}

// Open makes t ready for use, and checks its fields.
func (t *AccessTokens) Open() (*AccessTokens, error) {
	if t.Issuer == "" || t.Rand == nil {
		return nil, errors.New("access tokens need an issuer and a source of randomness")
	}
	t.header = encodeHeader(t.KeyID)
	t.keys = map[string][]byte{t.header: t.Key}
	for id, key := range t.Retired {
		if id == t.KeyID {
			return nil, fmt.Errorf("access token key %q is both current and retired", id)
		}
		t.keys[encodeHeader(id)] = key
		if err := checkKey(id, key); err != nil {
			return nil, err
		}
	}
	return t, checkKey(t.KeyID, t.Key)
}

func checkKey(id string, key []byte) error {
	if id == "" || len(id) > 32 || !isName(id) {
		return fmt.Errorf("%q cannot name an access token key", id)
	}
	if len(key) < 64 {
		return fmt.Errorf("access token key %q is shorter than 64 bytes", id)
	}
	return nil
}

func isName(s string) bool {
	for _, c := range []byte(s) {
		if c != '-' && c != '_' && bytes.IndexByte([]byte(base62), c) < 0 {
			return false
		}
	}
	return true
}

// encodeHeader returns the only header that a token under the named key can
// have. Whatever else a header may say (crit, jwk, jku, x5u, zip, b64, another
// alg, a member twice) is another header, and so is unknown.
func encodeHeader(keyID string) string {
	return strict64.EncodeToString([]byte(`{"alg":"HS512","typ":"at+jwt","kid":"` + keyID + `"}`))
}

// Mint returns a token that says c from now on, for 30 minutes.
func (t *AccessTokens) Mint(c Claims, now time.Time) ([]byte, error) {
	w := c.wire(t.Issuer, now)
	var id [16]byte
	if _, err := io.ReadFull(t.Rand, id[:]); err != nil {
		return nil, fmt.Errorf("drawing a token id: %w", err)
	}
	w.ID = strict64.EncodeToString(id[:])
	payload, err := json.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("encoding claims: %w", err)
	}
	signed := t.header + "." + strict64.EncodeToString(payload)
	sum, err := jwt.SigningMethodHS512.Sign(signed, t.Key)
	if err != nil {
		return nil, fmt.Errorf("signing an access token: %w", err)
	}
	token := append([]byte(signed), '.')
	token = strict64.AppendEncode(token, sum)
	if len(token) > MaxAccessToken {
		return nil, fmt.Errorf("access token of %d bytes is longer than %d", len(token), MaxAccessToken)
	}
	return token, nil
}

// Verify returns what token says, if it is ours and good at now, give or take
// 30 seconds. It refuses anything else with ErrInvalidToken. Nothing of the
// payload is read before the MAC over it is checked; whether session and auth
// version still hold is the caller's to ask.
func (t *AccessTokens) Verify(token []byte, now time.Time) (Claims, error) {
	payload, err := t.authentic(token)
	if err != nil {
		return Claims{}, fmt.Errorf("%w: %w", ErrInvalidToken, err)
	}
	c, err := readClaims(payload, t.Issuer, now)
	if err != nil {
		return Claims{}, fmt.Errorf("%w: %w", ErrInvalidToken, err)
	}
	return c, nil
}

// authentic returns the payload of a token that one of our keys signed.
func (t *AccessTokens) authentic(token []byte) ([]byte, error) {
	if len(token) > MaxAccessToken {
		return nil, errors.New("too long")
	}
	header, rest, _ := bytes.Cut(token, []byte("."))
	payload, sum, ok := bytes.Cut(rest, []byte("."))
	if !ok || bytes.IndexByte(sum, '.') >= 0 {
		return nil, errors.New("not three parts")
	}
	key, ok := t.keys[string(header)]
	if !ok {
		return nil, errors.New("not a header of ours")
	}
	rawSum, err := decode64(sum)
	if err != nil {
		return nil, err
	}
	rawPayload, err := decode64(payload)
	if err != nil {
		return nil, err
	}
	signed := token[:len(header)+1+len(payload)]
	if err := jwt.SigningMethodHS512.Verify(string(signed), rawSum, key); err != nil {
		return nil, errors.New("not signed by us")
	}
	return rawPayload, nil
}

// decode64 reads base64url without padding, line breaks or loose bits.
func decode64(text []byte) ([]byte, error) {
	if bytes.ContainsAny(text, "\r\n") {
		return nil, errors.New("line break in base64url")
	}
	b, err := strict64.AppendDecode(nil, text)
	if err != nil {
		return nil, errors.New("not base64url")
	}
	return b, nil
}
