package migrations

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
)

// schema is a set's schema on PostgreSQL. As goose's session locker it makes
// migrations of one set wait for one another, and leads the session to the
// schema, in which goose then also keeps its table of versions.
type schema Set

// lockID is this set's place among the session advisory locks of a database.
func (s schema) lockID() int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("quantaseal migrations " + s)) // a hash never fails to write
	return int64(h.Sum64() >> 1)
}

// SessionLock waits for the lock and enters the schema.
func (s schema) SessionLock(ctx context.Context, conn *sql.Conn) error {
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, s.lockID()); err != nil {
		return fmt.Errorf("locking migrations: %w", err)
	}
	if err := s.enter(ctx, conn); err != nil {
		return errors.Join(err, s.SessionUnlock(context.WithoutCancel(ctx), conn))
	}
	return nil
}

// enter creates the schema if need be: even IF NOT EXISTS asks for the right to.
func (s schema) enter(ctx context.Context, conn *sql.Conn) error {
	var exists bool
	if err := conn.QueryRowContext(ctx, `SELECT to_regnamespace($1) IS NOT NULL`, string(s)).Scan(&exists); err != nil {
		return fmt.Errorf("looking for schema %s: %w", s, err)
	}
	if !exists {
		if _, err := conn.ExecContext(ctx, `CREATE SCHEMA `+string(s)); err != nil {
			return fmt.Errorf("creating schema %s: %w", s, err)
		}
	}
	if _, err := conn.ExecContext(ctx, `SET search_path TO `+string(s)); err != nil {
		return fmt.Errorf("entering schema %s: %w", s, err)
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
