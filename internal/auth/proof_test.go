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

var proofForm = regexp.MustCompile(`^[0-9A-Za-z_-]{87}$`)

// A proof names its purpose and its user, and is a proof of nothing else.
func TestProofNamesItsUser(t *testing.T) {
	purposes := []auth.Purpose{auth.VerifyEmail, auth.ResetPassword, auth.AcceptInvitation}
	rapid.Check(t, func(t *rapid.T) {
		p := auth.Proof{Purpose: rapid.SampledFrom(purposes).Draw(t, "purpose")}
		copy(p.Tenant[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "tenant"))
		copy(p.User[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "user"))
		token, err := auth.NewProof(rand.Reader, p)
		if err != nil || !proofForm.Match(token) {
			t.Fatalf("got %s and %v", token, err)
		}
		for _, purpose := range purposes {
			got, err := auth.ParseProof(token, purpose)
			if purpose == p.Purpose && (err != nil || got != p) || purpose != p.Purpose && !errors.Is(err, auth.ErrMalformedProof) {
				t.Fatalf("as %d: got %v and %v", purpose, got, err)
			}
		}
		changed := bytes.Clone(token)
		changed[rapid.IntRange(0, len(token)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		if _, err := auth.ParseProof(changed, p.Purpose); err == nil && !bytes.Equal(changed, token) &&
			auth.Digest(pepper, changed) == auth.Digest(pepper, token) {
			t.Fatalf("%s passes for %s", changed, token)
		}
	})
}

func TestProofsDiffer(t *testing.T) {
	p := auth.Proof{Purpose: auth.VerifyEmail, Tenant: [16]byte{1}, User: [16]byte{2}}
	a, err := auth.NewProof(rand.Reader, p)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := auth.NewProof(rand.Reader, p); err != nil || bytes.Equal(a, b) {
		t.Errorf("one proof was drawn twice, or %v", err)
	}
	if _, err := auth.NewProof(io.LimitReader(rand.Reader, 31), p); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
	for _, text := range []string{"", string(a[1:]), string(a) + "=", string(a) + "A", string(a[:86]) + "\n", string(a[:86]) + "+", knownKey, string(refreshToken(t))} {
		if _, err := auth.ParseProof([]byte(text), auth.VerifyEmail); !errors.Is(err, auth.ErrMalformedProof) {
			t.Errorf("%q: got %v", text, err)
		}
	}
	if _, err := auth.ParseRefreshToken(a); !errors.Is(err, auth.ErrMalformedToken) {
		t.Errorf("a proof passes for a refresh token: %v", err)
	}
}

func FuzzParseProof(f *testing.F) {
	token, err := auth.NewProof(rand.Reader, auth.Proof{Purpose: auth.ResetPassword})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(token, uint8(auth.ResetPassword))
	f.Add([]byte("AQ"), uint8(1))
	f.Fuzz(func(t *testing.T, token []byte, purpose uint8) {
		p, err := auth.ParseProof(token, auth.Purpose(purpose))
		if err == nil && (!proofForm.Match(token) || p.Purpose != auth.Purpose(purpose)) {
			t.Fatalf("accepted %q as %d", token, purpose)
		}
	})
}
