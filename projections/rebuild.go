package projections

import (
	"context"
	"crypto/sha3"
	"database/sql"
	"encoding/binary"
	"fmt"
	"hash"
	"strconv"
	"strings"
)

// Rebuild drops every row and checkpoint of the projections and folds the log
// again from its beginning up to its end. A crash within it loses nothing: the
// next Run or Rebuild goes on. A Runner may be running meanwhile; readers then see
// the tables fill.
func (r *Runner) Rebuild(ctx context.Context) error {
	if err := r.reset(ctx); err != nil {
		return fmt.Errorf("dropping the projections: %w", err)
	}
	return r.CatchUp(ctx)
}

// CatchUp applies what the log holds beyond the checkpoints and returns at its
// end. It is Run for a process that serves nothing.
func (r *Runner) CatchUp(ctx context.Context) error {
	for {
		s, err := r.step(ctx)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("folding the log: %w", err)
		}
		r.progress.publish(s.reached, nil)
		if s.applied == 0 {
			return nil
		}
	}
}

func (r *Runner) reset(ctx context.Context) error {
	tx, err := r.DB.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // no more than what Commit left
	if _, err := r.checkpoints(ctx, tx); err != nil {
		return err
	}
	for _, p := range r.Projections {
		if err := empty(ctx, tx, p); err != nil {
			return err
		}
		if err := exec(ctx, tx, r.move, p.Name(), int64(0)); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// TableDigest sums a table up: two tables with equal digests hold equal rows, on
// whatever engine.
type TableDigest struct {
	Table string
	Rows  int64
	SHA3  [32]byte // over the rows in order, each value with its kind and length
}

// Digest sums up every table of the projections, as they stand at one moment.
func (r *Runner) Digest(ctx context.Context) ([]TableDigest, error) {
	options := &sql.TxOptions{}
	if !r.Embedded {
		options.ReadOnly, options.Isolation = true, sql.LevelRepeatableRead
	}
	tx, err := r.DB.BeginTx(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("digesting the projections: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // it only read
	var digests []TableDigest
	for _, p := range r.Projections {
		for _, table := range p.Tables() {
			d, err := digest(ctx, tx, table)
			if err != nil {
				return nil, fmt.Errorf("digesting %s: %w", table, err)
			}
			digests = append(digests, d)
		}
	}
	return digests, nil
}

func digest(ctx context.Context, tx *sql.Tx, table string) (TableDigest, error) {
	d := TableDigest{Table: table}
	columns, err := columnsOf(ctx, tx, table)
	if err != nil {
		return d, err
	}
	order := make([]string, len(columns))
	for i := range columns {
		order[i] = strconv.Itoa(i + 1)
	}
	list := strings.Join(columns, ", ")
	rows, err := tx.QueryContext(ctx, `SELECT `+list+` FROM `+table+` ORDER BY `+strings.Join(order, ", ")) //nolint:gosec // names of ours
	if err != nil {
		return d, err
	}
	defer func() { _ = rows.Close() }() // Err tells what went wrong
	h := sha3.New256()
	_, _ = h.Write([]byte(table + " " + list)) // a hash never fails to write
	values, targets := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return d, err
		}
		for _, v := range values {
			if err := hashValue(h, v); err != nil {
				return d, err
			}
		}
		d.Rows++
	}
	h.Sum(d.SHA3[:0])
	return d, rows.Err()
}

func columnsOf(ctx context.Context, tx *sql.Tx, table string) ([]string, error) {
	rows, err := tx.QueryContext(ctx, `SELECT * FROM `+table+` LIMIT 0`) //nolint:gosec // a name of ours
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err tells what went wrong
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	return columns, rows.Err()
}

// hashValue adds a value to h so that no two lists of values are added alike.
func hashValue(h hash.Hash, v any) error {
	var kind byte
	var b []byte
	switch v := v.(type) {
	case nil:
		kind = 'n'
	case int64:
		kind, b = 'i', strconv.AppendInt(nil, v, 10)
	case []byte:
		kind, b = 'b', v
	case string:
		kind, b = 't', []byte(v)
	default:
		return fmt.Errorf("projections: a value of type %T", v)
	}
	head := binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(b)))
	_, _ = h.Write(head) // a hash never fails to write
	_, _ = h.Write(b)
	return nil
}
