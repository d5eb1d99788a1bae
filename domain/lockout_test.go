package domain_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
)

// Locks double up to a limit and begin anew after a login that succeeded; too
// many failures in a row lock until the password is reset.
func TestLockoutProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u, at, settings, times := active, now, domain.DefaultSettings(), 0
		t.Repeat(map[string]func(*rapid.T){
			"fail": func(t *rapid.T) {
				f := domain.Failures{
					Recent: rapid.SampledFrom([]int{0, 4, 5, 50}).Draw(t, "recent"), InARow: rapid.SampledFrom([]int{0, 5, 99, 100}).Draw(t, "in a row"),
				}
				before := u
				next, facts, err := decide(t, u, func(u domain.User) ([]domain.UserEvent, error) { return u.LockOut(f, settings, at) })
				if err != nil {
					t.Fatal(err)
				}
				u = next
				switch {
				case f.InARow >= domain.MaxFailures:
					if !u.LockedForGood() || !u.Locked(at.AddDate(200, 0, 0)) {
						t.Fatalf("%+v after %+v", u.Lock, f)
					}
				case before.Locked(at), f.Recent < 5:
					if len(facts) != 0 {
						t.Fatalf("%v after %+v", facts, f)
					}
				default:
					want := at.Add(30 * time.Minute << min(times, 8)).UnixMicro()
					if u.Lock.Until != want || !u.Locked(time.UnixMicro(want-1)) || u.Locked(time.UnixMicro(want)) {
						t.Fatalf("lock %d: %+v, want until %d", times, u.Lock, want)
					}
				}
				if len(facts) > 0 {
					times++
				}
			},
			"log in": func(t *rapid.T) {
				before := u.Lock
				next, facts, err := decide(t, u, domain.User.Unlock)
				if err != nil || (len(facts) == 1) != (before != domain.Lock{}) {
					t.Fatalf("unlocked by %v, %v", facts, err)
				}
				if u, times = next, 0; u.Locked(at) || u.LockedForGood() {
					t.Fatal("locked after a login")
				}
			},
			"wait": func(t *rapid.T) {
				at = at.Add(rapid.SampledFrom([]time.Duration{time.Minute, 30 * time.Minute, 24 * time.Hour}).Draw(t, "step"))
			},
		})
	})
}

// Who is no user cannot be locked out.
func TestLockoutOfNobody(t *testing.T) {
	for name, u := range map[string]domain.User{
		"nobody": {}, "an invitee": {Status: domain.Invited}, "one who left": active.Evolve(domain.UserDeactivated{UserID: userID}),
	} {
		if facts, err := u.LockOut(domain.Failures{Recent: 99, InARow: 999}, domain.DefaultSettings(), now); facts != nil || err != nil {
			t.Errorf("%s is locked out by %v, %v", name, facts, err)
		}
	}
}
