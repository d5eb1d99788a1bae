package auth_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/internal/auth"
)

const issuer = "https://vault.example"

var (
	noon       = time.Date(2026, 5, 24, 12, 0, 0, 0, time.UTC)
	tokenKey   = bytes.Repeat([]byte("k"), 64)
	retiredKey = bytes.Repeat([]byte("o"), 64)
	someClaims = auth.Claims{
		User: [16]byte{1}, Tenant: [16]byte{2}, Session: [16]byte{3}, Role: "owner", Methods: []string{"pwd"}, AuthVersion: 4, ProvenAt: 1779623990,
	}
)

func accessTokens(tb testing.TB, kid string, key []byte, retired map[string][]byte) *auth.AccessTokens {
	tb.Helper()
	tokens, err := (&auth.AccessTokens{Issuer: issuer, KeyID: kid, Key: key, Retired: retired, Rand: rand.Reader}).Open()
	if err != nil {
		tb.Fatal(err)
	}
	return tokens
}

func mint(tb testing.TB, tokens *auth.AccessTokens) []byte {
	tb.Helper()
	token, err := tokens.Mint(someClaims, noon)
	if err != nil {
		tb.Fatal(err)
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
			`"jti":"AAAAAAAAAAAAAAAAAAAAAA","iat":1779624000,"nbf":1779624000,"exp":1779625800,"amr":["pwd"],"av":4,"auth_time":1779623990}`,
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
