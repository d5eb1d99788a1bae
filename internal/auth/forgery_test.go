package auth_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/internal/auth"
)

// forge signs any header and payload with the real key: only what they say can
// be wrong.
func forge(h func() hash.Hash, key []byte, header, payload string) string {
	signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	m := hmac.New(h, key)
	_, _ = io.WriteString(m, signed)
	return signed + "." + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

const goodHeader = `{"alg":"HS512","typ":"at+jwt","kid":"k1"}`

func goodPayload(tb testing.TB, token []byte) string {
	tb.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(string(token), ".")[1])
	if err != nil {
		tb.Fatal(err)
	}
	return string(payload)
}

func TestForgedHeaders(t *testing.T) {
	tokens := accessTokens(t, "k1", tokenKey, nil)
	payload := goodPayload(t, mint(t, tokens))
	if _, err := tokens.Verify([]byte(forge(sha512.New, tokenKey, goodHeader, payload)), noon); err != nil {
		t.Fatalf("the forge does not work: %v", err)
	}
	for name, header := range map[string]string{
		"alg none":             `{"alg":"none","typ":"at+jwt","kid":"k1"}`,
		"alg None":             `{"alg":"None","typ":"at+jwt","kid":"k1"}`,
		"alg empty":            `{"alg":"","typ":"at+jwt","kid":"k1"}`,
		"alg missing":          `{"typ":"at+jwt","kid":"k1"}`,
		"alg HS256":            `{"alg":"HS256","typ":"at+jwt","kid":"k1"}`,
		"alg HS384":            `{"alg":"HS384","typ":"at+jwt","kid":"k1"}`,
		"alg RS512":            `{"alg":"RS512","typ":"at+jwt","kid":"k1"}`,
		"alg ES512":            `{"alg":"ES512","typ":"at+jwt","kid":"k1"}`,
		"alg EdDSA":            `{"alg":"EdDSA","typ":"at+jwt","kid":"k1"}`,
		"alg in lower case":    `{"alg":"hs512","typ":"at+jwt","kid":"k1"}`,
		"alg twice":            `{"alg":"none","alg":"HS512","typ":"at+jwt","kid":"k1"}`,
		"alg twice by case":    `{"Alg":"none","alg":"HS512","typ":"at+jwt","kid":"k1"}`,
		"typ JWT":              `{"alg":"HS512","typ":"JWT","kid":"k1"}`,
		"typ missing":          `{"alg":"HS512","kid":"k1"}`,
		"typ MFA token":        `{"alg":"HS512","typ":"mfa+jwt","kid":"k1"}`,
		"typ twice":            `{"alg":"HS512","typ":"JWT","typ":"at+jwt","kid":"k1"}`,
		"typ id token":         `{"alg":"HS512","typ":"it+jwt","kid":"k1"}`,
		"typ as media type":    `{"alg":"HS512","typ":"application/at+jwt","kid":"k1"}`,
		"kid missing":          `{"alg":"HS512","typ":"at+jwt"}`,
		"kid unknown":          `{"alg":"HS512","typ":"at+jwt","kid":"k2"}`,
		"kid empty":            `{"alg":"HS512","typ":"at+jwt","kid":""}`,
		"kid a file":           `{"alg":"HS512","typ":"at+jwt","kid":"../../../../dev/null"}`,
		"kid a query":          `{"alg":"HS512","typ":"at+jwt","kid":"k1' OR '1'='1"}`,
		"kid a URL":            `{"alg":"HS512","typ":"at+jwt","kid":"https://evil.example/k"}`,
		"kid a number":         `{"alg":"HS512","typ":"at+jwt","kid":1}`,
		"kid twice":            `{"alg":"HS512","typ":"at+jwt","kid":"k2","kid":"k1"}`,
		"kid escaped":          `{"alg":"HS512","typ":"at+jwt","kid":"\u006b1"}`,
		"crit":                 `{"alg":"HS512","typ":"at+jwt","kid":"k1","crit":["exp"]}`,
		"jwk":                  `{"alg":"HS512","typ":"at+jwt","kid":"k1","jwk":{"kty":"oct","k":"a2s"}}`,
		"jku":                  `{"alg":"HS512","typ":"at+jwt","kid":"k1","jku":"https://evil.example/jwks"}`,
		"x5u":                  `{"alg":"HS512","typ":"at+jwt","kid":"k1","x5u":"https://evil.example/x5u"}`,
		"x5c":                  `{"alg":"HS512","typ":"at+jwt","kid":"k1","x5c":["MII"]}`,
		"zip":                  `{"alg":"HS512","typ":"at+jwt","kid":"k1","zip":"DEF"}`,
		"b64 false":            `{"alg":"HS512","typ":"at+jwt","kid":"k1","b64":false}`,
		"cty":                  `{"alg":"HS512","typ":"at+jwt","kid":"k1","cty":"JWT"}`,
		"any other member":     `{"alg":"HS512","typ":"at+jwt","kid":"k1","x":1}`,
		"another order":        `{"typ":"at+jwt","alg":"HS512","kid":"k1"}`,
		"white space":          `{"alg": "HS512","typ":"at+jwt","kid":"k1"}`,
		"trailing data":        goodHeader + `{}`,
		"an array":             `[` + goodHeader + `]`,
		"nothing":              ``,
		"null":                 `null`,
		"white space before":   ` ` + goodHeader,
		"invalid UTF-8 inside": "{\"alg\":\"HS512\",\"typ\":\"at+jwt\",\"kid\":\"k1\xff\"}",
	} {
		for algorithm, h := range map[string]func() hash.Hash{"HS512": sha512.New, "HS256": sha256.New} {
			if _, err := tokens.Verify([]byte(forge(h, tokenKey, header, payload)), noon); !errors.Is(err, auth.ErrInvalidToken) {
				t.Errorf("%s, signed with %s: got %v, want %v", name, algorithm, err, auth.ErrInvalidToken)
			}
		}
	}
}

