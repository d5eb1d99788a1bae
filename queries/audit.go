package queries

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/quantaseal/quantaseal/domain"
)

// Outcomes says which outcomes of attempts are wanted.
type Outcomes uint8

// The choices.
const (
	AnyOutcome Outcomes = iota
	OnlySuccess
	OnlyFailure // stopped by a rule or by a fault
)

// AuditFilter says which facts of a tenant's chain are wanted, and in what order.
type AuditFilter struct {
	Tenant    domain.TenantID
	Types     []string           // stored event names; none = any
	Actors    []domain.ID        // none = any
	Aggregate domain.AggregateID // what the fact is about; zero = anything
	Outcome   Outcomes
	Since     int64 // Unix microseconds, included; 0 = from the beginning
	Until     int64 // Unix microseconds, not included; 0 = up to now

	// From and Before bound the sequence numbers: From is included, Before is not;
	// Before 0 = no bound. Who pages keeps Before, because every reading of the log
	// is on the log itself and would shift the pages.
	From, Before uint64

	// The answer is the newest Limit after skipping the newest Offset, the newest
	// first, or in the order of the chain if Ascending. Forward asks for the oldest
	// Limit after skipping the oldest Offset instead, in the order of the chain.
	Limit, Offset      int
	Ascending, Forward bool
}

// MaxActors is how many actors a filter may name.
const MaxActors = 10

// AuditIndex returns the sequence numbers of the facts that f wants. It refuses
// with Invalid a filter of more than MaxActors. It costs what Offset and Limit ask
// for, however long the chain is; with an aggregate, as much as there are facts
// about it.
func (q *Queries) AuditIndex(ctx context.Context, f AuditFilter) ([]uint64, error) {
	if len(f.Actors) > MaxActors {
		return nil, &domain.Error{Kind: domain.Invalid, Message: "too many actors"}
	}
	from, before, err := q.bounds(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("searching the audit log: %w", err)
	}
	if from >= before {
		return nil, nil
	}
	query, args := f.query(from, before)
	if query == "" {
		return nil, nil
	}
	seqs, err := list(ctx, q.DB, func(rows *sql.Rows) (seq uint64, err error) {
		err = rows.Scan(&seq)
		return seq, err
	}, query, args...)
	if err != nil {
		return nil, fmt.Errorf("searching the audit log: %w", err)
	}
	if f.Ascending && !f.Forward {
		slices.Reverse(seqs)
	}
	return seqs, nil
}

// bounds turns the bounds of f, those of time included, into sequence numbers:
// stamps never fall along a chain.
func (q *Queries) bounds(ctx context.Context, f AuditFilter) (from, before int64, err error) {
	from, before = column(f.From), math.MaxInt64
	if f.Before > 0 {
		before = column(f.Before)
	}
	if f.Since > 0 {
		since, err := q.firstAt(ctx, f.Tenant, f.Since)
		if err != nil {
			return 0, 0, err
		}
		from = max(from, since)
	}
	if f.Until > 0 {
		until, err := q.firstAt(ctx, f.Tenant, f.Until)
		if err != nil {
			return 0, 0, err
		}
		before = min(before, until)
	}
	return from, before, nil
}

const (
	middle  = `(low + high) / 2`
	tooLow  = `(SELECT time_us FROM audit_index WHERE tenant_id = $1 AND seq = ` + middle + `) < $2`
	firstAt = `WITH RECURSIVE half(low, high) AS (
			SELECT CAST(0 AS BIGINT), (SELECT COALESCE(MAX(seq), -1) + 1 FROM audit_index WHERE tenant_id = $1)
			UNION ALL
			SELECT CASE WHEN ` + tooLow + ` THEN ` + middle + ` + 1 ELSE low END, CASE WHEN ` + tooLow + ` THEN high ELSE ` + middle + ` END
			FROM half WHERE low < high)
		SELECT low FROM half WHERE low >= high`
)

// firstAt returns the first sequence number stamped at a time or later, which may
// be the one that comes next. It halves the chain, whose numbers are dense.
func (q *Queries) firstAt(ctx context.Context, tenant domain.TenantID, timeUS int64) (seq int64, err error) {
	err = q.DB.QueryRowContext(ctx, firstAt, tenant.ID[:], timeUS).Scan(&seq)
	return seq, err
}

// query returns the SQL for f, or "" if nothing can match: ordered scans of an
// index, one for each actor and type, merged.
func (f AuditFilter) query(from, before int64) (string, []any) {
	b := &builder{}
	where := "tenant_id = " + b.arg(f.Tenant.ID[:]) + " AND seq >= " + b.arg(from) + " AND seq < " + b.arg(before)
	types, narrow := f.types()
	if len(types) == 0 {
		return "", nil
	}
	var branches []string
	switch {
	case f.Aggregate != domain.AggregateID{}:
		where += " AND aggregate_kind = " + b.arg(int64(f.Aggregate.Kind)) + " AND aggregate_id = " + b.arg(f.Aggregate.ID[:])
		branches = b.each([]string{where + b.amongActors(f.Actors)}, types)
	case len(f.Actors) > 0:
		var each []string
		for _, actor := range unique(f.Actors) {
			each = append(each, where+" AND actor_id = "+b.arg(actor[:]))
		}
		branches = b.each(each, types)
	case narrow:
		branches = b.each([]string{where}, types)
	default:
		branches = []string{where}
	}
	order := " ORDER BY seq DESC LIMIT "
	if f.Forward {
		order = " ORDER BY seq LIMIT "
	}
	reach := b.arg(f.Offset + f.Limit)
	for i, where := range branches {
		branches[i] = "SELECT seq FROM (SELECT seq FROM audit_index WHERE " + where + order + reach + ") AS branch_" + strconv.Itoa(i)
	}
	return strings.Join(branches, " UNION ALL ") + order + b.arg(f.Limit) + " OFFSET " + b.arg(f.Offset), b.args
}

// builder numbers the parameters of a query.
type builder struct{ args []any }

func (b *builder) arg(v any) string {
	b.args = append(b.args, v)
	return "$" + strconv.Itoa(len(b.args))
}

// each returns the conditions of branches for each of types.
func (b *builder) each(branches, types []string) []string {
	var all []string
	for _, name := range types {
		mark := b.arg(name)
		for _, branch := range branches {
			all = append(all, branch+" AND event_type = "+mark)
		}
	}
	return all
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
