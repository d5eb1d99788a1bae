package ratelimit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/throttled/throttled/v2"
)

// Shared counts in the table counters of a database, for every node that does.
// One update of the row settles who passes: it names the value that it replaces,
// so of two nodes one must look again.
//
// What a node last saw of a key it starts from without asking. Values only grow,
// so an old one may let too much through to the update, which then fails, and
// never refuses too much: who is over the limit costs the database nothing, and
// everybody else one statement. The clocks of the nodes must agree: a node that is
// ahead by a second lets through what would be earned in that second.
type Shared struct {
	db   *sql.DB
	now  func() time.Time
	seen *lru.Cache[string, int64]
	text statements
}

type statements struct{ read, insert, update, remove *sql.Stmt }

var _ throttled.GCRAStoreCtx = (*Shared)(nil)

// keepFor is how long a counter stays that says no more than its absence would,
// for nodes whose clocks are behind.
const keepFor = time.Minute

// OpenShared returns a store on the migrated tables in db that remembers size
// keys. Close it before db.
func OpenShared(ctx context.Context, db *sql.DB, size int, now func() time.Time) (*Shared, error) {
	seen, err := lru.New[string, int64](size)
	if err != nil {
		return nil, err
	}
	s := &Shared{db: db, now: now, seen: seen}
	for _, p := range []struct {
		to   **sql.Stmt
		text string
	}{
		{&s.text.read, `SELECT full_at_ns FROM counters WHERE key = $1`},
		{&s.text.insert, `INSERT INTO counters (key, full_at_ns) VALUES ($1, $2) ON CONFLICT DO NOTHING`},
		{&s.text.update, `UPDATE counters SET full_at_ns = $3 WHERE key = $1 AND full_at_ns = $2`},
		{&s.text.remove, `DELETE FROM counters WHERE full_at_ns < $1`},
	} {
		if *p.to, err = db.PrepareContext(ctx, p.text); err != nil { //nolint:sqlclosecheck // Close closes it
			return nil, errors.Join(fmt.Errorf("preparing %q: %w", p.text, err), s.Close())
		}
	}
	return s, nil
}

// Close lets go of the prepared statements.
func (s *Shared) Close() error {
	var errs []error
	for _, stmt := range []*sql.Stmt{s.text.read, s.text.insert, s.text.update, s.text.remove} {
		if stmt != nil {
			errs = append(errs, stmt.Close())
		}
	}
	return errors.Join(errs...)
}

// GetWithTime implements throttled.GCRAStoreCtx.
func (s *Shared) GetWithTime(ctx context.Context, key string) (int64, time.Time, error) {
	if value, ok := s.seen.Get(key); ok {
		return value, s.now(), nil
	}
	var value int64
	err := s.text.read.QueryRowContext(ctx, []byte(key)).Scan(&value)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return absent, s.now(), nil
	case err != nil:
		return 0, time.Time{}, fmt.Errorf("reading a counter: %w", err)
	}
	s.seen.Add(key, value)
	return value, s.now(), nil
}

// SetIfNotExistsWithTTL implements throttled.GCRAStoreCtx.
func (s *Shared) SetIfNotExistsWithTTL(ctx context.Context, key string, value int64, _ time.Duration) (bool, error) {
	return s.write(ctx, key, value, s.text.insert, []byte(key), value)
}

// CompareAndSwapWithTTL implements throttled.GCRAStoreCtx.
func (s *Shared) CompareAndSwapWithTTL(ctx context.Context, key string, before, after int64, _ time.Duration) (bool, error) {
	return s.write(ctx, key, after, s.text.update, []byte(key), before, after)
}

// write runs a statement that writes value or nothing, and reports which. After
// nothing this node no longer believes what it saw.
func (s *Shared) write(ctx context.Context, key string, value int64, stmt *sql.Stmt, args ...any) (bool, error) {
	result, err := stmt.ExecContext(ctx, args...)
	var rows int64
	if err == nil {
		rows, err = result.RowsAffected()
	}
	if err != nil || rows == 0 {
		s.seen.Remove(key)
		if err != nil {
			return false, fmt.Errorf("writing a counter: %w", err)
		}
		return false, nil
	}
	s.seen.Add(key, value)
	return true, nil
}

func (s *Shared) known(key string) int64 {
	if value, ok := s.seen.Peek(key); ok {
		return value
	}
	return absent
}

func (s *Shared) sweep(ctx context.Context) error {
	if _, err := s.text.remove.ExecContext(ctx, s.now().Add(-keepFor).UnixNano()); err != nil {
		return fmt.Errorf("removing counters: %w", err)
	}
	return nil
}
