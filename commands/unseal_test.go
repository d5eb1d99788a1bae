package commands_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// A value leaves when its fact is durable, and not before; if the fact cannot be
// recorded it does not leave at all.
func TestUnsealIsRecordedFirst(t *testing.T) {
	within(t, func(t *testing.T, v *vault) {
		c := v.seal(t, 0)
		slow := appending(func(ctx context.Context, tenant domain.TenantID, records []chain.Record) (eventstore.Position, error) {
			time.Sleep(time.Minute)
			return v.store.Store.Append(ctx, tenant, records)
		})
		v.store.instead.Store(&slow)
		before := time.Now()
		got, err := v.unseal(t, c.ID.Handle())
		if err != nil || got != value || time.Since(before) < time.Minute {
			t.Errorf("got %q, %v after %v", got, err, time.Since(before))
		}
		v.saw(t, "CREDENTIAL_UNSEALED")

		broken := appending(func(context.Context, domain.TenantID, []chain.Record) (eventstore.Position, error) { return 0, errDown })
		v.store.instead.Store(&broken)
		if got, err := v.unseal(t, c.ID.Handle()); !errors.Is(err, errDown) || got != "" {
			t.Errorf("got %q, %v, want %v", got, err, errDown)
		}
		v.store.instead.Store(nil)
		if got, err := v.unseal(t, c.ID.Handle()); err != nil || got != value {
			t.Errorf("got %q, %v", got, err)
		}
		v.saw(t, "CREDENTIAL_UNSEALED")
	})
}

// A credential that expires by the chain's clock, and not yet by this node's, is
// refused like any other, and on the record.
func TestLostRacesAreOnTheRecord(t *testing.T) {
	within(t, func(t *testing.T, v *vault) {
		c := v.seal(t, 1)
		ahead := v.another(t, func() time.Time { return time.Now().Add(25 * time.Hour) })
		if err := ahead.Authorize(t.Context(), domain.Actor{Tenant: v.tenant}, domain.ScopeVaultList, "test"); !errors.Is(err, domain.ErrDenied) {
			t.Fatal(err)
		}
		v.since(t)
		id := c.ID.Handle()
		for name, do := range map[string]func() error{
			"unseal": func() error { _, err := v.unseal(t, id); return err },
			"rotate": func() error {
				_, err := v.Vault.Rotate(t.Context(), commands.Rotate{Actor: v.owner, Reference: id})
				return err
			},
			"retire": func() error {
				_, err := v.Vault.Retire(t.Context(), commands.Retire{Actor: v.owner, Reference: id})
				return err
			},
		} {
			if err := do(); !errors.Is(err, domain.ErrCredentialUnavailable) {
				t.Errorf("%s: got %v", name, err)
			}
			if facts := v.since(t); len(facts) != 1 || facts[0].Header.Outcome != uint8(domain.Refused) {
				t.Errorf("%s: %d facts, want a denial", name, len(facts))
			}
		}
		if n := v.kept(t); n != 1 {
			t.Errorf("%d sealed records are kept, want 1", n)
		}
	})
}

// What is wrong with the log itself goes on the record too.
func TestATamperedLogIsOnTheRecord(t *testing.T) {
	within(t, func(t *testing.T, v *vault) {
		c := v.seal(t, 0)
		v.Log.Forget(v.tenant, domain.AggregateID{Kind: domain.KindCredential, ID: c.ID.ID})
		v.store.tampers.Store(true)
		got, err := v.unseal(t, c.ID.Handle())
		if !errors.Is(err, eventstore.ErrTampered) || got != "" {
			t.Errorf("got %q, %v, want %v", got, err, eventstore.ErrTampered)
		}
		v.store.tampers.Store(false)
		facts := v.saw(t, "INTEGRITY_VIOLATION")
		if e, ok := facts[0].Event.(domain.IntegrityViolated); !ok || e.Check != "event_log" || e.ObjectRef.Credential() != c.ID {
			t.Errorf("recorded %+v", facts[0].Event)
		}
		if got, err := v.unseal(t, c.ID.Handle()); err != nil || got != value {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

// Every denial asks the store for the same: what a credential is to the caller
// does not show in the work.
func TestDenialsDoTheSameWork(t *testing.T) {
	within(t, func(t *testing.T, v *vault) {
		live, ended, stranger := v.seal(t, 0), v.seal(t, 0), v.register(t, "stranger@example.com")
		if _, err := v.Vault.Delete(t.Context(), commands.Delete{Actor: v.owner, Reference: ended.ID.Handle()}); err != nil {
			t.Fatal(err)
		}
		inTest := v.owner
		inTest.Environment = domain.Test
		for name, do := range map[string]func(by domain.Actor, id string) error{
			"unseal": func(by domain.Actor, id string) error {
				_, err := v.Vault.Unseal(t.Context(), commands.Unseal{Actor: by, Reference: id})
				return err
			},
			"rotate": func(by domain.Actor, id string) error {
				_, err := v.Vault.Rotate(t.Context(), commands.Rotate{Actor: by, Reference: id})
				return err
			},
			"delete": func(by domain.Actor, id string) error {
				_, err := v.Vault.Delete(t.Context(), commands.Delete{Actor: by, Reference: id})
				return err
			},
			"retire": func(by domain.Actor, id string) error {
				_, err := v.Vault.Retire(t.Context(), commands.Retire{Actor: by, Reference: id})
				return err
			},
			"restore": func(by domain.Actor, id string) error {
				_, err := v.Vault.Restore(t.Context(), commands.Restore{Actor: by, Reference: id})
				return err
			},
		} {
			for _, c := range []struct {
				name string
				by   domain.Actor
				id   string
			}{
				{"unknown", v.owner, "cred_0b6a3c862f638c0e9d2a2d3d5f0a0000"},
				{"malformed", v.owner, "x"},
				{"foreign", stranger, live.ID.Handle()},
				{"ended", v.owner, ended.ID.Handle()},
				{"environment", inTest, live.ID.Handle()},
			} {
				_ = do(c.by, c.id) // the first time it may have to be learnt
				v.store.asked()
				if err := do(c.by, c.id); !errors.Is(err, domain.ErrCredentialUnavailable) {
					t.Errorf("%s, %s: got %v", name, c.name, err)
				}
				if diff := cmp.Diff([]string{"aggregate", "append"}, v.store.asked()); diff != "" {
					t.Errorf("%s, %s: asked the store for (-want +got):\n%s", name, c.name, diff)
				}
			}
		}
	})
}
