package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"math"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/eventstore/table"
)

// Head implements eventstore.Store.
func (s *Store) Head(ctx context.Context, tenant domain.TenantID) (chain.Head, error) {
	return headOf(ctx, s.stmts.newest, tenant)
}

// headOf returns where a chain ends, as a prepared newestRow sees it.
func headOf(ctx context.Context, newest *sql.Stmt, tenant domain.TenantID) (chain.Head, error) {
	r, err := one(ctx, newest, tenant.ID[:])
	switch {
	case errors.Is(err, eventstore.ErrNotFound):
		return chain.Head{}, nil
	case err != nil:
		return chain.Head{}, fmt.Errorf("reading the head of a chain: %w", err)
	}
	return table.Head(r.Record)
}

// Chain implements eventstore.Store.
func (s *Store) Chain(ctx context.Context, tenant domain.TenantID, from uint64) iter.Seq2[chain.Record, error] {
	if from > math.MaxInt64 {
		return func(func(chain.Record, error) bool) {}
	}
	return table.Pages{
		After: int64(from) - 1,
		Read: func(after int64, limit int) ([]table.Row, error) {
			return many(ctx, s.stmts.chain, limit, tenant.ID[:], after, limit)
		},
		End:   func() (int64, error) { return number(ctx, s.stmts.chainEnd, tenant.ID[:]) },
		Place: table.Seq,
		Chain: true,
	}.Records()
}

// Aggregate implements eventstore.Store.
func (s *Store) Aggregate(ctx context.Context, tenant domain.TenantID, id domain.AggregateID) iter.Seq2[chain.Record, error] {
	return table.Pages{
		Read: func(after int64, limit int) ([]table.Row, error) {
			return many(ctx, s.stmts.aggregate, limit, tenant.ID[:], int64(id.Kind), id.ID[:], after, limit)
		},
		End: func() (int64, error) {
			return number(ctx, s.stmts.aggregateEnd, tenant.ID[:], int64(id.Kind), id.ID[:])
		},
		Place: table.Version,
	}.Records()
}

// Latest implements eventstore.Store.
func (s *Store) Latest(ctx context.Context, tenant domain.TenantID, id domain.AggregateID) (chain.Record, error) {
	r, err := one(ctx, s.stmts.latest, tenant.ID[:], int64(id.Kind), id.ID[:])
	return r.Record, err
}

// Find implements eventstore.Store.
func (s *Store) Find(ctx context.Context, tenant domain.TenantID, eventID domain.ID) (eventstore.Positioned, error) {
	return one(ctx, s.stmts.find, tenant.ID[:], eventID[:])
}

// All implements eventstore.Store.
func (s *Store) All(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Positioned, error] {
	return table.Pages{
		After: int64(after),
		Read: func(after int64, limit int) ([]table.Row, error) {
			return manyAs(ctx, (*table.Row).FieldsAmong, s.stmts.all, limit, after, limit)
		},
		End:    func() (int64, error) { return number(ctx, s.stmts.allEnd) },
		Place:  table.Pos,
		Chains: true,
	}.Rows()
}

// Last implements eventstore.Store.
func (s *Store) Last(ctx context.Context) (eventstore.Position, error) {
	last, err := number(ctx, s.stmts.allEnd)
	return eventstore.Position(last), err
}

// one returns the only record that a question has as its answer, or ErrNotFound.
func one(ctx context.Context, stmt *sql.Stmt, args ...any) (eventstore.Positioned, error) {
	var row table.Row
	err := stmt.QueryRowContext(ctx, args...).Scan(row.Fields()...)
	if errors.Is(err, sql.ErrNoRows) {
		return eventstore.Positioned{}, eventstore.ErrNotFound
	}
	if err != nil {
		return eventstore.Positioned{}, fmt.Errorf("reading a record: %w", err)
	}
	return row.Positioned()
}

func many(ctx context.Context, stmt *sql.Stmt, limit int, args ...any) ([]table.Row, error) {
	return manyAs(ctx, (*table.Row).Fields, stmt, limit, args...)
}

func manyAs(ctx context.Context, fields func(*table.Row) []any, stmt *sql.Stmt, limit int, args ...any) (found []table.Row, err error) {
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return nil, fmt.Errorf("reading records: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if found == nil {
			found = make([]table.Row, 0, limit)
		}
		found = append(found, table.Row{})
		if err := rows.Scan(fields(&found[len(found)-1])...); err != nil {
			return nil, fmt.Errorf("reading a record: %w", err)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading records: %w", err)
	}
	return found, nil
}

func number(ctx context.Context, stmt *sql.Stmt, args ...any) (n int64, err error) {
	if err := stmt.QueryRowContext(ctx, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("reading where records end: %w", err)
	}
	return n, nil
}
