// Package sealedstore keeps what must be destructible, and therefore never
// stands in the log: sealed records, the key slots without which they are noise,
// and the wrapped keys of tenants and persons.
//
// Records and keys are two databases. What is destroyed is the key; the database
// that holds keys is small, has backups of its own that are soon dropped, and is
// built so that little of a destroyed row is left in it: rows that never change
// their size, integer primary keys, and on SQLite secure_delete=ON with a
// write-ahead log that is emptied after each destruction.
//
// Its one law: what it answers is durable. It knows no rule and opens nothing.
package sealedstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Database is one of the two databases. On PostgreSQL both handles may be the
// same; table names are not qualified, so the search path must lead to them.
type Database struct {
	// Write is the handle for transactions. On SQLite it has one connection, opened
	// with _txlock=immediate, journal_mode=WAL, synchronous=FULL, secure_delete=ON
	// and a busy_timeout, which Open checks.
	Write *sql.DB
	// Read is the handle for single lookups, a pool that keeps its connections
	// (SetMaxIdleConns), and their prepared statements with them. Nothing it runs
	// lasts: a long reader would keep destroyed bytes in SQLite's write-ahead log.
	Read *sql.DB
}

// Store keeps sealed records, key slots and wrapped keys. Its exported fields
// are required and must not change once it is in use. Make one with Open. Its
// methods may be called from any number of goroutines.
type Store struct {
	Records  Database // holds sealed_records
	Keys     Database // holds key_slots, wrapped_keys and deployment
	Embedded bool     // both are SQLite files that this process alone opens
	Now      func() time.Time

	records, slots writer
	sql            prepared

	shredded atomic.Int64 // keys destroyed since the last Vacuum
	vacuums  sync.Mutex
	swept    int64 // every slot up to this id has a record; guarded by vacuums
}

// Open prepares s. On SQLite it returns a fault if a handle was not opened as
// Database asks, and empties the write-ahead log of the keys, where a crash may
// have left what was destroyed.
func (s *Store) Open(ctx context.Context) (*Store, error) {
	var wiped func(context.Context) error
	if s.Embedded {
		if err := errors.Join(checkPragmas(ctx, s.Records.Write), checkPragmas(ctx, s.Keys.Write)); err != nil {
			return nil, fmt.Errorf("opening the sealed store: %w", err)
		}
		if err := s.truncate(ctx); err != nil {
			return nil, err
		}
		wiped = s.truncate
	}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the sealed store: %w", err), s.Close())
	}
	s.records.start(nil)
	s.slots.start(wiped)
	return s, nil
}

// checkPragmas returns a fault unless db keeps what it acknowledges and wipes
// what it deletes.
func checkPragmas(ctx context.Context, db *sql.DB) error {
	if db.Stats().MaxOpenConnections != 1 {
		return errors.New("the writing handle must have one connection")
	}
	wanted := []struct{ pragma, value string }{
		{"journal_mode", "wal"}, {"synchronous", "2"}, {"secure_delete", "1"},
	}
	for _, w := range wanted {
		var got string
		if err := db.QueryRowContext(ctx, "PRAGMA "+w.pragma).Scan(&got); err != nil {
			return fmt.Errorf("reading %s: %w", w.pragma, err)
		}
		if got != w.value {
			return fmt.Errorf("%s is %s, must be %s", w.pragma, got, w.value)
		}
	}
	return nil
}

// Close releases what Open prepared. The handles stay open: they are the caller's.
func (s *Store) Close() error {
	return errors.Join(s.records.close(), s.slots.close(), s.sql.close())
}
