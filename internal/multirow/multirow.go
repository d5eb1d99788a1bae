// Package multirow writes many rows of one table in few statements.
//
// Its one law: the text and the parameters are standard SQL that SQLite and
// PostgreSQL read alike, prepared once and used for ever after. Preparing costs
// more than running, and a statement of its own for each row costs a PostgreSQL
// client a round trip.
package multirow

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// sizes are the numbers of rows for which there is a prepared statement, in
// falling order. Any number of rows is a sum of them.
var sizes = [...]int{64, 16, 4, 1}

// Insert writes rows of a fixed number of columns.
type Insert struct {
	columns int
	stmts   [len(sizes)]*sql.Stmt
}

// Prepare returns the Insert whose statements read "head VALUES (row), … tail".
// Head names the table and its columns; tail, which may be empty, says what to do
// about a conflict. Db must have a free connection, so prepare before a
// transaction takes the last one.
func Prepare(ctx context.Context, db *sql.DB, head string, columns int, tail string) (*Insert, error) {
	i := &Insert{columns: columns}
	for n, rows := range sizes {
		var err error
		if i.stmts[n], err = db.PrepareContext(ctx, text(head, columns, tail, rows)); err != nil { //nolint:sqlclosecheck // Close closes it
			return nil, errors.Join(fmt.Errorf("preparing %q: %w", head, err), i.Close())
		}
	}
	return i, nil
}

func text(head string, columns int, tail string, rows int) string {
	var b strings.Builder
	b.WriteString(head + " VALUES ")
	for p := range rows * columns {
		switch {
		case p == 0:
			b.WriteString("(")
		case p%columns == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		b.WriteString("$" + strconv.Itoa(p+1))
	}
	return b.String() + ") " + tail
}

// Exec writes the rows whose values follow one another in args, within tx. It
// refuses a number of values that makes no whole rows.
func (i *Insert) Exec(ctx context.Context, tx *sql.Tx, args []any) error {
	if len(args)%i.columns != 0 {
		return fmt.Errorf("multirow: %d values for rows of %d", len(args), i.columns)
	}
	for n, rows := range sizes {
		for values := rows * i.columns; len(args) >= values; args = args[values:] {
			if _, err := tx.StmtContext(ctx, i.stmts[n]).ExecContext(ctx, args[:values]...); err != nil {
				return err
			}
		}
	}
	return nil
}

// Close releases the statements.
func (i *Insert) Close() error {
	var errs []error
	for _, stmt := range i.stmts {
		if stmt != nil {
			errs = append(errs, stmt.Close())
		}
	}
	return errors.Join(errs...)
}
