// Package postgres keeps the event store in a PostgreSQL database, version 14 or
// later, that the nodes of a deployment share.
//
// Appends of all nodes take turns under one advisory lock, which is how positions
// are dense and become visible in their order. The lock is held by the server
// alone: it is taken, used and released within one message, so a slow network
// keeps nobody waiting, and what one node has to append at a time is one turn.
//
// Its one law: the server decides whether a record follows its chain's head. What
// a node believes of the head is never more than an offer.
package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/table"
	"github.com/quantaseal/quantaseal/migrations"
)

const (
	maxOffers = 128 // offers in one transaction
	maxLocks  = 4   // chains that one node keeps locked at a time
)

// Store is an eventstore.Store in the schema "events" of a database. Make one
// with Open. Its methods may be called from any number of goroutines.
type Store struct {
	reads    *pgxpool.Pool
	sessions *pgxpool.Pool // for what holds locks or listens
	log      *slog.Logger
	appends  table.Appends
	locks    chan struct{} // one element for each chain locked by this node

	node      string // tells this process's notifications from others'
	foreign   foreign
	unlisten  context.CancelFunc
	listening chan struct{} // closed when nobody listens any more
}

var _ eventstore.Store = (*Store)(nil)

// Open opens the event store in the database that pool leads to, which it brings
// up to date if need be. Reads take their connections from pool; for appends, locks
// and notifications the store opens up to six more of its own in the same way. It
// returns a fault if the server would not keep what it acknowledges, and warns
// through log if it does not notice damage to its files.
func Open(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) (*Store, error) {
	db := stdlib.OpenDBFromPool(pool)
	if err := errors.Join(migrations.Up(ctx, db, migrations.Postgres, migrations.Events), db.Close()); err != nil {
		return nil, err
	}
	s := &Store{reads: pool, log: log, locks: make(chan struct{}, maxLocks), node: rand.Text(), listening: make(chan struct{})}
	s.appends.Transact, s.appends.Max = s.transact, maxOffers
	s.appends.Open()
	s.foreign.init()
	var err error
	if s.sessions, err = pgxpool.NewWithConfig(ctx, sessionConfig(pool)); err != nil {
		return nil, fmt.Errorf("connecting to PostgreSQL: %w", err)
	}
	if err := s.assert(ctx); err != nil {
		s.sessions.Close()
		return nil, err
	}
	ctx, s.unlisten = context.WithCancel(context.WithoutCancel(ctx))
	go s.listen(ctx)
	return s, nil
}

// sessionConfig returns how to connect for what keeps others waiting.
func sessionConfig(pool *pgxpool.Pool) *pgxpool.Config {
	config := pool.Config()
	config.MaxConns, config.MinConns, config.MinIdleConns = 2+maxLocks, 0, 0
	params := config.ConnConfig.RuntimeParams
	// A statement must see what was committed while it waited for its turn.
	params["default_transaction_isolation"] = "read committed"
	// A node that vanished must lose its locks within seconds.
	params["tcp_keepalives_idle"] = "5"
	params["tcp_keepalives_interval"] = "2"
	params["tcp_keepalives_count"] = "3"
	return config
}

// assert returns a fault unless the server's settings are those on which the
// claim rests that an acknowledged record survives.
func (s *Store) assert(ctx context.Context) error {
	for _, setting := range []struct {
		name    string
		allowed []string
	}{
		{"fsync", []string{"on"}},
		{"full_page_writes", []string{"on"}},
		{"synchronous_commit", []string{"on", "remote_apply"}},
	} {
		got, err := s.show(ctx, setting.name)
		if err != nil {
			return err
		}
		if !slices.Contains(setting.allowed, got) {
			return fmt.Errorf("PostgreSQL loses records in a crash: %s is %s, must be %s", setting.name, got, setting.allowed[0])
		}
	}
	switch checksums, err := s.show(ctx, "data_checksums"); {
	case err != nil:
		return err
	case checksums != "on":
		s.log.WarnContext(ctx, "PostgreSQL does not notice damage to its files: turn data checksums on (pg_checksums --enable)")
	}
	return nil
}

func (s *Store) show(ctx context.Context, setting string) (value string, err error) {
	if err := s.sessions.QueryRow(ctx, "SHOW "+setting).Scan(&value); err != nil {
		return "", fmt.Errorf("reading %s: %w", setting, err)
	}
	return value, nil
}

// Close ends what the store opened, after the appends under way. Nothing may use
// s any more. The pool stays open: it is the caller's.
func (s *Store) Close() error {
	s.unlisten()
	<-s.listening
	s.sessions.Close()
	return nil
}
