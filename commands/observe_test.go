package commands_test

import (
	"context"
	"testing"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// An export says how far it goes, also when others write while it is recorded.
func TestExportSaysHowFarItGoes(t *testing.T) {
	within(t, func(t *testing.T, v *vault) {
		other, others := v.another(t, v.Identity.Now), 3
		busy := appending(func(ctx context.Context, tenant domain.TenantID, records []chain.Record) (eventstore.Position, error) {
			if others > 0 {
				others--
				if err := other.Authorize(ctx, domain.Actor{Tenant: v.tenant}, domain.ScopeVaultList, "test"); err == nil {
					t.Error("nobody was allowed to list")
				}
			}
			return v.store.Store.Append(ctx, tenant, records)
		})
		v.store.instead.Store(&busy)
		receipt, err := v.Vault.RecordExport(t.Context(), v.owner, "bundle")
		if err != nil {
			t.Fatal(err)
		}
		facts := v.saw(t, "ACCESS_DENIED", "ACCESS_DENIED", "ACCESS_DENIED", "AUDIT_EXPORTED")
		last := facts[3]
		if want := (domain.AuditExported{Format: "bundle", To: receipt.Seq}); last.Event != want || last.Header.Seq != receipt.Seq {
			t.Errorf("event %d says %+v, want %+v", last.Header.Seq, last.Event, want)
		}
	})
}
