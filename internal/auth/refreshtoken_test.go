package auth_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"regexp"
	"testing"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/internal/auth"
)

var (
	someSession = auth.Session{Tenant: [16]byte{1}, Session: [16]byte{2}}
	refreshKey  = bytes.Repeat([]byte("r"), 32)
	refreshForm = regexp.MustCompile(`^[0-9A-Za-z_-]{86}$`)
)

func refreshToken(t *testing.T) []byte {
	t.Helper()
	token, err := auth.NewRefreshToken(rand.Reader, someSession)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestRefreshTokenNamesItsSession(t *testing.T) {
	token := refreshToken(t)
	if got, err := auth.ParseRefreshToken(token); err != nil || got != someSession || !refreshForm.Match(token) {
		t.Errorf("%s: got %v and %v, want %v", token, got, err, someSession)
	}
	if bytes.Equal(token, refreshToken(t)) {
		t.Error("two logins got one token")
	}
}

// A used token leads to one successor for ever, of the same session; another
// token or another key leads elsewhere.
func TestSuccessor(t *testing.T) {
	first := refreshToken(t)
	seen := map[string]bool{string(first): true}
	for token := first; len(seen) < 50; {
		next, err := auth.Successor(refreshKey, token)
		if err != nil || seen[string(next)] {
			t.Fatalf("got %s again, or %v", next, err)
		}
		seen[string(next)] = true
		again, err := auth.Successor(refreshKey, token)
		if err != nil || !bytes.Equal(next, again) {
			t.Fatalf("got %s and then %s, %v", next, again, err)
		}
		if s, err := auth.ParseRefreshToken(next); err != nil || s != someSession {
			t.Fatalf("the successor is of %v, %v", s, err)
		}
		other, err := auth.Successor(bytes.Repeat([]byte("s"), 32), token)
		if err != nil || bytes.Equal(next, other) {
			t.Fatalf("the key does not matter: %v", err)
		}
		token = next
	}
}

// One token has one spelling: what differs is refused or is another token.
func TestRefreshTokenSpellings(t *testing.T) {
	pepper := make([]byte, 32)
	token := refreshToken(t)
	rapid.Check(t, func(t *rapid.T) {
		changed := bytes.Clone(token)
		changed[rapid.IntRange(0, len(token)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		if bytes.Equal(changed, token) {
			return
		}
		if _, err := auth.ParseRefreshToken(changed); err == nil && auth.Digest(pepper, changed) == auth.Digest(pepper, token) {
			t.Fatalf("%s passes for %s", changed, token)
		}
	})
	last := []byte("AQgw")
	if bytes.IndexByte(last, token[85]) < 0 {
		t.Errorf("the last character carries two bits, but is %c", token[85])
	}
}

func TestMalformedRefreshTokens(t *testing.T) {
	token := string(refreshToken(t))
	for _, text := range []string{
		"", token[1:], token + "=", token + "A", token[:85] + "B", token[:85] + "=", token[:84] + "\r\n", "\n" + token[1:],
		token[:85] + "+", "a.b.c", knownKey,
	} {
		if _, err := auth.ParseRefreshToken([]byte(text)); !errors.Is(err, auth.ErrMalformedToken) {
			t.Errorf("%q: got %v, want %v", text, err, auth.ErrMalformedToken)
		}
		if next, err := auth.Successor(refreshKey, []byte(text)); next != nil || !errors.Is(err, auth.ErrMalformedToken) {
			t.Errorf("%q: got successor %s and %v", text, next, err)
		}
	}
}

func TestRefreshTokenNeedsRandomness(t *testing.T) {
	if _, err := auth.NewRefreshToken(io.LimitReader(rand.Reader, 31), someSession); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}

func FuzzParseRefreshToken(f *testing.F) {
	f.Add([]byte("AQAAAAAAAAAAAAAAAAAAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"))
	f.Fuzz(func(t *testing.T, token []byte) {
		if _, err := auth.ParseRefreshToken(token); err == nil && !refreshForm.Match(token) {
			t.Fatalf("accepted %q", token)
		}
	})
}

func TestDigestDependsOnPepperAndToken(t *testing.T) {
	one, other := make([]byte, 32), bytes.Repeat([]byte{1}, 32)
	a := auth.Digest(one, []byte("token"))
	if a != auth.Digest(one, []byte("token")) || a == auth.Digest(other, []byte("token")) || a == auth.Digest(one, []byte("tokem")) {
		t.Error("a digest does not depend on all it is of")
	}
	if auth.AccountRef(one, "a@b.cc") == auth.AccountRef(other, "a@b.cc") || auth.AccountRef(one, "a@b.cc") == auth.AccountRef(one, "b@b.cc") {
		t.Error("a reference does not depend on all it is of")
	}
}
