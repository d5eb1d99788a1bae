package postgres

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

const (
	// lockTimeout bounds the wait for a lock: a node that hangs while it holds one
	// must not stop the others, whose appends do not need it.
	lockTimeout = 3 * time.Second
	// unlockTimeout bounds how long giving back a lock may take before its session
	// is ended instead.
	unlockTimeout = 3 * time.Second
)

// Lock implements eventstore.Store. A node locks no more than four chains at a
// time; the next waits for one of them. It gives up after three seconds. A lock
// ends with its session, so with its node.
func (s *Store) Lock(ctx context.Context, tenant domain.TenantID) (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	select {
	case s.locks <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting to lock a chain: %w", ctx.Err())
	}
	conn, err := s.sessions.Acquire(ctx)
	if err != nil {
		<-s.locks
		return nil, fmt.Errorf("connecting to lock a chain: %w", err)
	}
	id := lockID(tenant)
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, id); err != nil {
		s.end(ctx, conn) // who knows whether it got the lock meanwhile
		<-s.locks
		return nil, fmt.Errorf("locking a chain: %w", err)
	}
	return sync.OnceFunc(func() {
		defer func() { <-s.locks }()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockTimeout)
		defer cancel()
		if _, err := conn.Exec(ctx, `SELECT pg_advisory_unlock($1)`, id); err != nil {
			s.log.WarnContext(ctx, "unlocking a chain failed, ending the session", "err", err)
			s.end(ctx, conn)
			return
		}
		conn.Release()
	}), nil
}

// end ends a session and whatever locks it holds.
func (s *Store) end(ctx context.Context, conn *pgxpool.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockTimeout)
	defer cancel()
	if err := conn.Conn().Close(ctx); err != nil {
		s.log.WarnContext(ctx, "ending a session failed", "err", err)
	}
	conn.Release()
}

// lockID is a chain's place among the advisory locks of the database. Two chains
// that share one only wait for each other.
func lockID(tenant domain.TenantID) int64 {
	h := chain.Tagged("chain-lock", tenant.ID[:])
	return int64(binary.BigEndian.Uint64(h[:8]))
}
