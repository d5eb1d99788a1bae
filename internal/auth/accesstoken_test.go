package auth_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
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
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/quantaseal/quantaseal/internal/auth"
	"pgregory.net/rapid"
)

const issuer = "https://vault.example"

var (
	noon       = time.Date(2026, 5, 24, 12, 0, 0, 0, time.UTC)
	tokenKey   = bytes.Repeat([]byte("k"), 64)
	retiredKey = bytes.Repeat([]byte("o"), 64)
	someClaims = auth.Claims{
		User: [16]byte{1}, Tenant: [16]byte{2}, Session: [16]byte{3}, Role: "owner", Methods: []string{"pwd"}, AuthVersion: 4,
	}
)

func accessTokens(t testing.TB, kid string, key []byte, retired map[string][]byte) *auth.AccessTokens {
	t.Helper()
	tokens, err := (&auth.AccessTokens{Issuer: issuer, KeyID: kid, Key: key, Retired: retired, Rand: rand.Reader}).Open()
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func mint(t testing.TB, tokens *auth.AccessTokens) []byte {
	t.Helper()
	token, err := tokens.Mint(someClaims, noon)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestAccessTokenOnTheWire(t *testing.T) {
	tokens, err := (&auth.AccessTokens{Issuer: issuer, KeyID: "k1", Key: tokenKey, Rand: bytes.NewReader(make([]byte, 16))}).Open()
	if err != nil {
		t.Fatal(err)
	}
	token := mint(t, tokens)
	parts := strings.Split(string(token), ".")
	if len(parts) != 3 || len(token) > 700 {
		t.Fatalf("%d parts, %d bytes", len(parts), len(token))
	}
	for i, want := range []string{
		`{"alg":"HS512","typ":"at+jwt","kid":"k1"}`,
		`{"iss":"https://vault.example","aud":"quantaseal-api","sub":"01000000-0000-0000-0000-000000000000",` +
			`"tid":"02000000-0000-0000-0000-000000000000","role":"owner","sid":"03000000-0000-0000-0000-000000000000",` +
			`"jti":"AAAAAAAAAAAAAAAAAAAAAA","iat":1779624000,"nbf":1779624000,"exp":1779625800,"amr":["pwd"],"av":4}`,
	} {
		if got, err := base64.RawURLEncoding.DecodeString(parts[i]); err != nil || string(got) != want {
			t.Errorf("part %d: got %s, want %s", i, got, want)
		}
	}
	// Another implementation, told what to expect, believes it too.
	parsed, err := jwt.NewParser(jwt.WithValidMethods([]string{"HS512"}), jwt.WithIssuer(issuer), jwt.WithAudience("quantaseal-api"),
		jwt.WithTimeFunc(func() time.Time { return noon })).Parse(string(token), func(*jwt.Token) (any, error) { return tokenKey, nil })
	if err != nil || !parsed.Valid {
		t.Errorf("got %v", err)
	}
}

func TestAccessTokenIsBelieved(t *testing.T) {
	old := accessTokens(t, "k0", retiredKey, nil)
	tokens := accessTokens(t, "k1", tokenKey, map[string][]byte{"k0": retiredKey})
	for name, token := range map[string][]byte{"current": mint(t, tokens), "retired key": mint(t, old)} {
		got, err := tokens.Verify(token, noon)
		if diff := cmp.Diff(someClaims, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	if _, err := old.Verify(mint(t, tokens), noon); !errors.Is(err, auth.ErrInvalidToken) {
		t.Errorf("a key never given: got %v", err)
	}
	if bytes.Equal(mint(t, tokens), mint(t, tokens)) {
		t.Error("two tokens have one id")
	}
}

func TestAccessTokenTimes(t *testing.T) {
	tokens := accessTokens(t, "k1", tokenKey, nil)
	token := mint(t, tokens)
	for after, want := range map[time.Duration]error{
		-31 * time.Second: auth.ErrInvalidToken, -30 * time.Second: nil, 0: nil, 30 * time.Minute: nil,
		30*time.Minute + 29*time.Second: nil, 30*time.Minute + 30*time.Second: auth.ErrInvalidToken, 24 * time.Hour: auth.ErrInvalidToken,
	} {
		if _, err := tokens.Verify(token, noon.Add(after)); !errors.Is(err, want) {
			t.Errorf("after %v: got %v, want %v", after, err, want)
		}
	}
}

// forge signs any header and payload with the real key: only what they say can
// be wrong.
func forge(h func() hash.Hash, key []byte, header, payload string) string {
	signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	m := hmac.New(h, key)
	_, _ = io.WriteString(m, signed)
	return signed + "." + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

const goodHeader = `{"alg":"HS512","typ":"at+jwt","kid":"k1"}`

func goodPayload(t testing.TB, token []byte) string {
	t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(string(token), ".")[1])
	if err != nil {
		t.Fatal(err)
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
		"unknown claim":       change(`"av":4`, `"av":4,"admin":true`),
		"negative version":    change(`"av":4`, `"av":-4`),
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

func TestReasonsRepeatNothing(t *testing.T) {
	tokens := accessTokens(t, "k1", tokenKey, nil)
	for _, token := range []string{"MARKER.MARKER.MARKER", forge(sha512.New, tokenKey, goodHeader, `{"iss":"MARKER"}`), forge(sha512.New, tokenKey, goodHeader, `MARKER`)} {
		if _, err := tokens.Verify([]byte(token), noon); err == nil || strings.Contains(err.Error(), "MARKER") {
			t.Errorf("got %v", err)
		}
	}
}

func TestAccessTokensNeedTheirFields(t *testing.T) {
	for name, tokens := range map[string]auth.AccessTokens{
		"no issuer":      {KeyID: "k1", Key: tokenKey, Rand: rand.Reader},
		"no key id":      {Issuer: issuer, Key: tokenKey, Rand: rand.Reader},
		"odd key id":     {Issuer: issuer, KeyID: `k"1`, Key: tokenKey, Rand: rand.Reader},
		"long key id":    {Issuer: issuer, KeyID: strings.Repeat("k", 33), Key: tokenKey, Rand: rand.Reader},
		"no key":         {Issuer: issuer, KeyID: "k1", Rand: rand.Reader},
		"short key":      {Issuer: issuer, KeyID: "k1", Key: tokenKey[:63], Rand: rand.Reader},
		"short retired":  {Issuer: issuer, KeyID: "k1", Key: tokenKey, Retired: map[string][]byte{"k0": tokenKey[:63]}, Rand: rand.Reader},
		"one id twice":   {Issuer: issuer, KeyID: "k1", Key: tokenKey, Retired: map[string][]byte{"k1": retiredKey}, Rand: rand.Reader},
		"no randomness":  {Issuer: issuer, KeyID: "k1", Key: tokenKey},
		"no fields ever": {},
	} {
		if _, err := tokens.Open(); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
	tokens, err := (&auth.AccessTokens{Issuer: issuer, KeyID: "k1", Key: tokenKey, Rand: strings.NewReader("short")}).Open()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tokens.Mint(someClaims, noon); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
	long := someClaims
	long.Role = strings.Repeat("r", auth.MaxAccessToken)
	if _, err := accessTokens(t, "k1", tokenKey, nil).Mint(long, noon); err == nil {
		t.Error("made a token that nobody would believe")
	}
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

func BenchmarkVerifyAccessToken(b *testing.B) {
	tokens := accessTokens(b, "k1", tokenKey, nil)
	token := mint(b, tokens)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tokens.Verify(token, noon); err != nil {
			b.Fatal(err)
		}
	}
}
