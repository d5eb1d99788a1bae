package commands_test

import (
	"context"
	"errors"
	"testing"
	"time"

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
