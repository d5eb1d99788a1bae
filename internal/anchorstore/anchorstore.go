// Package anchorstore keeps the log of anchors in a database of its own: on SQLite
// a file in a directory of its own, on PostgreSQL a schema.
//
// Its one law: a row is added once and never changed, and the next anchor is added
// only behind the one that its author knows.
package anchorstore

import (
	"context"
	"database/sql"
	"fmt"
	"math"

	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/anchors"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// Store is an anchors.Store. All fields are required. Table names are not
// qualified, so on PostgreSQL the search path must lead to them.
type Store struct {
	Write    *sql.DB // what it commits is durable; on SQLite one connection with _txlock=immediate and synchronous=FULL
	Read     *sql.DB // may be Write on PostgreSQL
	Embedded bool    // an SQLite file that no other process uses
}

var _ anchors.Store = (*Store)(nil)

const newest = `SELECT anchor_no, position, record FROM anchors ORDER BY anchor_no DESC LIMIT 1`

// State implements anchors.Store.
func (s *Store) State(ctx context.Context) (anchors.State, error) {
	return state(ctx, s.Read)
}

// querier is a handle or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func state(ctx context.Context, db querier) (anchors.State, error) {
	type row struct {
		number, position int64
		record           []byte
	}
	rows, err := list(ctx, db, func(r *row) []any { return []any{&r.number, &r.position, &r.record} }, newest)
	if err != nil {
		return anchors.State{}, fmt.Errorf("reading the newest anchor: %w", err)
	}
	if len(rows) == 0 {
		return anchors.State{}, nil
	}
	r := rows[0]
	a, err := chain.ParseAnchor(r.record)
	if err != nil || a.Number != uint64(r.number) {
		return anchors.State{}, fmt.Errorf("%w: anchor %d", anchors.ErrTampered, r.number)
	}
	return anchors.State{Size: a.Number + 1, Newest: a, Position: eventstore.Position(r.position)}, nil
}

// list runs a query and scans its rows to where fields says.
func list[Row any](ctx context.Context, db querier, fields func(*Row) []any, query string, args ...any) (all []Row, err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err tells what went wrong
	for rows.Next() {
		var r Row
		if err := rows.Scan(fields(&r)...); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// Leaves implements anchors.Store.
func (s *Store) Leaves(ctx context.Context, number uint64) ([]chain.Leaf, error) {
	all, err := s.Anchors(ctx, number, 1)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("reading the heads of anchor %d: %w", number, anchors.ErrNotAnchored)
	}
	leaves, err := s.leaves(ctx, `WITH RECURSIVE places(place) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT place + 1 FROM places WHERE place + 1 < $1)
		SELECT (SELECT leaf FROM heads WHERE tenant_index = place AND anchor_no <= $2 ORDER BY anchor_no DESC LIMIT 1) FROM places ORDER BY place`,
		int64(all[0].Tenants), int64(number))
	if err != nil {
		return nil, fmt.Errorf("reading the heads of anchor %d: %w", number, err)
	}
	for i, l := range leaves {
		if l.Index != uint32(i) {
			return nil, fmt.Errorf("%w: a leaf of anchor %d is out of its place", anchors.ErrTampered, number)
		}
	}
	return leaves, nil
}

// Changes implements anchors.Store.
func (s *Store) Changes(ctx context.Context, after, upTo uint64) ([]chain.Leaf, error) {
	leaves, err := s.leaves(ctx, `SELECT leaf FROM heads WHERE anchor_no > $1 AND anchor_no <= $2 ORDER BY anchor_no, tenant_index`, int64(after), int64(upTo))
	if err != nil {
		return nil, fmt.Errorf("reading changed heads: %w", err)
	}
	return leaves, nil
}

func (s *Store) leaves(ctx context.Context, query string, args ...any) ([]chain.Leaf, error) {
	rows, err := list(ctx, s.Read, func(b *[]byte) []any { return []any{b} }, query, args...)
	if err != nil {
		return nil, err
	}
	leaves := make([]chain.Leaf, len(rows))
	for i, b := range rows {
		if leaves[i], err = chain.ParseLeaf(b); err != nil {
			return nil, fmt.Errorf("%w: %w", anchors.ErrTampered, err)
		}
	}
	return leaves, nil
}

// Covering implements anchors.Store.
func (s *Store) Covering(ctx context.Context, index uint32, seq uint64) (uint64, error) {
	// Where a chain ends never falls from anchor to anchor.
	rows, err := list(ctx, s.Read, func(n *int64) []any { return []any{n} }, `SELECT anchor_no FROM heads WHERE tenant_index = $1 AND next_seq > $2 ORDER BY next_seq, anchor_no LIMIT 1`,
		int64(index), int64(min(seq, math.MaxInt64)))
	if err != nil {
		return 0, fmt.Errorf("finding the anchor of a record: %w", err)
	}
	if len(rows) == 0 {
		return 0, anchors.ErrNotAnchored
	}
	return uint64(rows[0]), nil
}

// Heads implements anchors.Store.
func (s *Store) Heads(ctx context.Context, index uint32, first uint64, n int) ([]anchors.AnchoredHead, error) {
	type row struct {
		number int64
		leaf   []byte
	}
	rows, err := list(ctx, s.Read, func(r *row) []any { return []any{&r.number, &r.leaf} },
		`SELECT anchor_no, leaf FROM heads WHERE tenant_index = $1 AND anchor_no >= $2 ORDER BY anchor_no LIMIT $3`, int64(index), int64(min(first, math.MaxInt64)), n)
	if err != nil {
		return nil, fmt.Errorf("reading the heads of a chain: %w", err)
	}
	heads := make([]anchors.AnchoredHead, len(rows))
	for i, r := range rows {
		heads[i].Anchor = uint64(r.number)
		if heads[i].Leaf, err = chain.ParseLeaf(r.leaf); err != nil || heads[i].Leaf.Index != index {
			return nil, fmt.Errorf("%w: a head of anchor %d", anchors.ErrTampered, r.number)
		}
	}
	return heads, nil
}

// Nodes implements anchors.Store.
func (s *Store) Nodes(ctx context.Context, level int, first uint64, n int) ([]chain.Hash, error) {
	rows, err := list(ctx, s.Read, func(b *[]byte) []any { return []any{b} },
		`SELECT hash FROM nodes WHERE level = $1 AND place >= $2 AND place < $3 ORDER BY place`, int64(level), int64(first), int64(first)+int64(n))
	if err != nil {
		return nil, fmt.Errorf("reading nodes: %w", err)
	}
	hashes := make([]chain.Hash, len(rows))
	for i, b := range rows {
		if copy(hashes[i][:], b) != len(b) || len(b) != chain.HashSize {
			return nil, fmt.Errorf("%w: a node is no hash", anchors.ErrTampered)
		}
	}
	return hashes, nil
}

// Anchors implements anchors.Store.
func (s *Store) Anchors(ctx context.Context, first uint64, n int) ([]chain.Anchor, error) {
	rows, err := list(ctx, s.Read, func(b *[]byte) []any { return []any{b} },
		`SELECT record FROM anchors WHERE anchor_no >= $1 AND anchor_no < $2 ORDER BY anchor_no`, int64(first), int64(first)+int64(n))
	if err != nil {
		return nil, fmt.Errorf("reading anchors: %w", err)
	}
	all := make([]chain.Anchor, len(rows))
	for i, b := range rows {
		if all[i], err = chain.ParseAnchor(b); err != nil || all[i].Number != first+uint64(i) {
			return nil, fmt.Errorf("%w: anchor %d", anchors.ErrTampered, first+uint64(i))
		}
	}
	return all, nil
}
