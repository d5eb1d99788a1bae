package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/quantaseal/quantaseal/eventstore/table"
)

// statements are prepared once: preparing costs more than running.
type statements struct {
	insert, head, last                       *sql.Stmt // on the writing handle
	chain, chainEnd, aggregate, aggregateEnd *sql.Stmt
	latest, find, all, allEnd, newest        *sql.Stmt
}

const (
	ofChain     = ` FROM events WHERE tenant_id = $1 `
	ofAggregate = ` FROM events WHERE tenant_id = $1 AND aggregate_kind = $2 AND aggregate_id = $3 `
	rows        = `SELECT ` + table.Columns
	newestRow   = rows + ofChain + `ORDER BY seq DESC LIMIT 1`
	lastPos     = `SELECT coalesce(max(pos), 0) FROM events`
)

func (s *statements) prepare(ctx context.Context, write, read *sql.DB) (err error) {
	for _, want := range []struct {
		stmt **sql.Stmt
		db   *sql.DB
		text string
	}{
		{&s.insert, write, `INSERT INTO events (` + table.Columns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`},
		{&s.head, write, newestRow},
		{&s.last, write, lastPos},

		{&s.newest, read, newestRow},
		{&s.chain, read, rows + ofChain + `AND seq > $2 ORDER BY seq LIMIT $3`},
		{&s.chainEnd, read, `SELECT coalesce(max(seq), -1)` + ofChain},
		{&s.aggregate, read, rows + ofAggregate + `AND aggregate_version > $4 ORDER BY aggregate_version LIMIT $5`},
		{&s.aggregateEnd, read, `SELECT coalesce(max(aggregate_version), 0)` + ofAggregate + `AND aggregate_version IS NOT NULL`},
		{&s.latest, read, rows + ofAggregate + `AND aggregate_version IS NOT NULL ORDER BY aggregate_version DESC LIMIT 1`},
		{&s.find, read, rows + ofChain + `AND event_id = $2`},
		{&s.all, read, rows + fmt.Sprintf(table.Neighbours, "events") + ` FROM events AS e WHERE e.pos > $1 ORDER BY e.pos LIMIT $2`},
		{&s.allEnd, read, lastPos},
	} {
		if *want.stmt, err = want.db.PrepareContext(ctx, want.text); err != nil { //nolint:sqlclosecheck // Close closes it
			return fmt.Errorf("preparing %q: %w", want.text, err)
		}
	}
	return nil
}

func (s *statements) close() error {
	var errs []error
	for _, stmt := range []*sql.Stmt{
		s.insert, s.head, s.last, s.newest, s.chain, s.chainEnd, s.aggregate, s.aggregateEnd,
		s.latest, s.find, s.all, s.allEnd,
	} {
		if stmt != nil {
			errs = append(errs, stmt.Close())
		}
	}
	return errors.Join(errs...)
}
