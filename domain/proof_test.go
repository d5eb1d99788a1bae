package domain_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
)

// Whenever tokens are asked for and brought back: each is good for one thing,
// once, in time, and only while it is the newest; and asking often changes
// nothing for whoever has one in the mailbox.
func TestProofProperties(t *testing.T) {
	purposes := []domain.Purpose{domain.ProvesAddress, domain.ProvesReset}
	rapid.Check(t, func(t *rapid.T) {
		unverified := user
		unverified.Verified = false
		u, at, tokens := given[domain.User, domain.UserEvent](unverified, password), now, 0
		type token struct {
			n      int
			issued time.Time
		}
		open := map[domain.Purpose]token{}
		t.Repeat(map[string]func(*rapid.T){
			"issue": func(t *rapid.T) {
				purpose := rapid.SampledFrom(append(purposes, domain.ProvesInvitation, "root")).Draw(t, "purpose")
				tokens++
				last, found := open[purpose]
				next, facts, err := decide(t, u, func(u domain.User) ([]domain.UserEvent, error) { return u.IssueProof(purpose, digest(tokens), at) })
				soon := found && at.Sub(last.issued) < domain.ProofInterval
				want := !soon && (purpose == domain.ProvesReset || purpose == domain.ProvesAddress && !u.Verified)
				if err != nil || (len(facts) == 1) != want {
					t.Fatalf("%s is issued: %v, %v", purpose, facts, err)
				}
				if u = next; want {
					open[purpose] = token{tokens, at}
				}
			},
			"bring back": func(t *rapid.T) {
				purpose := rapid.SampledFrom(purposes).Draw(t, "purpose")
				n := max(0, tokens-rapid.IntRange(0, 3).Draw(t, "back"))
				before := u.AuthVersion
				set := domain.PasswordSet{Personal: domain.PasswordHash{Hash: "$argon2id$2"}, KeptSession: session, Rehashed: true}
				next, facts, err := decide(t, u, func(u domain.User) ([]domain.UserEvent, error) {
					if purpose == domain.ProvesAddress {
						return u.VerifyEmail(digest(n), at)
					}
					return u.ResetPassword(digest(n), set, at)
				})
				newest, found := open[purpose]
				good := found && newest.n == n && at.Sub(newest.issued) < purpose.Lifetime()
				if (len(facts) > 0) != good || errors.Is(err, domain.ErrProofRefused) == good {
					t.Fatalf("token %d for %s: %v, %v", n, purpose, facts, err)
				}
				if u = next; !good {
					return
				}
				delete(open, purpose)
				if reset := purpose == domain.ProvesReset; !u.Verified || (u.AuthVersion > before) != reset || reset && u.SessionsFrom != u.AuthVersion || !u.KeptSession.IsZero() {
					t.Fatalf("%s left %+v", purpose, u)
				}
			},
			"wait": func(t *rapid.T) {
				at = at.Add(rapid.SampledFrom([]time.Duration{time.Microsecond, domain.ProofInterval, time.Hour, 24 * time.Hour}).Draw(t, "step"))
			},
		})
	})
}

// A reset password opens a lock; a verified address is not verified again.
func TestProofDecisions(t *testing.T) {
	issued := domain.ProofIssued{Digest: digest(1), ExpiresAt: now.Add(time.Hour).UnixMicro(), Purpose: domain.ProvesReset, UserID: userID}
	locked := domain.AccountLocked{AccountRef: account, LockedUntil: expiry}
	set := password
	set.Personal.Hash = "$argon2id$2"
	consumed := domain.ProofConsumed{Purpose: domain.ProvesReset, UserID: userID}
	reset := func(token int, at time.Time) userRule {
		return func(u domain.User) ([]domain.UserEvent, error) { return u.ResetPassword(digest(token), set, at) }
	}
	begun := []domain.UserEvent{user, password, issued}
	testDecisions(t, map[string]decision[domain.User, domain.UserEvent]{
		"reset":                {begun, reset(1, now), []domain.UserEvent{consumed, set}, nil},
		"reset a lock":         {append(begun, locked), reset(1, now), []domain.UserEvent{consumed, set, domain.AccountUnlocked{AccountRef: account}}, nil},
		"reset with another":   {begun, reset(2, now), nil, domain.ErrProofRefused},
		"reset at its end":     {begun, reset(1, now.Add(time.Hour)), nil, domain.ErrProofRefused},
		"reset once used":      {append(begun, consumed), reset(1, now), nil, domain.ErrProofRefused},
		"reset with a zero":    {begun[:2], func(u domain.User) ([]domain.UserEvent, error) { return u.ResetPassword(domain.Digest{}, set, now) }, nil, domain.ErrProofRefused},
		"reset who left":       {append(begun, domain.UserDeactivated{UserID: userID}), reset(1, now), nil, domain.ErrProofRefused},
		"verify with a reset":  {begun, func(u domain.User) ([]domain.UserEvent, error) { return u.VerifyEmail(digest(1), now) }, nil, domain.ErrProofRefused},
		"set":                  {begun[:2], func(u domain.User) ([]domain.UserEvent, error) { return u.SetPassword(set) }, []domain.UserEvent{set}, nil},
		"set the same":         {begun[:2], func(u domain.User) ([]domain.UserEvent, error) { return u.SetPassword(password) }, nil, nil},
		"set nobody's":         {nil, func(u domain.User) ([]domain.UserEvent, error) { return u.SetPassword(set) }, nil, domain.ErrUserNotFound},
		"a new one voids that": {append(begun, set), reset(1, now), nil, domain.ErrProofRefused},
	})
	if diff := cmp.Diff(time.Duration(0), domain.Purpose("root").Lifetime()); diff != "" {
		t.Error(diff)
	}
}
