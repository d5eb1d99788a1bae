package verify

import (
	"context"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// orphaned is how long a record or key slot may wait for its fact. The reconciler
// removes what waited half as long.
const orphaned = 2 * Grace

// Orphans looks for records and key slots that no fact names (V34), in one passage
// over all that are kept, and tells each. If only is not zero, it tells those of that
// tenant. It returns how many it looked at.
func (v *Verifier) Orphans(ctx context.Context, only domain.TenantID, tell func(Finding)) (rows uint64, err error) {
	before := v.Now().Add(-orphaned).UnixMicro()
	found := func(tenant domain.TenantID, entry domain.EntryID, what string, hash domain.Digest) {
		tell(Finding{chain.Finding{Tenant: tenant.ID, Check: "V34", Detail: fmt.Sprintf("%s is kept that no fact names: %s", what, hash)}, entry})
	}
	for after := int64(0); ; {
		kept, err := v.Sealed.KeptRecords(ctx, after, page)
		if err != nil {
			return rows, err
		}
		for _, k := range kept {
			if after = k.Cursor; !only.IsZero() && k.Tenant != only || k.KeptAt >= before {
				continue
			}
			rows++
			named, err := v.Names.Named(ctx, k.Tenant, k.Credential, k.RecordHash)
			if err != nil {
				return rows, err
			}
			if !named {
				found(k.Tenant, k.Credential.Entry(0), "a record", k.RecordHash)
			}
		}
		if len(kept) < page {
			break
		}
	}
	for after := int64(0); ; {
		slots, err := v.Sealed.KeptSlots(ctx, after, page)
		if err != nil {
			return rows, err
		}
		for _, k := range slots {
			if after = k.Cursor; !only.IsZero() && k.Tenant != only || k.KeptAt >= before {
				continue
			}
			rows++
			record, slot, err := v.Sealed.Holds(ctx, k.Tenant, k.RecordHash)
			if err != nil {
				return rows, err
			}
			if slot && !record { // else what was said of its record holds for it
				found(k.Tenant, domain.EntryID{}, "a key slot", k.RecordHash)
			}
		}
		if len(slots) < page {
			return rows, nil
		}
	}
}

// orphans looks for those of the run's tenant.
func (r *run) orphans(ctx context.Context) error {
	rows, err := r.Orphans(ctx, r.tenant, func(f Finding) {
		f.Seq = r.report.To
		r.report.add(f)
	})
	r.report.Rows += rows
	return err
}
