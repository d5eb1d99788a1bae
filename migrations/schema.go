package migrations

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

// schema is a set's schema on PostgreSQL. As goose's session locker it makes
// migrations of one set wait for one another, and leads the session to the schema.
type schema Set

// versions is the table of what was migrated.
func (s schema) versions() string { return string(s) + ".goose_db_version" }

func (s schema) options() []goose.ProviderOption {
	return []goose.ProviderOption{goose.WithTableName(s.versions()), goose.WithSessionLocker(s)}
}

// lockID is this set's place among the advisory locks of a database.
func (s schema) lockID() int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("quantaseal migrations " + s)) // a hash never fails to write
	return int64(h.Sum64() >> 1)
}

// create makes the schema with goose's table, which goose itself would look for
// before it takes the lock.
func (s schema) create(ctx context.Context, db *sql.DB) error {
	exists := func(q interface {
		QueryRowContext(context.Context, string, ...any) *sql.Row
	},
	) (there bool, err error) {
		// Not to_regclass: it may remember from before it waited for the lock.
		err = q.QueryRowContext(ctx, `SELECT EXISTS (SELECT FROM pg_catalog.pg_tables
			WHERE schemaname = $1 AND tablename = 'goose_db_version')`, string(s)).Scan(&there)
		return there, err
	}
	if there, err := exists(db); there || err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // no more than what Commit left
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, s.lockID()); err != nil {
		return fmt.Errorf("locking migrations: %w", err)
	}
	if there, err := exists(tx); there || err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `CREATE SCHEMA IF NOT EXISTS `+string(s)); err != nil {
		return fmt.Errorf("creating schema %s: %w", s, err)
	}
	store, err := database.NewStore(database.DialectPostgres, s.versions())
	if err != nil {
		return err
	}
	if err := errors.Join(store.CreateVersionTable(ctx, tx), store.Insert(ctx, tx, database.InsertRequest{Version: 0})); err != nil {
		return fmt.Errorf("creating %s: %w", s.versions(), err)
	}
	return tx.Commit()
}

// SessionLock waits for the lock and enters the schema.
func (s schema) SessionLock(ctx context.Context, conn *sql.Conn) error {
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, s.lockID()); err != nil {
		return fmt.Errorf("locking migrations: %w", err)
	}
	if _, err := conn.ExecContext(ctx, `SET search_path TO `+string(s)); err != nil {
		return errors.Join(fmt.Errorf("entering schema %s: %w", s, err), s.SessionUnlock(context.WithoutCancel(ctx), conn))
	}
	return nil
}

// SessionUnlock leaves the session as it was.
func (s schema) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	if _, err := conn.ExecContext(ctx, `RESET search_path`); err != nil {
		return fmt.Errorf("leaving schema %s: %w", s, err)
	}
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_unlock($1)`, s.lockID()); err != nil {
		return fmt.Errorf("unlocking migrations: %w", err)
	}
	return nil
}
