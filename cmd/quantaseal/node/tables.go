package node

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/backup"
	"github.com/quantaseal/quantaseal/internal/multirow"
	"github.com/quantaseal/quantaseal/migrations"
)

// saved is a table that a backup holds as it is: of each column its name and whether
// it holds bytes (b), a number (i) or text (t).
type saved struct {
	kind    byte // of its rows; never given again
	part    string
	set     migrations.Set
	name    string
	columns string
	types   string
	order   string
}

// savedTables are those but the events, whose rows say where they stand by themselves.
var savedTables = []saved{
	{2, backup.Keys, migrations.Keys, "deployment", "id, origin, root_public_key, created_us, nonce, log_id", "itbibb", "id"},
	{3, backup.Keys, migrations.Keys, "wrapped_keys", "tenant_id, purpose, subject_id, epoch, wrapped", "btbib", "id"},
	{4, backup.Keys, migrations.Keys, "key_slots", "tenant_id, record_hash, kept_us, slot", "bbib", "id"},
	{5, backup.Records, migrations.Records, "sealed_records", "tenant_id, credential_id, record_hash, kem_key_id, kept_us, record", "bbbbib", "id"},
}

// eventKind is the kind of an event's row: position, header, payload, detached part
// and signature.
const eventKind = 1

// dump writes every row of a table.
func (t *saved) dump(ctx context.Context, tx *sql.Tx, name string, w *backup.Writer) error {
	rows, err := tx.QueryContext(ctx, `SELECT `+t.columns+` FROM `+name+` ORDER BY `+t.order)
	if err != nil {
		return fmt.Errorf("reading %s: %w", t.name, err)
	}
	defer func() { _ = rows.Close() }() // Err tells what went wrong
	values, targets := make([]any, len(t.types)), make([]any, len(t.types))
	for i := range values {
		targets[i] = &values[i]
	}
	fields := make([][]byte, len(values))
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return fmt.Errorf("reading %s: %w", t.name, err)
		}
		for i, v := range values {
			switch v := v.(type) {
			case []byte:
				fields[i] = v
			case int64:
				fields[i] = backup.Number(v)
			case string:
				fields[i] = []byte(v)
			default:
				return fmt.Errorf("reading %s: a value of type %T", t.name, v)
			}
		}
		if err := w.Row(t.kind, fields...); err != nil {
			return err
		}
	}
	return rows.Err()
}

// values returns the values of a row, or false if it is none of the table's.
func (t *saved) values(args []any, fields [][]byte) ([]any, bool) {
	if len(fields) != len(t.types) {
		return args, false
	}
	for i, f := range fields {
		switch t.types[i] {
		case 'i':
			n, ok := backup.ParseNumber(f)
			if !ok {
				return args, false
			}
			args = append(args, n)
		case 't':
			args = append(args, string(f))
		default:
			args = append(args, f)
		}
	}
	return args, true
}

// inserts are prepared inserts, by the kind of row, in one transaction.
type inserts struct {
	tx      *sql.Tx
	insert  map[byte]*multirow.Insert
	waiting map[byte][]any
}

const rowsAtOnce = 128

func openInserts(ctx context.Context, db *sql.DB, tables []saved) (_ *inserts, err error) {
	in := &inserts{insert: map[byte]*multirow.Insert{}, waiting: map[byte][]any{}}
	for _, t := range tables {
		in.insert[t.kind], err = multirow.Prepare(ctx, db, `INSERT INTO `+t.name+` (`+t.columns+`)`, len(t.types), `ON CONFLICT DO NOTHING`)
		if err != nil {
			return nil, errors.Join(err, in.close())
		}
	}
	in.tx, err = db.BeginTx(ctx, nil)
	if err != nil {
		return nil, errors.Join(err, in.close())
	}
	return in, nil
}

func (in *inserts) add(ctx context.Context, kind byte, columns int, args []any) error {
	in.waiting[kind] = append(in.waiting[kind], args...)
	if len(in.waiting[kind]) < rowsAtOnce*columns {
		return nil
	}
	return in.flush(ctx, kind)
}

func (in *inserts) flush(ctx context.Context, kind byte) error {
	err := in.insert[kind].Exec(ctx, in.tx, in.waiting[kind])
	in.waiting[kind] = in.waiting[kind][:0]
	return err
}

