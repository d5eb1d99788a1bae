package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"

	"github.com/jackc/pgx/v5"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/eventstore/table"
)

const (
	columns     = `SELECT hash, ` + table.Columns
	rows        = columns + ` FROM events.events `
	ofChain     = `WHERE tenant_id = $1 `
	ofAggregate = `WHERE tenant_id = $1 AND aggregate_kind = $2 AND aggregate_id = $3 `

	newestRow    = rows + ofChain + `ORDER BY seq DESC LIMIT 1`
	chainRows    = rows + ofChain + `AND seq > $2 ORDER BY seq LIMIT $3`
	chainEnd     = `SELECT coalesce(max(seq), -1) FROM events.events ` + ofChain
	changes      = rows + ofAggregate + `AND aggregate_version > $4 ORDER BY aggregate_version LIMIT $5`
	changesEnd   = `SELECT coalesce(max(aggregate_version), 0) FROM events.events ` + ofAggregate + `AND aggregate_version IS NOT NULL`
	latestChange = rows + ofAggregate + `AND aggregate_version IS NOT NULL ORDER BY aggregate_version DESC LIMIT 1`
	withEventID  = rows + ofChain + `AND event_id = $2`
	allEnd       = `SELECT coalesce(max(pos), 0) FROM events.events`
)

var allRows = columns + fmt.Sprintf(table.Neighbours, "events.events") + ` FROM events.events AS e WHERE e.pos > $1 ORDER BY e.pos LIMIT $2`

// Head implements eventstore.Store.
func (s *Store) Head(ctx context.Context, tenant domain.TenantID) (chain.Head, error) {
	r, err := s.one(ctx, newestRow, tenant.ID[:])
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
			return s.many(ctx, limit, chainRows, tenant.ID[:], after, limit)
		},
		End:   func() (int64, error) { return s.number(ctx, chainEnd, tenant.ID[:]) },
		Place: table.Seq,
		Chain: true,
	}.Records()
}

// Aggregate implements eventstore.Store.
func (s *Store) Aggregate(ctx context.Context, tenant domain.TenantID, id domain.AggregateID) iter.Seq2[chain.Record, error] {
	return table.Pages{
		Read: func(after int64, limit int) ([]table.Row, error) {
			return s.many(ctx, limit, changes, tenant.ID[:], int16(id.Kind), id.ID[:], after, limit)
		},
		End: func() (int64, error) {
			return s.number(ctx, changesEnd, tenant.ID[:], int16(id.Kind), id.ID[:])
		},
		Place: table.Version,
	}.Records()
}

// Latest implements eventstore.Store.
func (s *Store) Latest(ctx context.Context, tenant domain.TenantID, id domain.AggregateID) (chain.Record, error) {
	r, err := s.one(ctx, latestChange, tenant.ID[:], int16(id.Kind), id.ID[:])
	return r.Record, err
}

// Find implements eventstore.Store.
func (s *Store) Find(ctx context.Context, tenant domain.TenantID, eventID domain.ID) (eventstore.Positioned, error) {
	return s.one(ctx, withEventID, tenant.ID[:], eventID[:])
}

// All implements eventstore.Store.
func (s *Store) All(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Positioned, error] {
	return table.Pages{
		After: int64(after),
		Read: func(after int64, limit int) ([]table.Row, error) {
			return s.manyAs(ctx, (*table.Row).FieldsAmong, limit, allRows, after, limit)
		},
		End:    func() (int64, error) { return s.number(ctx, allEnd) },
		Place:  table.Pos,
		Chains: true,
	}.Rows()
}

// Last implements eventstore.Store.
func (s *Store) Last(ctx context.Context) (eventstore.Position, error) {
	last, err := s.number(ctx, allEnd)
	return eventstore.Position(last), err
}

// one returns the only record that a question has as its answer, or ErrNotFound.
func (s *Store) one(ctx context.Context, question string, args ...any) (eventstore.Positioned, error) {
	found, err := s.many(ctx, 1, question, args...)
	if err == nil && len(found) == 0 {
		err = eventstore.ErrNotFound
	}
	if err != nil {
		return eventstore.Positioned{}, err
	}
	return found[0].Positioned()
}

func (s *Store) many(ctx context.Context, limit int, question string, args ...any) ([]table.Row, error) {
	return s.manyAs(ctx, (*table.Row).Fields, limit, question, args...)
}

func (s *Store) manyAs(ctx context.Context, fields func(*table.Row) []any, limit int, question string, args ...any) ([]table.Row, error) {
	rows, err := s.reads.Query(ctx, question, args...)
	if err != nil {
		return nil, fmt.Errorf("reading records: %w", err)
	}
	defer rows.Close()
	var found []table.Row
	for rows.Next() {
		if found == nil {
			found = make([]table.Row, 0, limit)
		}
		row, err := scan(rows, fields)
		if err != nil {
			return nil, err
		}
		found = append(found, row)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading records: %w", err)
	}
	return found, nil
}

// scan reads a row, and refuses one whose hash is not its header's: appends
// compare it with what they follow.
func scan(rows pgx.Rows, fields func(*table.Row) []any) (row table.Row, err error) {
	var hash []byte
	if err := rows.Scan(append([]any{&hash}, fields(&row)...)...); err != nil {
		return row, fmt.Errorf("reading a record: %w", err)
	}
	if want := row.Record.Hash(); !bytes.Equal(hash, want[:]) {
		return row, fmt.Errorf("%w: the hash at %d is not that of the header", eventstore.ErrTampered, row.Pos)
	}
	return row, nil
}

func (s *Store) number(ctx context.Context, question string, args ...any) (n int64, err error) {
	if err := s.reads.QueryRow(ctx, question, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("reading where records end: %w", err)
	}
	return n, nil
}