func TestForgedPayloads(t *testing.T) {
	tokens := accessTokens(t, "k1", tokenKey, nil)
	payload := goodPayload(t, mint(t, tokens))
	change := func(old, instead string) string {
		t.Helper()
		if strings.Count(payload, old) != 1 {
			t.Fatalf("%s is not in the payload once", old)
		}
		return strings.Replace(payload, old, instead, 1)
	}
	for name, forged := range map[string]string{
		"another issuer":      change(issuer, "https://evil.example"),
		"no issuer":           change(`"iss":"`+issuer+`",`, ``),
		"another audience":    change("quantaseal-api", "other-api"),
		"many audiences":      change(`"quantaseal-api"`, `["quantaseal-api","other-api"]`),
		"no audience":         change(`"aud":"quantaseal-api",`, ``),
		"later expiry":        change("1779625800", "1811161800"),
		"no expiry":           change(`"exp":1779625800,`, ``),
		"expiry as text":      change("1779625800", `"1779625800"`),
		"expiry as fraction":  change("1779625800", `1779625800.5`),
		"huge expiry":         change("1779625800", `9223372036854775807`),
		"overflowing expiry":  change("1779625800", `9223372036854775808`),
		"not yet":             change(`"nbf":1779624000`, `"nbf":1779627600`),
		"issued in future":    change(`"iat":1779624000`, `"iat":1779627600`),
		"issued long ago":     change(`"iat":1779624000`, `"iat":0`),
		"user in upper case":  change("01000000-0000-0000-0000-000000000000", "0100000A-0000-0000-0000-000000000000"),
		"user without dashes": change("01000000-0000-0000-0000-000000000000", "01000000000000000000000000000000"),
		"no tenant":           change(`"tid":"02000000-0000-0000-0000-000000000000",`, ``),
		"no session":          change(`"sid":"03000000-0000-0000-0000-000000000000",`, ``),
		"role twice":          change(`"role":"owner"`, `"role":"viewer","role":"owner"`),
		"role twice by case":  change(`"role":"owner"`, `"role":"viewer","Role":"owner"`),
		"role escaped":        change(`"owner"`, `"\u006fwner"`),
		"unknown claim":       change(`"av":4`, `"admin":true,"av":4`),
		"negative version":    change(`"av":4`, `"av":-4`),
		"no version":          change(`"av":4,`, ``),
		"no proof of when":    change(`,"auth_time":1779623990`, ``),
		"proof twice":         change(`"auth_time":1779623990`, `"auth_time":1,"auth_time":1779623990`),
		"proof as text":       change(`"auth_time":1779623990`, `"auth_time":"1779623990"`),
		"version as fraction": change(`"av":4`, `"av":4.0`),
		"methods as text":     change(`["pwd"]`, `"pwd"`),
		"methods null":        change(`["pwd"]`, `null`),
		"subject null":        change(`"01000000-0000-0000-0000-000000000000"`, `null`),
		"invalid UTF-8":       change(`"owner"`, "\"own\xffer\""),
		"another order":       change(`"iss":"`+issuer+`","aud":"quantaseal-api"`, `"aud":"quantaseal-api","iss":"`+issuer+`"`),
		"trailing data":       payload + `{}`,
		"trailing space":      payload + ` `,
		"not JSON":            `x`,
		"nothing":             ``,
		"null":                `null`,
	} {
		if _, err := tokens.Verify([]byte(forge(sha512.New, tokenKey, goodHeader, forged)), noon); !errors.Is(err, auth.ErrInvalidToken) {
			t.Errorf("%s: got %v, want %v", name, err, auth.ErrInvalidToken)
		}
	}
}

