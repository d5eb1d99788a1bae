// Package migrations is the DDL of every table, per engine and per set, and runs
// it with goose. The text of queries is shared by the engines; the DDL is not.
//
// Its one law: a migration that was released never changes. A later one amends it.
// Each file is a single statement to goose, which sends it whole: it would look
// for the end of a statement in every line with a buffer of four megabytes.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

//go:embed sqlite postgres
var files embed.FS

// Engine is a database that the tables live in.
type Engine string

// The engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// Set is a group of tables with a database of its own: on SQLite a file, on
// PostgreSQL a schema of that name.
type Set string

// The sets.
const (
	Events  Set = "events"  // the log
	Records Set = "records" // sealed records
	Keys    Set = "keys"    // what can be destroyed: key slots and wrapped keys
	Views   Set = "views"   // read models, which can be built again
	Limits  Set = "limits"  // counters of rate limits, which may be lost
	Anchors Set = "anchors" // what the log is held to: never restored with it
)

// Up brings the tables of set in db to the newest version, and does nothing if
// they are there already; then it needs no more rights than to read
// goose_db_version. On PostgreSQL it creates the schema, and an advisory lock
// lets nodes that start at the same time wait for one another. On SQLite db must
// be the handle of one process.
func Up(ctx context.Context, db *sql.DB, engine Engine, set Set) error {
	dir, err := fs.Sub(files, string(engine)+"/"+string(set))
	if err != nil {
		return fmt.Errorf("finding migrations of %s for %s: %w", set, engine, err)
	}
	dialect, options := goose.DialectSQLite3, []goose.ProviderOption(nil)
	if engine == Postgres {
		dialect, options = goose.DialectPostgres, schema(set).options()
		if err := schema(set).create(ctx, db); err != nil {
			return err
		}
	}
	provider, err := goose.NewProvider(dialect, db, dir, options...)
	if err != nil {
		return fmt.Errorf("reading migrations of %s for %s: %w", set, engine, err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrating %s on %s: %w", set, engine, err)
	}
	return nil
}
