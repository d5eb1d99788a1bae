package auth_test

import (
	"bytes"
	"errors"
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
		token := auth.NewProof(pepper, p, rapid.Make[[16]byte]().Draw(t, "fact"))
		if !proofForm.Match(token) {
			t.Fatalf("got %s", token)
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

// Of one fact there is one proof. Another fact, key, purpose or person has another.
func TestProofsDiffer(t *testing.T) {
	p, fact := auth.Proof{Purpose: auth.VerifyEmail, Tenant: [16]byte{1}, User: [16]byte{2}}, [16]byte{3}
	a := auth.NewProof(pepper, p, fact)
	if b := auth.NewProof(pepper, p, fact); !bytes.Equal(a, b) {
		t.Errorf("of one fact came %s and %s", a, b)
	}
	secret := func(token []byte) string { return string(token[len(token)-42:]) } // of the last 32 bytes
	seen := map[string]bool{secret(a): true}
	for _, b := range [][]byte{
		auth.NewProof(deviceKey, p, fact), auth.NewProof(pepper, p, [16]byte{4}),
		auth.NewProof(pepper, auth.Proof{Purpose: auth.ResetPassword, Tenant: p.Tenant, User: p.User}, fact),
		auth.NewProof(pepper, auth.Proof{Purpose: p.Purpose, Tenant: p.User, User: p.User}, fact),
		auth.NewProof(pepper, auth.Proof{Purpose: p.Purpose, Tenant: p.Tenant, User: p.Tenant}, fact),
	} {
		if seen[secret(b)] {
			t.Errorf("%s has the secret of another proof", b)
		}
		seen[secret(b)] = true
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
	f.Add(auth.NewProof(pepper, auth.Proof{Purpose: auth.ResetPassword}, [16]byte{1}), uint8(auth.ResetPassword))
	f.Add([]byte("AQ"), uint8(1))
	f.Fuzz(func(t *testing.T, token []byte, purpose uint8) {
		p, err := auth.ParseProof(token, auth.Purpose(purpose))
		if err == nil && (!proofForm.Match(token) || p.Purpose != auth.Purpose(purpose)) {
			t.Fatalf("accepted %q as %d", token, purpose)
		}
	})
}