func TestForgedForms(t *testing.T) {
	tokens := accessTokens(t, "k1", tokenKey, nil)
	token := string(mint(t, tokens))
	parts := strings.Split(token, ".")
	for name, forged := range map[string]string{
		"empty":                "",
		"one part":             parts[0],
		"two parts":            parts[0] + "." + parts[1],
		"no signature":         parts[0] + "." + parts[1] + ".",
		"four parts":           token + ".",
		"five parts, as a JWE": token + "..",
		"no header":            "." + parts[1] + "." + parts[2],
		"no payload":           parts[0] + ".." + parts[2],
		"padding":              token + "==",
		"line break at end":    token + "\n",
		"line break inside":    parts[0] + "." + parts[1] + ".\n" + parts[2],
		"space before":         " " + token,
		"half a signature":     token[:len(token)-43],
		"short by one":         token[:len(token)-1],
		"long by one":          token + "A",
		"loose bits":           token[:len(token)-1] + "_",
		"standard alphabet":    parts[0] + "." + parts[1] + "." + strings.Repeat("+/", 43),
		"zero signature":       parts[0] + "." + parts[1] + "." + strings.Repeat("A", 86),
		"signature of others":  parts[0] + "." + parts[1] + "." + strings.Split(string(mint(t, tokens)), ".")[2],
		"signed without key":   forge(sha512.New, nil, goodHeader, goodPayload(t, []byte(token))),
		"signed by stranger":   forge(sha512.New, retiredKey, goodHeader, goodPayload(t, []byte(token))),
		"signed by kid":        forge(sha512.New, []byte("k1"), goodHeader, goodPayload(t, []byte(token))),
		"signed in hex":        parts[0] + "." + parts[1] + "." + hexOf(t, parts[2]),
		"too long":             forge(sha512.New, tokenKey, goodHeader, strings.Repeat(" ", auth.MaxAccessToken)+goodPayload(t, []byte(token))),
		"API key":              knownKey,
		"JSON form":            `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
	} {
		if _, err := tokens.Verify([]byte(forged), noon); !errors.Is(err, auth.ErrInvalidToken) {
			t.Errorf("%s: got %v, want %v", name, err, auth.ErrInvalidToken)
		}
	}
}

func hexOf(t *testing.T, text string) string {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(b)
}

// No token with a byte changed is believed.
func TestChangedAccessTokens(t *testing.T) {
	tokens := accessTokens(t, "k1", tokenKey, nil)
	token := mint(t, tokens)
	rapid.Check(t, func(t *rapid.T) {
		changed := bytes.Clone(token)
		changed[rapid.IntRange(0, len(token)-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		if _, err := tokens.Verify(changed, noon); !errors.Is(err, auth.ErrInvalidToken) {
			t.Fatalf("got %v, want %v", err, auth.ErrInvalidToken)
		}
	})
}

// Whatever is believed was minted: its parts are what Mint writes.
func FuzzVerifyAccessToken(f *testing.F) {
	tokens := accessTokens(f, "k1", tokenKey, nil)
	good := mint(f, tokens)
	f.Add(goodHeader, goodPayload(f, good), true)
	f.Add(`{"alg":"none"}`, `{"sub":"x"}`, false)
	f.Fuzz(func(t *testing.T, header, payload string, sign bool) {
		token := header + "." + payload
		if sign {
			token = forge(sha512.New, tokenKey, header, payload)
		}
		claims, err := tokens.Verify([]byte(token), noon)
		if err != nil {
			if !errors.Is(err, auth.ErrInvalidToken) {
				t.Fatalf("got %v", err)
			}
			return
		}
		var said struct{ Role, Iss, Aud string }
		if !sign || header != goodHeader || json.Unmarshal([]byte(payload), &said) != nil ||
			said.Role != claims.Role || said.Iss != issuer || said.Aud != "quantaseal-api" {
			t.Fatalf("believed %q", token)
		}
	})
}
