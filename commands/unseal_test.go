package commands_test

import (
	"context"
	"errors"
	"testing"
	"time"

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
