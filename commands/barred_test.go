package commands_test

import (
	"errors"
	"testing"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Whatever a command is asked for by somebody who is barred, or about whom nobody
// decided, it refuses, on the record, and nothing else happens.
func TestBarredActorsActOnNothing(t *testing.T) {
	within(t, func(t *testing.T, v *vault) {
		c, secret, ctx := v.seal(t, 0), commands.Secret(password), t.Context()
		id := c.ID.Handle()
		for reason, verdict := range map[string]domain.Verdict{domain.BarredTrial: domain.Judged(domain.BarredTrial), domain.BarredRoute: {}} {
			by := v.owner
			by.Verdict = verdict
			for name, do := range map[string]func() error{
				"seal":    func() error { _, err := v.Vault.Seal(ctx, sealing(by, "", "b")); return err },
				"unseal":  func() error { _, err := v.Vault.Unseal(ctx, commands.Unseal{Actor: by, Reference: id}); return err },
				"rotate":  func() error { _, err := v.Vault.Rotate(ctx, commands.Rotate{Actor: by, Reference: id}); return err },
				"delete":  func() error { _, err := v.Vault.Delete(ctx, commands.Delete{Actor: by, Reference: id}); return err },
				"retire":  func() error { _, err := v.Vault.Retire(ctx, commands.Retire{Actor: by, Reference: id}); return err },
				"restore": func() error { _, err := v.Vault.Restore(ctx, commands.Restore{Actor: by, Reference: id}); return err },
				"list":    func() error { _, err := v.Vault.RecordListing(ctx, by, "f"); return err },
				"read":    func() error { _, err := v.Vault.RecordAuditQuery(ctx, by, "f"); return err },
				"export":  func() error { _, err := v.Vault.RecordExport(ctx, by, "bundle"); return err },
				"key": func() error {
					_, err := v.Identity.CreateKey(ctx, commands.CreateKey{Actor: by, Name: "k", Environment: domain.Live})
					return err
				},
				"revoke key": func() error { _, err := v.Identity.RevokeKey(ctx, commands.RevokeKey{Actor: by}); return err },
				"password": func() error {
					_, err := v.Identity.ChangePassword(ctx, commands.ChangePassword{Actor: by, Current: secret, Next: secret})
					return err
				},
				"step up": func() error {
					_, err := v.Identity.StepUp(ctx, commands.StepUp{Actor: by, Password: secret})
					return err
				},
				"factor": func() error { _, _, err := v.Identity.SetUpMFA(ctx, by); return err },
				"code":   func() error { _, err := v.Identity.ShowCode(ctx, commands.ShowCode{Actor: by}); return err },
				"disable": func() error {
					_, err := v.Identity.DisableMFA(ctx, commands.DisableMFA{Actor: by, Password: secret})
					return err
				},
				"session":  func() error { _, err := v.Identity.RevokeSession(ctx, commands.RevokeSession{Actor: by}); return err },
				"sessions": func() error { return v.Identity.AuthorizeSessions(ctx, by) },
				"me":       func() error { _, err := v.Identity.Me(ctx, by); return err },
				"settings": func() error { _, err := v.Identity.Settings(ctx, by); return err },
				"set": func() error {
					_, _, err := v.Identity.ChangeSettings(ctx, commands.ChangeSettings{Actor: by})
					return err
				},
				"lock": func() error { _, err := v.Identity.LockDown(ctx, commands.LockDown{Actor: by}); return err },
				"lift": func() error { _, err := v.Identity.LiftLockdown(ctx, commands.LiftLockdown{Actor: by}); return err },
				"invite": func() error {
					_, _, err := v.Identity.Invite(ctx, commands.Invite{Actor: by, Email: "bob@example.com", Role: "viewer"})
					return err
				},
				"role": func() error {
					_, _, err := v.Identity.ChangeRole(ctx, commands.ChangeRole{Actor: by, User: by.User, Role: "viewer"})
					return err
				},
				"deactivate": func() error {
					_, _, err := v.Identity.DeactivateUser(ctx, commands.DeactivateUser{Actor: by, User: by.User})
					return err
				},
				"erase": func() error {
					_, _, err := v.Identity.EraseUser(ctx, commands.EraseUser{Actor: by, User: by.User})
					return err
				},
			} {
				var refusal *domain.Error
				if err := do(); !errors.As(err, &refusal) || refusal.Kind != domain.Denied {
					t.Errorf("%s: got %v, want a denial", name, err)
				}
				facts := v.since(t)
				if len(facts) != 1 {
					t.Errorf("%s recorded %d facts", name, len(facts))
					continue
				}
				switch e := facts[0].Event.(type) {
				case domain.AccessDenied:
					if e.Reason != reason {
						t.Errorf("%s: denied because of %q, want %q", name, e.Reason, reason)
					}
				case domain.CredentialUnsealDenied:
					if e.Reason != reason || name != "unseal" {
						t.Errorf("%s: denied because of %q, want %q", name, e.Reason, reason)
					}
				default:
					t.Errorf("%s recorded %s", name, facts[0].Header.EventType)
				}
			}
		}
	})
}

// A command that forgets to ask meets a log that takes nothing from who is barred
// but refusals.
func TestTheLogTakesNothingFromTheBarred(t *testing.T) {
	within(t, func(t *testing.T, v *vault) {
		about := domain.AggregateID{Kind: domain.KindTenant, ID: v.tenant.ID}
		for _, verdict := range []domain.Verdict{{}, domain.Judged(domain.BarredRole)} {
			by := v.owner
			by.Verdict = verdict
			refused := eventstore.Fact{Event: domain.AccessDenied{Reason: by.Bar()}, Aggregate: about}
			done := eventstore.Fact{Event: domain.AuditExported{Format: "bundle"}, Aggregate: about}
			for _, facts := range [][]eventstore.Fact{{done}, {refused, done}} {
				if _, err := v.Log.Append(t.Context(), by, facts...); !errors.Is(err, eventstore.ErrBarred) {
					t.Errorf("got %v, want %v", err, eventstore.ErrBarred)
				}
			}
			if _, err := v.Log.Append(t.Context(), by, refused); err != nil {
				t.Error(err)
			}
		}
		v.saw(t, "ACCESS_DENIED", "ACCESS_DENIED")
	})
}
