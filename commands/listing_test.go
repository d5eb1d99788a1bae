package commands_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// However many ask the same within a minute, on whatever node, and whoever of
// them goes away: one fact says so, and nobody is answered before it stands.
func TestListingsAreOneFactAMinute(t *testing.T) {
	within(t, func(t *testing.T, v *vault) {
		time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)))
		const pause = 10 * time.Second
		slow := appending(func(ctx context.Context, tenant domain.TenantID, records []chain.Record) (eventstore.Position, error) {
			time.Sleep(pause)
			return v.store.Store.Append(ctx, tenant, records)
		})
		v.store.instead.Store(&slow)
		began := time.Now()
		var group sync.WaitGroup
		for n := range 50 {
			ctx, leave := context.WithCancel(t.Context())
			if n == 0 {
				time.AfterFunc(pause/2, leave)
			}
			group.Go(func() {
				defer leave()
				if _, err := v.Vault.RecordListing(ctx, v.owner, "f"); err != nil || time.Since(began) < pause {
					t.Errorf("caller %d was answered after %v: %v", n, time.Since(began), err)
				}
			})
		}
		group.Wait()
		v.saw(t, "CREDENTIALS_LISTED")
		v.store.instead.Store(nil)

		list := func(v *commands.Vault, by domain.Actor, filter string) {
			t.Helper()
			if _, err := v.RecordListing(t.Context(), by, filter); err != nil {
				t.Error(err)
			}
		}
		other, key := v.another(t, time.Now), v.owner
		key.Kind, key.ID = domain.ActorKey, domain.ID{15: 9}
		list(v.Vault, v.owner, "f")
		list(other, v.owner, "f")
		v.saw(t)
		list(v.Vault, v.owner, "another filter")
		list(v.Vault, key, "f")
		v.saw(t, "CREDENTIALS_LISTED", "CREDENTIALS_LISTED")
		time.Sleep(time.Minute)
		list(other, v.owner, "f")
		list(v.Vault, v.owner, "f")
		v.saw(t, "CREDENTIALS_LISTED")
	})
}
