package projections

import (
	"bytes"
	"context"
	"crypto/sha3"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// ErrBehind reports tables that are being folded anew: they are no state of the log.
var ErrBehind = errors.New("projections: the tables are being folded anew")

// Fold applies facts to every projection, in one transaction, and moves no
// checkpoint. It is for tables of one's own, which hold a part of the log.
func (r *Runner) Fold(ctx context.Context, facts []eventstore.Recorded) error {
	tx, err := r.DB.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("folding: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // no more than what Commit left
	for _, p := range r.Projections {
		if err := p.Apply(ctx, tx, facts); err != nil {
			return fmt.Errorf("folding into %s: %w", p.Name(), err)
		}
	}
	return tx.Commit()
}

// Snapshot is what the tables hold at one moment.
type Snapshot struct {
	Position eventstore.Position // of the log that they account for
	tx       *sql.Tx
}

// Snapshot begins a look at the tables through a handle for reading. It must be
// closed, and soon: what is changed meanwhile is kept twice. It returns ErrBehind if
// the tables do not stand at one position.
func (r *Runner) Snapshot(ctx context.Context, read *sql.DB) (*Snapshot, error) {
	options := &sql.TxOptions{ReadOnly: true}
	if !r.Embedded {
		options.Isolation = sql.LevelRepeatableRead
	}
	tx, err := read.BeginTx(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("looking at the projections: %w", err)
	}
	s := &Snapshot{tx: tx}
	for i, p := range r.Projections {
		var at int64
		err := tx.QueryRowContext(ctx, `SELECT position FROM checkpoints WHERE projection = $1`, p.Name()).Scan(&at)
		if err == nil && i > 0 && eventstore.Position(at) != s.Position {
			err = ErrBehind
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("looking at the projections: %w", err), s.Close())
		}
		s.Position = eventstore.Position(at)
	}
	return s, nil
}

// Close ends the look.
func (s *Snapshot) Close() error { return s.tx.Rollback() }

// Difference is a row of a table that is not what the log says.
type Difference struct {
	Table string
	Key   []byte // the part of the row's key that is an id, if it has one beside the tenant
	What  string // missing, extra or changed
}

// keyed is a table with how many of its first columns are its key. The first is the tenant.
type keyed struct {
	table string
	key   int
}

// tables are all of the projections', in the order in which they are compared.
var tables = []keyed{
	{"tenants", 1}, {"users", 2}, {"sessions", 2}, {"api_keys", 2}, {"credentials", 2}, {"credential_versions", 3}, {"audit_index", 2},
}

// Compare compares a tenant's rows with those that were folded by themselves, which
// must account for the same facts. It tells every difference, and returns how many
// rows it looked at. Memory does not grow with them.
func (s *Snapshot) Compare(ctx context.Context, folded *sql.DB, tenant domain.TenantID, tell func(Difference)) (rows uint64, err error) {
	for _, t := range tables {
		n, err := s.compare(ctx, folded, t, tenant, tell)
		if err != nil {
			return rows, fmt.Errorf("comparing %s: %w", t.table, err)
		}
		rows += n
	}
	return rows, nil
}

func (s *Snapshot) compare(ctx context.Context, folded *sql.DB, t keyed, tenant domain.TenantID, tell func(Difference)) (n uint64, err error) {
	want, err := listRows(ctx, folded, t, tenant)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, want.close()) }()
	have, err := listRows(ctx, s.tx, t, tenant)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, have.close()) }()
	w, h := want.next(), have.next()
	for w != nil || h != nil {
		n++
		var order int
		switch {
		case w == nil:
			order = 1
		case h == nil:
			order = -1
		default:
			order = bytes.Compare(w.key, h.key)
		}
		switch {
		case order < 0:
			tell(Difference{t.table, w.id, "missing"})
			w = want.next()
		case order > 0:
			tell(Difference{t.table, h.id, "extra"})
			h = have.next()
		default:
			if w.sum != h.sum {
				tell(Difference{t.table, w.id, "changed"})
			}
			w, h = want.next(), have.next()
		}
	}
	return n, errors.Join(want.err, have.err)
}

// keyRow is a row with its key, in an order that is the same on every engine.
type keyRow struct {
	key, id []byte
	sum     [32]byte
}

type rowList struct {
	rows   *sql.Rows
	key    int
	values []any
	err    error
}

// querier is a handle or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func listRows(ctx context.Context, db querier, t keyed, tenant domain.TenantID) (*rowList, error) {
	order := make([]string, t.key)
	for i := range order {
		order[i] = strconv.Itoa(i + 1)
	}
	rows, err := db.QueryContext(ctx, `SELECT * FROM `+t.table+` WHERE tenant_id = $1 ORDER BY `+strings.Join(order, ", "), tenant.ID[:]) //nolint:rowserrcheck // close closes it, and tells
	if err != nil {
		return nil, err
	}
	columns, err := rows.Columns()
	if err != nil {
		return nil, errors.Join(err, rows.Close()) //nolint:sqlclosecheck // else it is the list's
	}
	return &rowList{rows: rows, key: t.key, values: make([]any, len(columns))}, nil
}

// next returns the next row, or nil at the end or at a fault.
func (l *rowList) next() *keyRow {
	if l.err != nil || !l.rows.Next() {
		return nil
	}
	targets := make([]any, len(l.values))
	for i := range targets {
		targets[i] = &l.values[i]
	}
	if l.err = l.rows.Scan(targets...); l.err != nil {
		return nil
	}
	h := sha3.New256()
	var r keyRow
	for i, v := range l.values {
		if l.err = hashValue(h, v); l.err != nil {
			return nil
		}
		if i == 0 || i >= l.key {
			continue
		}
		switch v := v.(type) {
		case []byte:
			r.key, r.id = append(r.key, v...), bytes.Clone(v)
		case int64:
			r.key = append(r.key, fmt.Sprintf("%020d", v)...)
		default:
			l.err = fmt.Errorf("projections: a key of type %T", v)
			return nil
		}
	}
	h.Sum(r.sum[:0])
	return &r
}

func (l *rowList) close() error { return errors.Join(l.rows.Err(), l.rows.Close()) }

// Strangers returns tenants that have rows in a table and that known does not know,
// at most limit of each table.
func (s *Snapshot) Strangers(ctx context.Context, limit int, known func(domain.TenantID) bool) (strangers []domain.TenantID, err error) {
	for _, t := range tables {
		after, found := []byte{}, 0
		for found < limit {
			var next []byte
			err := s.tx.QueryRowContext(ctx, `SELECT tenant_id FROM `+t.table+` WHERE tenant_id > $1 ORDER BY tenant_id LIMIT 1`, after).Scan(&next)
			if errors.Is(err, sql.ErrNoRows) {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("looking for rows of nobody in %s: %w", t.table, err)
			}
			if len(next) != len(domain.ID{}) {
				return nil, fmt.Errorf("projections: a tenant id of %d bytes in %s", len(next), t.table)
			}
			if id := (domain.TenantID{ID: domain.ID(next)}); !known(id) {
				strangers, found = append(strangers, id), found+1
			}
			after = next
		}
	}
	return strangers, nil
}
