package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// shared is the cluster of this process's tests. It ends with the process.
var shared = sync.OnceValues(NewCluster)

// Database returns the URL of a new, empty database on a cluster that the tests
// of this process share. The database is dropped when t ends, connections or
// not. If PostgreSQL's programs are missing they are installed; t fails if that
// is impossible.
func Database(t testing.TB) string {
	t.Helper()
	return lend(t, "")
}

// Template is what new databases begin with, where many tests would begin with
// the same work.
type Template struct {
	// Prepare fills an empty database, once in a process, and leaves no
	// connection to it. If it fails so does every test that asks.
	Prepare func(ctx context.Context, url string) error

	once sync.Once
	name string
	err  error
}

// Database is the package's Database with a copy of what Prepare left.
func (p *Template) Database(t testing.TB) string {
	t.Helper()
	p.once.Do(func() { p.err = p.make() })
	if p.err != nil {
		t.Fatalf("preparing a database: %v", p.err)
	}
	return lend(t, p.name)
}

func (p *Template) make() error {
	c, err := shared()
	if err != nil {
		return err
	}
	ctx := context.Background() // later tests need it, whatever becomes of this one
	if p.name, err = c.create(ctx, ""); err != nil {
		return err
	}
	return p.Prepare(ctx, c.url(p.name))
}

func lend(t testing.TB, template string) string {
	t.Helper()
	c, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	name, err := c.create(t.Context(), template)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return c.url(name)
}

// NewDatabase returns the URL of a new, empty database. Its user is a superuser.
func (c *Cluster) NewDatabase(ctx context.Context) (string, error) {
	name, err := c.create(ctx, "")
	return c.url(name), err
}

func (c *Cluster) create(ctx context.Context, template string) (name string, err error) {
	name = fmt.Sprintf("quantaseal_%d", c.databases.Add(1))
	statement := "CREATE DATABASE " + name
	if template != "" {
		statement += " TEMPLATE " + template
	}
	return name, c.exec(ctx, statement)
}

func (c *Cluster) url(database string) string {
	where := url.Values{"host": {c.dir}, "port": {"5432"}}
	return (&url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/" + database, RawQuery: where.Encode()}).String()
}

// exec runs one statement on the cluster's own database, one at a time: a
// connection costs more than most statements, so it is kept.
func (c *Cluster) exec(ctx context.Context, sql string) (err error) {
	conn := <-c.conn
	defer func() { c.conn <- conn }()
	if conn == nil {
		if conn, err = pgx.Connect(ctx, c.url("postgres")); err != nil {
			return fmt.Errorf("connecting to PostgreSQL: %w", err)
		}
	}
	if _, err = conn.Exec(ctx, sql); err != nil { // the cluster may have been stopped meanwhile
		err = errors.Join(err, conn.Close(ctx))
		conn = nil
	}
	return err
}
