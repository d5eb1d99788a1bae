package queries

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/quantaseal/quantaseal/domain"
)

// Resources returns what of tenant there is a fact about and has an id: its UUID,
// or, of a credential, its handle or the UUID of one of its versions. Kind 0 asks
// for any kind of thing. It returns none for text that is no id.
func (q *Queries) Resources(ctx context.Context, tenant domain.TenantID, id string, kind domain.AggregateKind) ([]domain.AggregateID, error) {
	all := candidates(id)
	if kind != 0 {
		all = slices.DeleteFunc(all, func(a domain.AggregateID) bool { return a.Kind != kind })
	}
	if len(all) == 0 {
		return nil, nil
	}
	query, args := known(tenant, all)
	found, err := list(ctx, q.DB, func(rows *sql.Rows) (domain.AggregateID, error) {
		var n int
		err := rows.Scan(&n)
		return all[n], err
	}, query, args...)
	if err != nil {
		return nil, fmt.Errorf("looking for a resource: %w", err)
	}
	return found, nil
}

// known returns the SQL that tells which of all the log knows, by their places.
func known(tenant domain.TenantID, all []domain.AggregateID) (string, []any) {
	b := &builder{}
	probes := make([]string, len(all))
	for n, a := range all {
		probes[n] = "SELECT " + strconv.Itoa(n) + " AS place WHERE EXISTS (SELECT 1 FROM audit_index WHERE tenant_id = " + b.arg(tenant.ID[:]) +
			" AND aggregate_kind = " + b.arg(int64(a.Kind)) + " AND aggregate_id = " + b.arg(a.ID[:]) + ")"
	}
	return strings.Join(probes, " UNION ALL "), b.args
}

// candidates are the things that an id may be the id of.
func candidates(text string) []domain.AggregateID {
	var all []domain.AggregateID
	if reference, err := domain.ParseReference(text); err == nil {
		all = append(all, domain.AggregateID{Kind: domain.KindCredential, ID: reference.Credential().ID})
	}
	if id, err := domain.ParseID(text); err == nil {
		for kind := domain.KindTenant; kind <= domain.KindWebhook; kind++ {
			if kind != domain.KindCredential {
				all = append(all, domain.AggregateID{Kind: kind, ID: id})
			}
		}
	}
	return all
}
