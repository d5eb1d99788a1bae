package commands_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// Who names another tenant's credential is refused without waiting for that
// tenant's own use of it: the wait would tell that there is one.
func TestRotateDoesNotWaitForOtherTenants(t *testing.T) {
	within(t, func(t *testing.T, v *vault) {
		c, stranger := v.seal(t, 0), v.register(t, "stranger@example.com")
		slow := appending(func(ctx context.Context, tenant domain.TenantID, records []chain.Record) (eventstore.Position, error) {
			if tenant == v.tenant {
				time.Sleep(time.Minute)
			}
			return v.store.Store.Append(ctx, tenant, records)
		})
		v.store.instead.Store(&slow)
		var group sync.WaitGroup
		group.Go(func() {
			if _, err := v.Vault.Rotate(t.Context(), commands.Rotate{Actor: v.owner, Reference: c.ID.Handle()}); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		before := time.Now()
		_, err := v.Vault.Rotate(t.Context(), commands.Rotate{Actor: stranger, Reference: c.ID.Handle()})
		if !errors.Is(err, domain.ErrCredentialUnavailable) || time.Since(before) > 0 {
			t.Errorf("got %v after %v", err, time.Since(before))
		}
		group.Wait()
	})
}
