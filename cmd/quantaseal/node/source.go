package node

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/quantaseal/quantaseal/migrations"
)

// source is what a deployment holds at one moment, for reading.
type source struct {
	sets   map[migrations.Set]*sql.Tx
	schema bool // table names have to be qualified
	closes []func() error
}

// backedUp are the sets that a backup holds.
var backedUp = []migrations.Set{migrations.Keys, migrations.Records, migrations.Events}

// table returns how a table of a set is called.
func (s *source) table(set migrations.Set, name string) string {
	if s.schema {
		return string(set) + "." + name
	}
	return name
}

func (s *source) close() error {
	var errs []error
	for i := len(s.closes) - 1; i >= 0; i-- {
		errs = append(errs, s.closes[i]())
	}
	return errors.Join(errs...)
}

// release ends the look at a set that is done with: what is destroyed in the keys'
// database meanwhile stays in its log until then.
func (s *source) release(set migrations.Set) {
	if !s.schema {
		_ = s.sets[set].Rollback() // it only read
	}
}

// openSource looks at the deployment of config as it is at one moment. Servers may
// run: on SQLite appending waits a moment.
func openSource(ctx context.Context, config *Config) (s *source, err error) {
	s = &source{sets: map[migrations.Set]*sql.Tx{}, schema: config.DatabaseURL != ""}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.schema {
		return s, s.openPostgres(ctx, config)
	}
	return s, s.openSQLite(ctx, config)
}

func (s *source) begin(ctx context.Context, db *sql.DB, isolation sql.IsolationLevel) (*sql.Tx, error) {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: isolation})
	if err == nil {
		s.closes = append(s.closes, func() error { _ = tx.Rollback(); return nil }) // it only read
	}
	return tx, err
}

func (s *source) openPostgres(ctx context.Context, config *Config) error {
	parsed, err := pgx.ParseConfig(config.DatabaseURL)
	if err != nil {
		return fmt.Errorf("%w: QUANTASEAL_DATABASE_URL does not parse", ErrMisconfigured) // pgx would quote it
	}
	db := stdlib.OpenDB(*parsed)
	s.closes = append(s.closes, db.Close)
	tx, err := s.begin(ctx, db, sql.LevelRepeatableRead)
	if err != nil {
		return fmt.Errorf("looking at the database: %w", err)
	}
	for _, set := range backedUp {
		s.sets[set] = tx
	}
	return nil
}

const (
	sourceOptions = "?mode=rw&_pragma=busy_timeout(10000)&_pragma=trusted_schema(OFF)&_pragma=query_only(ON)"
	lockOptions   = "?mode=rw&_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=trusted_schema(OFF)"
)

// openSQLite holds appending up while it begins to look at each file: a fact that is
// seen has its record, and a record that is not seen has no fact.
func (s *source) openSQLite(ctx context.Context, config *Config) error {
	open := func(set migrations.Set, options string) (*sql.DB, error) {
		name, err := filepath.Abs(filepath.Join(config.Data, string(set)+".db"))
		if err != nil {
			return nil, err
		}
		db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: name}).String()+options)
		if err == nil {
			s.closes = append(s.closes, db.Close)
			db.SetMaxOpenConns(1)
		}
		return db, err
	}
	events, err := open(migrations.Events, lockOptions)
	if err != nil {
		return err
	}
	held, err := events.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("looking at the events: %w", err)
	}
	defer func() { _ = held.Rollback() }() // it wrote nothing
	for _, set := range backedUp {
		db, err := open(set, sourceOptions)
		if err != nil {
			return err
		}
		tx, err := s.begin(ctx, db, sql.LevelDefault)
		if err != nil {
			return fmt.Errorf("looking at the %s: %w", set, err)
		}
		var tables int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master`).Scan(&tables); err != nil { // only now the look begins
			return fmt.Errorf("looking at the %s: %w", set, err)
		}
		s.sets[set] = tx
	}
	return nil
}
