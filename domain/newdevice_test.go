package domain_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
)

// A user is told of a session in an unknown browser and an unknown network, never of
// the first; a network that was seen among the last 32 new ones is known.
func TestRecognise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := registered
		var seen []domain.Digest
		for range rapid.IntRange(1, 80).Draw(t, "logins") {
			known, network := rapid.Bool().Draw(t, "known"), digest(rapid.IntRange(1, 60).Draw(t, "network"))
			facts := u.Recognise(known, network, domain.SessionID{ID: domain.ID{1}})
			stranger := !known && !slices.Contains(seen[max(0, len(seen)-32):], network)
			if stranger != (len(facts) == 1) {
				t.Fatalf("of %x after %x: %v", network[:1], seen, facts)
			}
			for _, e := range facts {
				if fact := e.(domain.NewDeviceSeen); fact.First != (len(seen) == 0) || fact.UserID != u.ID || fact.Personal.Network != network {
					t.Fatalf("recorded %+v", fact)
				}
				u, seen = u.Evolve(e), append(seen, network)
			}
		}
		if erased := u.Evolve(domain.SubjectErased{Subject: u.ID}); len(erased.Networks) > 0 {
			t.Fatal("where an erased person was is still known")
		}
		if forgotten := u.Evolve(domain.NewDeviceSeen{UserID: u.ID}); len(forgotten.Networks) != len(u.Networks) {
			t.Fatal("a network that cannot be read counts as one")
		}
	})
}