// commit writes what waits, and makes all of it durable.
func (in *inserts) commit(ctx context.Context) error {
	for kind := range in.waiting {
		if err := in.flush(ctx, kind); err != nil {
			return err
		}
	}
	return in.tx.Commit()
}

func (in *inserts) close() error {
	var errs []error
	if in.tx != nil {
		_ = in.tx.Rollback() // no more than what commit left
	}
	for _, i := range in.insert {
		if i != nil {
			errs = append(errs, i.Close())
		}
	}
	return errors.Join(errs...)
}

// load writes the rows of a part into the tables that they are of.
func load(ctx context.Context, db *sql.DB, part string, r *backup.Reader) (err error) {
	var tables []saved
	for _, t := range savedTables {
		if t.part == part {
			tables = append(tables, t)
		}
	}
	in, err := openInserts(ctx, db, tables)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.close()) }()
	for {
		kind, fields, err := r.Next()
		if errors.Is(err, io.EOF) {
			return in.commit(ctx)
		}
		if err != nil {
			return err
		}
		known := false
		for i := range tables {
			if t := &tables[i]; t.kind == kind {
				var args []any
				if args, known = t.values(nil, fields); known {
					err = in.add(ctx, kind, len(t.types), args)
				}
			}
		}
		if err == nil && !known {
			err = fmt.Errorf("%w: a row of kind %d in %s", backup.ErrDamaged, kind, part)
		}
		if err != nil {
			return err
		}
	}
}

// recordOf returns the record that an event's row holds, and its position.
func recordOf(kind byte, fields [][]byte) (int64, chain.Record, error) {
	if kind == eventKind && len(fields) == 5 {
		if position, ok := backup.ParseNumber(fields[0]); ok {
			return position, chain.Record{Header: fields[1], Payload: fields[2], Detached: fields[3], Signature: fields[4]}, nil
		}
	}
	return 0, chain.Record{}, fmt.Errorf("%w: a row of kind %d among the events", backup.ErrDamaged, kind)
}

// eventColumns are those of the events' table; PostgreSQL keeps the hash too.
func eventColumns(embedded bool) (columns string, n int) {
	columns = "pos, tenant_id, seq, event_id, aggregate_kind, aggregate_id, aggregate_version, header, payload, detached, signature"
	if !embedded {
		columns += ", hash"
	}
	return columns, strings.Count(columns, ",") + 1
}

// loadEvents writes the events of a part, each into the place that its header says,
// and returns where their chains end.
func loadEvents(ctx context.Context, db *sql.DB, embedded bool, r *backup.Reader) (heads *backup.Heads, err error) {
	columns, n := eventColumns(embedded)
	insert, err := multirow.Prepare(ctx, db, `INSERT INTO events (`+columns+`)`, n, ``)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, insert.Close()) }()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }() // no more than what Commit left
	heads = backup.NewHeads()
	var args []any
	for {
		kind, fields, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		position, record, err := recordOf(kind, fields)
		if err == nil {
			err = heads.Add(position, record)
		}
		if err != nil {
			return nil, err
		}
		if args, err = appendEvent(args, embedded, position, record); err != nil {
			return nil, err
		}
		if len(args) < rowsAtOnce*n {
			continue
		}
		if err := insert.Exec(ctx, tx, args); err != nil {
			return nil, fmt.Errorf("writing events: %w", err)
		}
		args = args[:0]
	}
	if err := insert.Exec(ctx, tx, args); err != nil {
		return nil, fmt.Errorf("writing events: %w", err)
	}
	return heads, tx.Commit()
}

// appendEvent appends the values of an event's row.
func appendEvent(args []any, embedded bool, position int64, r chain.Record) ([]any, error) {
	index, err := r.Index()
	if err != nil {
		return nil, err
	}
	var version, detached any
	if index.AggregateVersion > 0 {
		version = int64(index.AggregateVersion)
	}
	if r.Detached != nil {
		detached = r.Detached
	}
	args = append(args, position, index.Tenant[:], int64(index.Seq), index.EventID[:], int64(index.AggregateKind), index.AggregateID[:], version,
		r.Header, r.Payload, detached, r.Signature)
	if !embedded {
		hash := r.Hash()
		args = append(args, hash[:])
	}
	return args, nil
}
