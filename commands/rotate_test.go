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

// A rotation that another node overtook is decided again on what that node made,
// and what it had sealed for nothing is destroyed.
func TestOvertakenRotationDecidesAgain(t *testing.T) {
	within(t, func(t *testing.T, v *vault) {
		c, other := v.seal(t, 0), v.another(t, time.Now)
		overtaken := false
		overtaking := appending(func(ctx context.Context, tenant domain.TenantID, records []chain.Record) (eventstore.Position, error) {
			if !overtaken {
				overtaken = true
				if _, err := other.Rotate(ctx, commands.Rotate{Actor: v.owner, Reference: c.ID.Handle(), Value: commands.Secret(`{"k":"theirs"}`)}); err != nil {
					t.Error(err)
				}
			}
			return v.store.Store.Append(ctx, tenant, records)
		})
		v.store.instead.Store(&overtaking)
		got, err := v.Vault.Rotate(t.Context(), commands.Rotate{Actor: v.owner, Reference: c.ID.Handle()})
		if err != nil || got.Credential.Version != 3 || got.Old != c.ID.Entry(2) {
			t.Errorf("got version %d after %v: %v", got.Credential.Version, got.Old, err)
		}
		v.saw(t, "CREDENTIAL_ROTATED", "CREDENTIAL_VERSION_SHREDDED", "CREDENTIAL_ROTATED", "CREDENTIAL_VERSION_SHREDDED")
		if n := v.kept(t); n != 1 {
			t.Errorf("%d sealed records are kept, want 1", n)
		}
		for _, node := range []*commands.Vault{v.Vault, other} {
			got, err := node.Unseal(t.Context(), commands.Unseal{Actor: v.owner, Reference: c.ID.Entry(1).String()})
			if err != nil || string(got.Value) != `{"k":"theirs"}` {
				t.Errorf("got %q, %v", got.Value, err)
			}
		}
	})
}
