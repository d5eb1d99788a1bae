// Package queries answers questions from the read models: one file for each
// question, with its SQL, its row and the method that asks.
//
// Its one law: nothing here is authority. A row says where to look and what to
// show; what is allowed is folded from the log, and what is evidence is read from
// it, verified.
package queries

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"math"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Queries asks the read models in DB, and the log for what they point to. Both
// fields are required. On SQLite DB is a pool of readers.
type Queries struct {
	DB  *sql.DB
	Log Log
}

// Log is what evidence, and what was said of persons, is read from.
type Log interface {
	// At returns the fact with a sequence number, verified, or eventstore.ErrNotFound.
	At(ctx context.Context, tenant domain.TenantID, seq uint64) (eventstore.Recorded, error)
	// Latest returns the fact that gave an aggregate its highest version, verified,
	// or eventstore.ErrNotFound.
	Latest(ctx context.Context, tenant domain.TenantID, id domain.AggregateID) (eventstore.Recorded, error)
	// Find returns the fact with an event id, verified, or eventstore.ErrNotFound.
	Find(ctx context.Context, tenant domain.TenantID, eventID domain.ID) (eventstore.Recorded, error)
	// History returns tenant's facts from a sequence number on, in order, each
	// verified and linked to the one before it.
	History(ctx context.Context, tenant domain.TenantID, from uint64) iter.Seq2[eventstore.Recorded, error]
}

// list runs a query and collects what scan makes of each row.
func list[Row any](ctx context.Context, db *sql.DB, scan func(*sql.Rows) (Row, error), query string, args ...any) ([]Row, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err tells what went wrong
	var all []Row
	for rows.Next() {
		row, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

// fixed scans exactly as many bytes as it holds: an id or a hash.
type fixed []byte

// Scan implements sql.Scanner.
func (f fixed) Scan(src any) error {
	b, ok := src.([]byte)
	if !ok || len(b) != len(f) {
		return fmt.Errorf("queries: a column does not hold %d bytes", len(f))
	}
	copy(f, b)
	return nil
}

// column returns a sequence number as tables keep it.
func column(seq uint64) int64 { return int64(min(seq, math.MaxInt64)) }
