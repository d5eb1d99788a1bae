package commands_test

import (
	"testing"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
)

func (v *vault) login(t *testing.T) (commands.Session, error) {
	t.Helper()
	return v.Identity.Login(t.Context(), commands.Login{Actor: nobody(), Email: "owner@example.com", Password: commands.Secret(password)})
}

// What stands on the record was done: no fault that comes after it may tell the
// caller otherwise.
func TestSessionsDoNotFailOnceRecorded(t *testing.T) {
	within(t, func(t *testing.T, v *vault) {
		blindly := func(name string, do func() (commands.Session, error), want ...string) commands.Session {
			t.Helper()
			v.Log.Forget(v.tenant, domain.AggregateID{Kind: domain.KindTenant, ID: v.tenant.ID})
			v.Log.Forget(v.tenant, domain.AggregateID{Kind: domain.KindUser, ID: v.owner.User.ID})
			v.store.thenBlind()
			s, err := do()
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			v.store.instead.Store(nil)
			v.store.blind.Store(false)
			v.saw(t, want...)
			if by, _, err := v.Identity.AuthenticateAccess(t.Context(), s.Access); err != nil || by.User != v.owner.User {
				t.Errorf("%s: the access token is %v's: %v", name, by.User, err)
			}
			if s.TrialEndsAt == 0 {
				t.Errorf("%s: the answer does not say when the trial ends", name)
			}
			return s
		}
		s := blindly("login", func() (commands.Session, error) { return v.login(t) }, "LOGIN_SUCCEEDED", "SESSION_ISSUED")
		blindly("refresh", func() (commands.Session, error) {
			return v.Identity.Refresh(t.Context(), commands.Refresh{Actor: nobody(), Token: s.Refresh})
		}, "SESSION_REFRESHED")
	})
}
