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

// clockSkew is how far the clocks of two nodes may be apart.
const clockSkew = 30 * time.Second

// MaxAccessToken is the longest access token that is looked at, in bytes.
const MaxAccessToken = 2048

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
	ProvenAt    int64    // when the bearer last proved who they are, Unix seconds; 0 = never
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

	access, mfa headers
}

// headers are all that tokens of one kind may begin with, encoded.
type headers struct {
	current string
	keys    map[string][]byte // header to key
}

// Open makes t ready for use, and checks its fields.
func (t *AccessTokens) Open() (*AccessTokens, error) {
	if t.Issuer == "" || t.Rand == nil {
		return nil, errors.New("access tokens need an issuer and a source of randomness")
	}
	for id := range t.Retired {
		if id == t.KeyID {
			return nil, fmt.Errorf("access token key %q is both current and retired", id)
		}
		if err := checkKey(id, t.Retired[id]); err != nil {
			return nil, err
		}
	}
	t.access, t.mfa = t.headersOf(accessToken), t.headersOf(mfaToken)
	return t, checkKey(t.KeyID, t.Key)
}

func (t *AccessTokens) headersOf(k tokenKind) headers {
	h := headers{encodeHeader(k, t.KeyID), map[string][]byte{}}
	h.keys[h.current] = t.Key
	for id, key := range t.Retired {
		h.keys[encodeHeader(k, id)] = key
	}
	return h
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

// encodeHeader returns the only header that a token of kind k under the named
// key can have. Whatever else a header may say (crit, jwk, jku, x5u, zip, b64, another
// alg, a member twice) is another header, and so is unknown.
func encodeHeader(k tokenKind, keyID string) string {
	return strict64.EncodeToString([]byte(`{"alg":"HS512","typ":"` + k.typ + `","kid":"` + keyID + `"}`))
}

// Mint returns a token that says c from now on, for 30 minutes.
func (t *AccessTokens) Mint(c Claims, now time.Time) ([]byte, error) {
	w := c.wire(t.Issuer, now)
	var err error
	if w.ID, err = t.newID(); err != nil {
		return nil, err
	}
	return t.sign(t.access, w)
}

// newID draws the id of a token, 128 bits.
func (t *AccessTokens) newID() (string, error) {
	var id [16]byte
	if _, err := io.ReadFull(t.Rand, id[:]); err != nil {
		return "", fmt.Errorf("drawing a token id: %w", err)
	}
	return strict64.EncodeToString(id[:]), nil
}

func (t *AccessTokens) sign(h headers, claims any) ([]byte, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return nil, fmt.Errorf("encoding claims: %w", err)
	}
	signed := h.current + "." + strict64.EncodeToString(payload)
	sum, err := jwt.SigningMethodHS512.Sign(signed, t.Key)
	if err != nil {
		return nil, fmt.Errorf("signing a token: %w", err)
	}
	token := append([]byte(signed), '.')
	token = strict64.AppendEncode(token, sum)
	if len(token) > MaxAccessToken {
		return nil, fmt.Errorf("token of %d bytes is longer than %d", len(token), MaxAccessToken)
	}
	return token, nil
}

// Verify returns what token says, if it is ours and good at now, give or take
// 30 seconds. It refuses anything else with ErrInvalidToken. Nothing of the
// payload is read before the MAC over it is checked; whether session and auth
// version still hold is the caller's to ask.
func (t *AccessTokens) Verify(token []byte, now time.Time) (Claims, error) {
	payload, err := t.access.authentic(token)
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
func (h headers) authentic(token []byte) ([]byte, error) {
	if len(token) > MaxAccessToken {
		return nil, errors.New("too long")
	}
	header, rest, _ := bytes.Cut(token, []byte("."))
	payload, sum, ok := bytes.Cut(rest, []byte("."))
	if !ok || bytes.IndexByte(sum, '.') >= 0 {
		return nil, errors.New("not three parts")
	}
	key, ok := h.keys[string(header)]
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
