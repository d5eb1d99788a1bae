package vaulttest

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/quantaseal/quantaseal/internal/pgtest"
	"github.com/quantaseal/quantaseal/migrations"
)

// Postgres returns the URL of a new PostgreSQL database in which a node finds
// every table and no row; an empty one is pgtest.Database's. It is dropped when t
// ends. The tests of one process share a cluster. If PostgreSQL's programs are
// missing they are installed; t fails if that is impossible.
func Postgres(t testing.TB) string { return migrated.Database(t) }

// migrated is what a database is once a node has brought it up to date.
var migrated = pgtest.Template{Prepare: func(ctx context.Context, url string) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return err
	}
	for _, set := range []migrations.Set{migrations.Events, migrations.Records, migrations.Keys, migrations.Views, migrations.Limits, migrations.Anchors} {
		config.RuntimeParams["search_path"] = string(set)
		db := stdlib.OpenDB(*config)
		if err := errors.Join(migrations.Up(ctx, db, migrations.Postgres, set), db.Close()); err != nil {
			return err
		}
	}
	return nil
}}

// PostgresCluster returns a running PostgreSQL cluster of t's own, to be stopped,
// killed and started again. It ends with t.
func PostgresCluster(t testing.TB) *pgtest.Cluster {
	t.Helper()
	c, err := pgtest.NewCluster()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}
