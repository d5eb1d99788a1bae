package domain_test

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
)

type userRule = func(domain.User) ([]domain.UserEvent, error)

var active = given[domain.User, domain.UserEvent](user, password)

// secondFactor is a user beside what was done with the codes of the current factor.
type secondFactor struct {
	domain.User
	enabled bool
	last    uint64
	spent   map[int]bool
	seeds   byte
}

func backupCodes(seed byte) (codes []domain.Digest) {
	for n := range 10 {
		codes = append(codes, digest(int(seed)<<4+n+1))
	}
	return codes
}

func (f *secondFactor) ask(t *rapid.T, rule userRule) ([]domain.UserEvent, error) {
	next, facts, err := decide(t, f.User, rule)
	f.User = next
	return facts, err
}

// Whatever codes are shown in whatever order: none is accepted twice, none that
// is older than an accepted one, none of a factor that does not count, and every
// change of the factor voids older access tokens.
func TestMFAProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := &secondFactor{User: active, spent: map[int]bool{}}
		t.Repeat(map[string]func(*rapid.T){
			"set up": func(t *rapid.T) {
				secrets := domain.MFASecrets{Seed: []byte{f.seeds + 1}, BackupCodes: backupCodes(f.seeds + 1)}
				facts, err := f.ask(t, func(u domain.User) ([]domain.UserEvent, error) { return u.StartMFA(secrets) })
				if f.enabled != errors.Is(err, domain.ErrMFAEnabled) || f.enabled == (len(facts) == 1) {
					t.Fatalf("set up by %v, %v", facts, err)
				}
				if !f.enabled {
					f.seeds++
					f.last, f.spent = 0, map[int]bool{}
				}
			},
			"enable": func(t *rapid.T) {
				before, step := f.AuthVersion, rapid.Uint64Range(1, 9).Draw(t, "step")
				ready := len(f.MFA.Seed) > 0 && !f.enabled
				facts, err := f.ask(t, func(u domain.User) ([]domain.UserEvent, error) { return u.EnableMFA(step) })
				if (len(facts) == 1) != ready || (err == nil) != ready {
					t.Fatalf("enabled by %v, %v", facts, err)
				}
				if ready {
					f.enabled, f.last = true, step
				}
				if (f.AuthVersion > before) != ready {
					t.Fatal("older access tokens are as good as before, or as bad")
				}
			},
			"code": func(t *rapid.T) {
				step := rapid.Uint64Range(0, f.last+2).Draw(t, "step")
				facts, err := f.ask(t, func(u domain.User) ([]domain.UserEvent, error) { return u.UseCode(step) })
				good := f.enabled && step > f.last
				if (len(facts) == 1) != good || errors.Is(err, domain.ErrCodeRefused) == good {
					t.Fatalf("step %d after %d: %v, %v", step, f.last, facts, err)
				}
				if good {
					f.last = step
				}
			},
			"backup code": func(t *rapid.T) {
				n := rapid.IntRange(0, 10).Draw(t, "code") // the last is none of them
				code := digest(int(f.seeds)<<4 + n + 1)
				facts, err := f.ask(t, func(u domain.User) ([]domain.UserEvent, error) { return u.UseBackupCode(code) })
				good := f.enabled && n < 10 && !f.spent[n]
				if (len(facts) == 1) != good || errors.Is(err, domain.ErrCodeRefused) == good {
					t.Fatalf("code %d: %v, %v", n, facts, err)
				}
				if good {
					f.spent[n] = true
					if used := facts[0].(domain.BackupCodeUsed); used.Remaining != 10-len(f.spent) || used.Remaining != f.MFA.Remaining() {
						t.Fatalf("%+v after %d", used, len(f.spent))
					}
				}
				if facts, err := f.UseBackupCode(domain.Digest{}); facts != nil || err == nil {
					t.Fatal("the MAC of a spent code is a code")
				}
			},
			"disable": func(t *rapid.T) {
				before := f.AuthVersion
				if _, err := f.ask(t, domain.User.DisableMFA); err != nil {
					t.Fatal(err)
				}
				if (f.AuthVersion > before) != f.enabled {
					t.Fatal("older access tokens are as good as before, or as bad")
				}
				f.enabled, f.last, f.spent = false, 0, map[int]bool{}
			},
			"": func(t *rapid.T) {
				if f.MFA.Enabled != f.enabled || f.MFA.LastStep != f.last && f.enabled {
					t.Fatalf("%+v, want %v after %d", f.MFA, f.enabled, f.last)
				}
			},
		})
	})
}

// A state stays as it was when facts follow it.
func TestBackupCodesShareNothing(t *testing.T) {
	u := given[domain.User, domain.UserEvent](user, password,
		domain.MFAEnrolmentStarted{Factor: domain.FactorTOTP, UserID: userID, Personal: domain.MFASecrets{Seed: []byte("seed"), BackupCodes: backupCodes(1)}},
		domain.MFAEnabled{Factor: domain.FactorTOTP, Step: 1, UserID: userID})
	for n := range 10 {
		u.Evolve(domain.BackupCodeUsed{Code: n})
	}
	if u.MFA.Remaining() != 10 || !slices.Equal(u.MFA.BackupCodes, backupCodes(1)) {
		t.Errorf("%d codes are left", u.MFA.Remaining())
	}
	for _, n := range []int{-1, 10} {
		if got := u.Evolve(domain.BackupCodeUsed{Code: n}).MFA.Remaining(); got != 10 {
			t.Errorf("code %d is none, and %d are left", n, got)
		}
	}
	if facts, err := (domain.User{}).StartMFA(domain.MFASecrets{Seed: []byte("seed")}); facts != nil || !errors.Is(err, domain.ErrUserNotFound) {
		t.Errorf("nobody sets up MFA: %v, %v", facts, err)
	}
}
