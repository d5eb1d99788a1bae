// Package projections folds the log into tables that queries read.
//
// Its one law: a table is a function of the log alone. Rows and the position they
// account for commit together, so a crash repeats and skips nothing; dropped and
// folded again, every row comes out as it was, however the log was cut into
// batches. Nothing here has another effect.
package projections

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/internal/multirow"
)

// Projection is one fold of the log.
type Projection interface {
	// Name keys the projection's checkpoint. A new name means a fresh fold.
	Name() string
	// Apply folds facts, which follow what was applied before without a gap, into
	// the projection's tables. What it writes depends on the facts alone, not on how
	// they were cut into batches.
	Apply(ctx context.Context, tx *sql.Tx, facts []eventstore.Recorded) error
	// Tables names the tables, which this projection alone writes.
	Tables() []string
}

// All returns every projection of the vault. Their statements live as long as db,
// which must have a free connection now.
func All(ctx context.Context, db *sql.DB) ([]Projection, error) {
	p := preparer{db: db}
	all := []Projection{newIdentity(ctx, &p), newCredentials(ctx, &p), newAudit(ctx, &p)}
	if p.err != nil {
		return nil, fmt.Errorf("preparing the projections: %w", p.err)
	}
	return all, nil
}

// preparer prepares statements and keeps the first error.
type preparer struct {
	db  *sql.DB
	err error
}

func (p *preparer) stmt(ctx context.Context, text string) *sql.Stmt {
	if p.err != nil {
		return nil
	}
	var stmt *sql.Stmt
	stmt, p.err = p.db.PrepareContext(ctx, text)
	return stmt
}

func (p *preparer) insert(ctx context.Context, head string, columns int, tail string) *multirow.Insert {
	if p.err != nil {
		return nil
	}
	var insert *multirow.Insert
	insert, p.err = multirow.Prepare(ctx, p.db, head, columns, tail)
	return insert
}

// exec runs a prepared statement within tx.
func exec(ctx context.Context, tx *sql.Tx, stmt *sql.Stmt, args ...any) error {
	_, err := tx.StmtContext(ctx, stmt).ExecContext(ctx, args...)
	return err
}

// at returns the stamp of f as tables keep it.
func at(f *eventstore.Recorded) int64 {
	return int64(f.Header.TimeUS)
}

// seq returns the sequence number of f as tables keep it.
func seq(f *eventstore.Recorded) int64 {
	return int64(f.Header.Seq)
}
