package vaulttest

import (
	"testing"

	"github.com/quantaseal/quantaseal/internal/pgtest"
)

// Postgres returns the URL of a new, empty PostgreSQL database, which is dropped
// when t ends. The tests of one process share a cluster. If PostgreSQL's programs
// are missing they are installed; t fails if that is impossible.
func Postgres(t testing.TB) string { return pgtest.Database(t) }

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
