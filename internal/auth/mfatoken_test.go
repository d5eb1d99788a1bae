package auth_test

import (
	"bytes"
	"crypto/sha512"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/internal/auth"
)

var someMFA = auth.MFAClaims{User: [16]byte{1}, Tenant: [16]byte{2}, AuthVersion: 4}

func mintMFA(tb testing.TB, tokens *auth.AccessTokens) []byte {
	tb.Helper()
	token, err := tokens.MintMFA(someMFA, noon)
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

func TestMFAToken(t *testing.T) {
	old := accessTokens(t, "k0", retiredKey, nil)
	tokens := accessTokens(t, "k1", tokenKey, map[string][]byte{"k0": retiredKey})
	ids := map[[16]byte]bool{}
	for _, token := range [][]byte{mintMFA(t, tokens), mintMFA(t, tokens), mintMFA(t, old)} {
		got, err := tokens.VerifyMFA(token, noon)
		if ids[got.ID] || got.ID == [16]byte{} {
			t.Error("two logins have one id")
		}
		ids[got.ID] = true
		got.ID = [16]byte{}
		if err != nil || got != someMFA {
			t.Errorf("got %v and %v, want %v", got, err, someMFA)
		}
	}
	for after, want := range map[time.Duration]error{
		-31 * time.Second: auth.ErrInvalidToken, 0: nil, 5*time.Minute + 29*time.Second: nil, 5*time.Minute + 30*time.Second: auth.ErrInvalidToken,
	} {
		if _, err := tokens.VerifyMFA(mintMFA(t, tokens), noon.Add(after)); !errors.Is(err, want) {
			t.Errorf("after %v: got %v, want %v", after, err, want)
		}
	}
}

// One key signs both kinds of token, and neither passes for the other however
// its parts are put together.
func TestMFATokenIsNoAccessToken(t *testing.T) {
	tokens := accessTokens(t, "k1", tokenKey, nil)
	access, mfa := mint(t, tokens), mintMFA(t, tokens)
	const mfaHeader = `{"alg":"HS512","typ":"mfa+jwt","kid":"k1"}`
	for name, token := range map[string]string{
		"as it is":              string(mfa),
		"under the header":      forge(sha512.New, tokenKey, goodHeader, goodPayload(t, mfa)),
		"with another audience": forge(sha512.New, tokenKey, goodHeader, strings.Replace(goodPayload(t, mfa), "quantaseal-mfa", "quantaseal-api", 1)),
		"access under its own":  forge(sha512.New, tokenKey, mfaHeader, goodPayload(t, access)),
	} {
		if _, err := tokens.Verify([]byte(token), noon); !errors.Is(err, auth.ErrInvalidToken) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for name, token := range map[string]string{
		"as it is":              string(access),
		"under the header":      forge(sha512.New, tokenKey, mfaHeader, goodPayload(t, access)),
		"with another audience": forge(sha512.New, tokenKey, mfaHeader, strings.Replace(goodPayload(t, access), "quantaseal-api", "quantaseal-mfa", 1)),
		"id too short":          forge(sha512.New, tokenKey, mfaHeader, strings.Replace(goodPayload(t, mfa), `"jti":"`, `"jti":"AAAA","x":"`, 1)),
		"longer life":           forge(sha512.New, tokenKey, mfaHeader, strings.Replace(goodPayload(t, mfa), `"exp":1779624300`, `"exp":1779625800`, 1)),
		"no id":                 forge(sha512.New, tokenKey, mfaHeader, `{}`),
		"alg none":              forge(sha512.New, tokenKey, `{"alg":"none","typ":"mfa+jwt","kid":"k1"}`, goodPayload(t, mfa)),
		"nothing":               "",
	} {
		if _, err := tokens.VerifyMFA([]byte(token), noon); !errors.Is(err, auth.ErrInvalidToken) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// No MFA token with a byte changed is believed.
func TestChangedMFATokens(t *testing.T) {
	tokens := accessTokens(t, "k1", tokenKey, nil)
	token := mintMFA(t, tokens)
	rapid.Check(t, func(t *rapid.T) {
		changed := bytes.Clone(token)
		changed[rapid.IntRange(0, len(token)-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		if _, err := tokens.VerifyMFA(changed, noon); !errors.Is(err, auth.ErrInvalidToken) {
			t.Fatalf("got %v", err)
		}
	})
}

// Whatever is believed was minted: its parts are what MintMFA writes.
func FuzzVerifyMFA(f *testing.F) {
	tokens := accessTokens(f, "k1", tokenKey, nil)
	const mfaHeader = `{"alg":"HS512","typ":"mfa+jwt","kid":"k1"}`
	f.Add(mfaHeader, goodPayload(f, mintMFA(f, tokens)), true)
	f.Add(goodHeader, goodPayload(f, mint(f, tokens)), true)
	f.Add(`{"alg":"none"}`, `{"sub":"x"}`, false)
	f.Fuzz(func(t *testing.T, header, payload string, sign bool) {
		token := header + "." + payload
		if sign {
			token = forge(sha512.New, tokenKey, header, payload)
		}
		claims, err := tokens.VerifyMFA([]byte(token), noon)
		if err != nil {
			if !errors.Is(err, auth.ErrInvalidToken) {
				t.Fatalf("got %v", err)
			}
			return
		}
		if !sign || header != mfaHeader || !strings.Contains(payload, `"quantaseal-mfa"`) || claims.ID == [16]byte{} {
			t.Fatalf("believed %q", token)
		}
	})
}
