package compliance_test

import (
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/compliance"
)

var (
	cryptoKey  = domain.CryptoKeyID{ID: domain.ID{0xa7}}
	generated  = domain.KeyGenerated{Algorithm: domain.EnvelopeAlgorithms, Environment: domain.Live, KeyID: cryptoKey, Purpose: domain.PurposeEnvelope}
	retiredKey = domain.KeyRetirement{KeyID: cryptoKey, Mode: domain.RetiredForGood}

	lockdown = domain.LockdownActivated{ActivationEventID: domain.ID{0xf6}, Drill: true}
	lifted   = domain.LockdownLifted{ActivationEventID: domain.ID{0xf6}}
)

func rotated(e domain.EntryID, changed bool) domain.CredentialRotated {
	return domain.CredentialRotated{OldEntryID: e, NewEntryID: e.Credential().Entry(2), Suite: 1, ValueChanged: changed, Version: 2}
}

// deleted seals a credential and deletes it, with its key or without, two hours ago.
func deleted(s *story, shredded bool) domain.EntryID {
	e := s.seals(1, user(ada), 0)
	s.happens(user(ada), domain.CredentialDeleted{EntryID: e})
	if shredded {
		s.happens(user(ada), domain.CredentialShredded{EntryID: e})
	}
	s.later(2 * time.Hour)
	return e
}

func fails(s *story, times int) *story {
	for range times {
		s.happens(nobody, domain.LoginFailed{AccountRef: ada.ID, Reason: "password"})
	}
	return s
}

func locked(s *story) domain.Event {
	return domain.AccountLocked{AccountRef: ada.ID, LockedUntil: s.now.Add(30 * time.Minute).UnixMicro()}
}

func issued(access, refresh, idle int) domain.SessionIssued {
	return domain.SessionIssued{AccessTTLSeconds: access, RefreshTTLSeconds: refresh, IdleLimitSeconds: idle, UserID: ada}
}

func unseals(s *story, who by) *story {
	return s.happens(who, domain.CredentialUnsealed{EntryID: s.seals(1, user(ada), 0), ScopeUsed: domain.ScopeVaultUnseal})
}

// Each check finds what it says, and cites what it holds against the tenant.
func TestChecks(t *testing.T) {
	c := load(t)
	framework, err := c.Framework("iso27001") // it rests on every check, and has no parameters of its own
	if err != nil {
		t.Fatal(err)
	}
	tried := map[string]bool{}
	for _, tt := range found {
		tried[tt.check] = true
		t.Run(tt.check+" "+tt.name, func(t *testing.T) {
			s := tell(t)
			tt.tell(s)
			result, ratio, _, failing := s.state().Examine(c, framework, s.now.UnixMicro(), tt.check)
			got := string(result)
			if result == compliance.PartlyPassed {
				got = ratio.RatString()
			}
			if got != tt.want || len(failing) != tt.cites {
				t.Errorf("got %s %v, citing %v, want %s citing %d", result, ratio, failing, tt.want, tt.cites)
			}
		})
	}
	for _, k := range c.Checks {
		if compliance.Evaluated(k.ID) && !tried[k.ID] {
			t.Errorf("%s is never tried", k.ID)
		}
	}
}
