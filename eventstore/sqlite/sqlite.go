// Package sqlite keeps the event store in one SQLite file: the embedded default,
// with nothing to install.
//
// Its one law: one process, one writer. What the file holds is therefore known
// here, and an append reads nothing.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	driver "modernc.org/sqlite"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/eventstore/table"
	"github.com/quantaseal/quantaseal/migrations"
)

const (
	readers    = 8     // connections that read at the same time
	maxOffers  = 256   // offers in one transaction
	knownHeads = 65536 // chains whose end is remembered
)

// Store is an eventstore.Store in a file that no other process has open. Make
// one with Open. Its methods may be called from any number of goroutines.
type Store struct {
	write   *sql.DB
	read    *sql.DB
	stmts   statements
	appends table.Appends

	// What the file holds, as far as known. Both belong to the goroutine that
	// commits, of which there is one at a time.
	last  int64 // position of the last record; negative = to be read
	heads *simplelru.LRU[domain.TenantID, chain.Head]
}

var _ eventstore.Store = (*Store)(nil)

// Open opens the event store in the file at path, which it creates, readable by
// nobody else, or brings up to date. It returns a fault if SQLite does not keep
// what it acknowledges with the settings that the file is opened with.
func Open(ctx context.Context, path string) (s *Store, err error) {
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the operator chooses the path
	if err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	s = &Store{last: -1}
	s.heads, _ = simplelru.NewLRU[domain.TenantID, chain.Head](knownHeads, nil) // fails only for size 0
	s.appends.Transact, s.appends.Max = s.transact, maxOffers
	s.appends.Open()
	if err := s.open(ctx, path); err != nil {
		return nil, errors.Join(fmt.Errorf("opening %s: %w", path, err), s.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, path string) (err error) {
	// fsync also writes a file's times, for which nobody waits. Where there is no
	// fdatasync SQLite goes on with what it has.
	if _, err := driver.Fdatasync(true); err != nil && !errors.Is(err, driver.ErrFdatasyncUnavailable) {
		return err
	}
	if s.write, err = sql.Open("sqlite", dsn(path, url.Values{
		"_txlock": {"immediate"},
		"_pragma": pragmas(writing),
	})); err != nil {
		return err
	}
	s.write.SetMaxOpenConns(1)
	if err := assert(ctx, s.write, writing); err != nil {
		return err
	}
	if err := migrations.Up(ctx, s.write, migrations.SQLite, migrations.Events); err != nil {
		return err
	}
	if s.read, err = sql.Open("sqlite", dsn(path, url.Values{
		"mode":    {"ro"},
		"_pragma": pragmas(reading),
	})); err != nil {
		return err
	}
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(readers)
	if err := assert(ctx, s.read, reading); err != nil {
		return err
	}
	return s.stmts.prepare(ctx, s.write, s.read)
}

func dsn(path string, options url.Values) string {
	return (&url.URL{Scheme: "file", Path: path, RawQuery: options.Encode()}).String()
}

// Close closes the file. Nothing may use s any more.
func (s *Store) Close() error {
	errs := []error{s.stmts.close()}
	for _, db := range []*sql.DB{s.read, s.write} { // the last to close is the writer, which empties the log
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// Wait implements eventstore.Store. There is no other process, so it blocks
// until ctx ends.
func (s *Store) Wait(ctx context.Context, _ eventstore.Position) error {
	<-ctx.Done()
	return ctx.Err()
}

// Lock implements eventstore.Store. There is nobody to keep out.
func (s *Store) Lock(context.Context, domain.TenantID) (unlock func(), err error) {
	return func() {}, nil
}
