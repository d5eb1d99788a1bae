package verify

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/projections"
)

// claims folds what the system chain says of the tenant. All of it that matters
// precedes the tenant's own facts; that an address was released takes a tenant's row
// away only if it never began, and so is left to later.
func (r *run) claims(ctx context.Context) error {
	if r.tenant.IsZero() {
		return nil
	}
	name := []byte(`"` + r.tenant.String() + `"`)
	for record, err := range r.Log.Store.Chain(ctx, domain.TenantID{}, 0) {
		if errors.Is(err, eventstore.ErrTampered) {
			return nil // the system chain's own verification tells it
		}
		if err != nil {
			return fmt.Errorf("reading the system chain: %w", err)
		}
		h, err := chain.ParseHeader(record.Header)
		if err != nil || !bytes.Contains(record.Payload, name) {
			continue
		}
		switch h.EventType {
		case (domain.AccountClaimed{}).EventType().Name, (domain.TenantAdded{}).EventType().Name:
			fact, err := r.Log.At(ctx, domain.TenantID{}, h.Seq)
			if errors.Is(err, eventstore.ErrTampered) {
				return nil // likewise
			}
			if err != nil {
				return err
			}
			if err := r.fold.Fold(ctx, []eventstore.Recorded{fact}); err != nil {
				return err
			}
		}
	}
	return nil
}

// views compares the read models with the fold (V29), at one moment.
func (r *run) views(ctx context.Context) error {
	if r.report.Events == 0 {
		return nil
	}
	last, err := r.Log.Store.Find(ctx, r.tenant, r.newest)
	if err != nil {
		return fmt.Errorf("finding the last record: %w", err)
	}
	if err := r.Views.CatchUp(ctx); err != nil {
		return err
	}
	snapshot, err := r.Views.Snapshot(ctx, r.Read)
	if errors.Is(err, projections.ErrBehind) {
		r.report.Behind = true
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = snapshot.Close() }() // it only read
	if snapshot.Position < last.Position {
		r.report.Behind = true
		return nil
	}
	if err := r.catchUp(ctx, snapshot.Position); err != nil {
		return err
	}
	rows, err := snapshot.Compare(ctx, r.fold.DB, r.tenant, func(d projections.Difference) {
		r.found("V29", r.report.To, domain.EntryID{}, "%s: a row of the read model is %s%s", d.Table, d.What, reference(d.Key))
	})
	r.report.Rows += rows
	if err != nil || !r.tenant.IsZero() {
		return err
	}
	return r.strangers(ctx, snapshot)
}

// maxStrangers is how many tenants that there are not are told of each table.
const maxStrangers = 10

// strangers looks for rows of tenants that the system chain never added.
func (r *run) strangers(ctx context.Context, snapshot *projections.Snapshot) error {
	var failed error
	all, err := snapshot.Strangers(ctx, maxStrangers, func(tenant domain.TenantID) bool {
		if tenant.IsZero() {
			return true
		}
		var known bool
		failed = errors.Join(failed, r.fold.DB.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM tenants WHERE tenant_id = $1)`, tenant.ID[:]).Scan(&known))
		return known
	})
	for _, tenant := range all {
		r.found("V29", r.report.To, domain.EntryID{}, "the read models have rows of a tenant that no fact added: %s", tenant)
	}
	return errors.Join(err, failed)
}

// catchUp folds what was appended between the end of the chain as it was read and
// the position that the read models account for.
func (r *run) catchUp(ctx context.Context, upTo eventstore.Position) error {
	var facts []eventstore.Recorded
	for fact, err := range r.Log.History(ctx, r.tenant, r.report.To) {
		if err != nil {
			return err
		}
		if fact.Header.Seq == r.report.To {
			continue
		}
		placed, err := r.Log.Store.Find(ctx, r.tenant, fact.Header.EventID)
		if err != nil {
			return err
		}
		if placed.Position > upTo {
			break
		}
		facts = append(facts, fact)
	}
	if len(facts) == 0 {
		return nil
	}
	r.note(facts)
	return r.fold.Fold(ctx, facts)
}

func reference(key []byte) string {
	switch len(key) {
	case 0:
		return ""
	case len(domain.ID{}):
		return ": " + domain.ID(key).String()
	}
	return ": " + hex.EncodeToString(key)
}
