package queries

import (
	"context"
	"fmt"
	"math"
	"slices"

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
	Tenant     domain.TenantID
	Types      []string             // stored event names; none = any
	Actors     []domain.ID          // none = any
	Aggregates []domain.AggregateID // what the fact is about; none = anything
	Outcome    Outcomes
	Since      int64 // Unix microseconds, included; 0 = from the beginning
	Until      int64 // Unix microseconds, not included; 0 = up to now

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

// AuditIndex returns the sequence numbers of the facts that f wants, as of one
// moment. It costs what Offset and Limit ask for, once for each actor and type,
// however long the chain is; with aggregates, as much as there are facts about them.
func (q *Queries) AuditIndex(ctx context.Context, f AuditFilter) ([]uint64, error) {
	seqs, err := q.search(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("searching the audit log: %w", err)
	}
	return seqs, nil
}

func (q *Queries) search(ctx context.Context, f AuditFilter) ([]uint64, error) {
	from, before, err := q.bounds(ctx, f)
	if err != nil || from >= before {
		return nil, err
	}
	branches := f.branches()
	if len(branches) <= maxBranches {
		seqs, err := q.seqs(ctx, f, branches, from, before)
		if f.Ascending && !f.Forward {
			slices.Reverse(seqs)
		}
		return seqs, err
	}
	end, err := q.firstAt(ctx, f.Tenant, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	before = min(before, end) // what comes between two parts is seen by neither
	part := f
	part.Offset, part.Limit = 0, f.Offset+f.Limit
	var all []uint64
	for some := range slices.Chunk(branches, maxBranches) {
		seqs, err := q.seqs(ctx, part, some, from, before)
		if err != nil {
			return nil, err
		}
		all = append(all, seqs...)
	}
	return f.cut(all), nil
}

// cut returns the page of f from all that it could have, in any order.
func (f AuditFilter) cut(seqs []uint64) []uint64 {
	slices.Sort(seqs)
	if f.Forward {
		seqs = seqs[min(f.Offset, len(seqs)):]
		return seqs[:min(f.Limit, len(seqs))]
	}
	end := max(0, len(seqs)-f.Offset)
	seqs = seqs[max(0, end-f.Limit):end]
	if !f.Ascending {
		slices.Reverse(seqs)
	}
	return seqs
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

// AuditEnd returns the sequence number after the newest that AuditIndex knows of
// tenant's chain; 0 if there is none.
func (q *Queries) AuditEnd(ctx context.Context, tenant domain.TenantID) (end uint64, err error) {
	err = q.DB.QueryRowContext(ctx, `SELECT COALESCE(MAX(seq), -1) + 1 FROM audit_index WHERE tenant_id = $1`, tenant.ID[:]).Scan(&end)
	if err != nil {
		return 0, fmt.Errorf("finding the end of the audit log: %w", err)
	}
	return end, nil
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
