package anchorstore

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/quantaseal/quantaseal/eventstore/anchors"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// Append implements anchors.Store.
func (s *Store) Append(ctx context.Context, before *chain.Anchor, e anchors.Entry) error {
	tx, err := s.Write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("beginning an anchor: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // no more than what Commit left
	there, err := state(ctx, tx)
	if err != nil {
		return err
	}
	if (before == nil) != (there.Size == 0) || before != nil && *before != there.Newest || e.Anchor.Number != there.Size {
		return anchors.ErrMoved
	}
	added, err := tx.ExecContext(ctx, `INSERT INTO anchors (anchor_no, position, record) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
		int64(e.Anchor.Number), int64(e.Position), e.Anchor.Append(nil))
	if err != nil {
		return fmt.Errorf("adding an anchor: %w", err)
	}
	if n, err := added.RowsAffected(); err != nil || n != 1 { // another process was faster, since we looked
		return anchors.ErrMoved
	}
	nodes := make([][]any, len(e.Nodes))
	for i, n := range e.Nodes {
		nodes[i] = []any{int64(n.Level), int64(n.Index), n.Hash[:]}
	}
	if err := insert(ctx, tx, `INSERT INTO nodes (level, place, hash)`, nodes); err != nil {
		return fmt.Errorf("adding nodes: %w", err)
	}
	heads := make([][]any, len(e.Leaves))
	for i, l := range e.Leaves {
		heads[i] = []any{int64(l.Index), int64(e.Anchor.Number), int64(l.Next), l.Append(nil)}
	}
	if err := insert(ctx, tx, `INSERT INTO heads (tenant_index, anchor_no, next_seq, leaf)`, heads); err != nil {
		return fmt.Errorf("adding heads: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("committing an anchor: %w", err)
	}
	return nil
}

// rowsAtOnce is how many rows go into one statement.
const rowsAtOnce = 100

func insert(ctx context.Context, tx *sql.Tx, head string, rows [][]any) error {
	for len(rows) > 0 {
		some := rows[:min(len(rows), rowsAtOnce)]
		rows = rows[len(some):]
		text := strings.Builder{}
		text.WriteString(head + " VALUES ")
		var args []any
		for i, row := range some {
			for j, v := range row {
				args = append(args, v)
				switch {
				case j > 0:
					text.WriteString(", ")
				case i > 0:
					text.WriteString(", (")
				default:
					text.WriteString("(")
				}
				text.WriteString("$" + strconv.Itoa(len(args)))
			}
			text.WriteString(")")
		}
		if _, err := tx.ExecContext(ctx, text.String(), args...); err != nil {
			return err
		}
	}
	return nil
}

// resignPatience is how long giving the lead away may take.
const resignPatience = time.Second

// leadLock is the leader's place among the advisory locks of a database: "QSanchor".
const leadLock = 0x5153616e63686f72

// Lead implements anchors.Store. On PostgreSQL the server gives the lead away when
// the connection that holds it breaks.
func (s *Store) Lead(ctx context.Context) (resign func(), leads bool, err error) {
	if s.Embedded {
		return func() {}, true, nil
	}
	conn, err := s.Write.Conn(ctx)
	if err != nil {
		return nil, false, fmt.Errorf("asking for the lead: %w", err)
	}
	if err := conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1)`, int64(leadLock)).Scan(&leads); err != nil || !leads {
		_ = conn.Close()
		if err != nil {
			err = fmt.Errorf("asking for the lead: %w", err)
		}
		return nil, false, err
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resignPatience)
		defer cancel()
		_, _ = conn.ExecContext(ctx, `SELECT pg_advisory_unlock($1)`, int64(leadLock)) // or the connection is gone, and the lock with it
		_ = conn.Close()
	}, true, nil
}
