package pgtest_test

import (
	"bufio"
	"context"
	"net/url"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/quantaseal/quantaseal/internal/pgtest"
)

func TestMain(m *testing.M) {
	if how := os.Getenv("PGTEST_END"); how != "" {
		end(how) // this process is TestNothingIsLeft's child
	}
	os.Exit(m.Run())
}

// end starts a cluster, prints where, and ends the process as told.
func end(how string) {
	c, err := pgtest.NewCluster()
	if err != nil {
		panic(err)
	}
	if how == "stopped" {
		if err := c.Stop(); err != nil {
			panic(err)
		}
	}
	if _, err := os.Stdout.WriteString(c.Dir() + "\n"); err != nil {
		panic(err)
	}
	if how == "panic" {
		panic("as a test would")
	}
	select {} // until killed
}

func query[T any](t *testing.T, url, sql string) T {
	t.Helper()
	var got T
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if err := conn.QueryRow(t.Context(), sql).Scan(&got); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return got
}

func execute(t *testing.T, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// TestDatabaseIsDurable checks what the product asserts when it starts.
func TestDatabaseIsDurable(t *testing.T) {
	url := pgtest.Database(t)
	for _, setting := range []string{"fsync", "synchronous_commit", "full_page_writes", "data_checksums"} {
		if got := query[string](t, url, "SHOW "+setting); got != "on" {
			t.Errorf("%s is %s, want on", setting, got)
		}
	}
	if got := query[string](t, url, "SHOW server_encoding"); got != "UTF8" {
		t.Errorf("server_encoding is %s, want UTF8", got)
	}
}

// TestDatabasesAreApart gives each caller an empty database, and drops it when
// the caller's test ends although a connection is still open.
func TestDatabasesAreApart(t *testing.T) {
	var names []string
	for range 2 {
		t.Run("one", func(t *testing.T) {
			url := pgtest.Database(t)
			names = append(names, query[string](t, url, "SELECT current_database()"))
			execute(t, url, "CREATE TABLE things (id int)")
			if _, err := pgx.Connect(t.Context(), url); err != nil {
				t.Fatal(err)
			}
		})
	}
	if names[0] == names[1] {
		t.Errorf("both tests got %s", names[0])
	}
	left := query[int](t, pgtest.Database(t), "SELECT count(*) FROM pg_database WHERE datname IN ('"+names[0]+"', '"+names[1]+"')")
	if left != 0 {
		t.Errorf("%d databases outlive their tests", left)
	}
}

// TestTemplateIsCopied prepares once what each caller gets a copy of.
func TestTemplateIsCopied(t *testing.T) {
	prepared := 0
	template := pgtest.Template{Prepare: func(_ context.Context, url string) error {
		prepared++
		execute(t, url, "CREATE TABLE things (id int)") //nolint:contextcheck // takes the test's
		return nil
	}}
	for range 2 {
		url := template.Database(t)
		execute(t, url, "INSERT INTO things VALUES (1)")
		if got := query[int](t, url, "SELECT count(*) FROM things"); got != 1 {
			t.Errorf("%d rows, want the one of this copy", got)
		}
	}
	if prepared != 1 {
		t.Errorf("prepared %d times", prepared)
	}
}

// TestClusterSurvives finds after a stop and after a kill what was committed
// before, at the same URL.
func TestClusterSurvives(t *testing.T) {
	c, err := pgtest.NewCluster()
	if err != nil {
		t.Fatal(err)
	}
	url, err := c.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	execute(t, url, "CREATE TABLE things (id int)")
	for n, end := range []func() error{c.Stop, c.KillImmediate} {
		execute(t, url, "INSERT INTO things VALUES (1)")
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if conn, err := pgx.Connect(t.Context(), url); err == nil {
			_ = conn.Close(t.Context())
			t.Fatal("connected to a stopped cluster")
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		if got := query[int](t, url, "SELECT count(*) FROM things"); got != n+1 {
			t.Errorf("%d rows, want %d", got, n+1)
		}
	}
	if err := c.Start(); err == nil {
		t.Error("started a running cluster")
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(c.Dir()); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", c.Dir(), err)
	}
}

// TestNothingIsLeft ends processes in the ways that run no deferred call.
func TestNothingIsLeft(t *testing.T) {
	for _, how := range []string{"panic", "kill", "stopped"} {
		t.Run(how, func(t *testing.T) {
			child := exec.CommandContext(t.Context(), os.Args[0])
			child.Env = append(os.Environ(), "PGTEST_END="+how)
			out, err := child.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			dir, err := bufio.NewReader(out).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			dir = dir[:len(dir)-1]
			if how != "panic" {
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
			_ = child.Wait() // it failed, as told
			gone(t, dir)
		})
	}
}

// gone waits until a cluster's directory is removed, which is the last thing
// that its keeper does.
func gone(t *testing.T, dir string) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		if _, err := os.Stat(dir); os.IsNotExist(err) {
			return
		}
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("%s outlives its process", dir)
		}
	}
}

// TestURL is one that other programs than pgx can read too.
func TestURL(t *testing.T) {
	u, err := url.Parse(pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	if u.Scheme != "postgres" || u.Query().Get("host") == "" {
		t.Errorf("got %s, want postgres: and a host", u)
	}
}
