package queries

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
	"strings"

	"github.com/quantaseal/quantaseal/domain"
)

// maxBranches is how many branches one statement has: SQLite takes 500.
const maxBranches = 400

// branch is what one ordered scan of an index finds; nil and "" stand for any.
type branch struct {
	aggregate *domain.AggregateID
	actor     *domain.ID
	event     string
}

// branches returns the scans that together find what f wants: one for each
// aggregate or actor and each type, whatever the indexes begin with.
func (f AuditFilter) branches() []branch {
	types, narrow := f.types()
	var all []branch
	switch {
	case len(f.Aggregates) > 0:
		for i, about := range f.Aggregates {
			if !slices.Contains(f.Aggregates[:i], about) {
				all = append(all, branch{aggregate: &about})
			}
		}
	case len(f.Actors) > 0:
		for _, actor := range unique(f.Actors) {
			all = append(all, branch{actor: &actor})
		}
	case !narrow:
		return []branch{{}}
	default:
		all = []branch{{}}
	}
	each := make([]branch, 0, len(all)*len(types))
	for _, b := range all {
		for _, b.event = range types {
			each = append(each, b)
		}
	}
	return each
}

// seqs returns what branches find together, the newest first unless f is Forward.
func (q *Queries) seqs(ctx context.Context, f AuditFilter, branches []branch, from, before int64) ([]uint64, error) {
	if len(branches) == 0 {
		return nil, nil
	}
	query, args := f.query(branches, from, before)
	return list(ctx, q.DB, func(rows *sql.Rows) (seq uint64, err error) {
		err = rows.Scan(&seq)
		return seq, err
	}, query, args...)
}

// query returns the SQL that merges branches.
func (f AuditFilter) query(branches []branch, from, before int64) (string, []any) {
	b := &builder{}
	where := "tenant_id = " + b.arg(f.Tenant.ID[:]) + " AND seq >= " + b.arg(from) + " AND seq < " + b.arg(before)
	if len(f.Aggregates) > 0 {
		where += b.amongActors(f.Actors)
	}
	order := " ORDER BY seq DESC LIMIT "
	if f.Forward {
		order = " ORDER BY seq LIMIT "
	}
	reach := b.arg(f.Offset + f.Limit)
	scans := make([]string, len(branches))
	for i, one := range branches {
		scans[i] = "SELECT seq FROM (SELECT seq FROM audit_index WHERE " + where + b.only(one) + order + reach + ") AS branch_" + strconv.Itoa(i)
	}
	return strings.Join(scans, " UNION ALL ") + order + b.arg(f.Limit) + " OFFSET " + b.arg(f.Offset), b.args
}

// builder numbers the parameters of a query.
type builder struct{ args []any }

func (b *builder) arg(v any) string {
	b.args = append(b.args, v)
	return "$" + strconv.Itoa(len(b.args))
}

// only returns the conditions of one branch.
func (b *builder) only(one branch) (where string) {
	if one.aggregate != nil {
		where += " AND aggregate_kind = " + b.arg(int64(one.aggregate.Kind)) + " AND aggregate_id = " + b.arg(one.aggregate.ID[:])
	}
	if one.actor != nil {
		where += " AND actor_id = " + b.arg(one.actor[:])
	}
	if one.event != "" {
		where += " AND event_type = " + b.arg(one.event)
	}
	return where
}

// amongActors returns the condition that one of actors acted, or "" if there are
// none. It asks the whole row, so that the index need not hold the column: SQLite
// would rather read the whole chain than look up rows that an index yields.
func (b *builder) amongActors(actors []domain.ID) string {
	if len(actors) == 0 {
		return ""
	}
	marks := make([]string, len(actors))
	for i := range actors {
		marks[i] = b.arg(actors[i][:])
	}
	return " AND (SELECT whole.actor_id FROM audit_index whole WHERE whole.tenant_id = audit_index.tenant_id AND whole.seq = audit_index.seq) IN (" +
		strings.Join(marks, ", ") + ")"
}
