package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/eventstore/table"
)

// Append implements eventstore.Store. What is offered at the same time, for
// whichever chains, is committed with one sync.
func (s *Store) Append(ctx context.Context, tenant domain.TenantID, records []chain.Record) (eventstore.Position, error) {
	return s.appends.Append(ctx, tenant, records)
}

// transact writes offers in one transaction, save those that do not follow their
// chain's head, whose err it sets. It returns which offer made that impossible,
// or -1 and what became of all.
func (s *Store) transact(ctx context.Context, offers []*table.Pending) (repeats int, err error) {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return -1, fmt.Errorf("beginning a transaction: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // no more than what Commit left
	t := transaction{s: s, tx: tx, insert: tx.StmtContext(ctx, s.stmts.insert), heads: map[domain.TenantID]chain.Head{}}
	if t.last, err = s.lastPosition(ctx, tx); err != nil {
		return -1, err
	}
	before := t.last
	for i, o := range offers {
		err := t.write(ctx, o)
		if isUnique(err) {
			return i, nil
		}
		if err != nil {
			return -1, err
		}
	}
	if t.last == before {
		return -1, nil
	}
	if err := tx.Commit(); err != nil {
		s.last = -1
		s.heads.Purge()
		return -1, fmt.Errorf("committing: %w", err)
	}
	s.last = t.last
	for tenant, head := range t.heads {
		s.heads.Add(tenant, head)
	}
	return -1, nil
}

// transaction is what a transaction has made of the file so far.
type transaction struct {
	s      *Store
	tx     *sql.Tx
	insert *sql.Stmt
	last   int64
	heads  map[domain.TenantID]chain.Head
}

// write inserts the records of o, or sets its err if they do not follow or the
// first repeats what is there: a statement that fails leaves nothing.
func (t *transaction) write(ctx context.Context, o *table.Pending) error {
	head, err := t.head(ctx, o.Tenant)
	if err != nil {
		return err
	}
	if o.Err = nil; !o.Follows(head) {
		o.Err = eventstore.ErrConflict
		return nil
	}
	o.Position = t.last + 1
	for i := range o.Records {
		r, c := &o.Records[i], &o.Columns[i]
		var version any
		if c.AggregateVersion > 0 {
			version = int64(c.AggregateVersion)
		}
		_, err := t.insert.ExecContext(ctx,
			t.last+1, c.Tenant[:], int64(c.Seq), c.EventID[:], int64(c.AggregateKind), c.AggregateID[:], version,
			r.Header, r.Payload, r.Detached, r.Signature,
		)
		switch {
		case i == 0 && isUnique(err):
			o.Err = eventstore.ErrConflict
			return nil
		case err != nil:
			return fmt.Errorf("inserting a record: %w", err)
		}
		t.last++
	}
	t.heads[o.Tenant] = o.Head
	return nil
}

func (t *transaction) head(ctx context.Context, tenant domain.TenantID) (chain.Head, error) {
	if head, ok := t.heads[tenant]; ok {
		return head, nil
	}
	if head, ok := t.s.heads.Get(tenant); ok {
		return head, nil
	}
	return headOf(ctx, t.tx.StmtContext(ctx, t.s.stmts.head), tenant)
}

func (s *Store) lastPosition(ctx context.Context, tx *sql.Tx) (int64, error) {
	if s.last >= 0 {
		return s.last, nil
	}
	return number(ctx, tx.StmtContext(ctx, s.stmts.last))
}

// isUnique reports whether err says that a row is there already.
func isUnique(err error) bool {
	e := (*driver.Error)(nil)
	return errors.As(err, &e) && e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE
}
