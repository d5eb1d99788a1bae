package vaulttest_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/internal/pgtest"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

const crashWorkers = 16

// TestCrash kills the server with SIGKILL in the middle of its work, again and
// again on the same data, ends it with SIGTERM once, and holds it to what it acknowledged: every seal
// unseals to its value, every delete is gone, every receipt is on the chain, the
// chain verifies, and read models folded anew equal the live ones.
func TestCrash(t *testing.T) {
	t.Parallel()
	rounds := 3 // make crash goes through fifty
	if s := os.Getenv("QUANTASEAL_CRASH_ROUNDS"); s != "" {
		var err error
		if rounds, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	bin := t.TempDir()
	build(t, bin)
	t.Run("memory", func(t *testing.T) { memoryStaysIn(t, bin) })
	t.Run("sqlite", func(t *testing.T) { crash(t, &process{bin: bin, data: t.TempDir()}, rounds) })
	t.Run("postgres", func(t *testing.T) {
		crash(t, &process{bin: bin, data: t.TempDir(), database: pgtest.Database(t)}, rounds)
	})
}

func crash(t *testing.T, p *process, rounds int) {
	l := &ledger{}
	p.start(t)
	l.register(t, p.url)
	for round := range rounds {
		stop := l.load(t, p.url, round)
		l.await(t, 1+rand.IntN(20*crashWorkers))
		p.kill(t)
		stop()
		if round%2 == 0 { // and again while it mends what the first death left
			p.launch(t)
			time.Sleep(time.Duration(rand.IntN(150)) * time.Millisecond)
			p.kill(t)
		}
		p.run(t, "quantaseal", "rebuild", "--check")
		l.verify(t, p)
		p.start(t)
		l.check(t, p.url, round == rounds-1)
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	stop := l.load(t, p.url, rounds)
	l.await(t, crashWorkers)
	p.terminate(t)
	stop()
	p.run(t, "quantaseal", "rebuild", "--check")
	l.verify(t, p)
	p.start(t)
	l.check(t, p.url, true)
	t.Logf("%d rounds, %d operations acknowledged, %d credentials", rounds, l.done, len(l.credentials))
	p.kill(t)
}

// await returns some milliseconds after n more operations were acknowledged.
func (l *ledger) await(t *testing.T, n int) {
	t.Helper()
	done := func() int {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.done
	}
	from := done()
	for deadline := time.Now().Add(time.Minute); done() < from+n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d operations were acknowledged in a minute, want %d", done()-from, n)
		}
	}
	time.Sleep(time.Duration(rand.IntN(10)) * time.Millisecond) // in the middle of others
}

// load has workers do random things until stop is called.
func (l *ledger) load(t *testing.T, url string, round int) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for worker := range crashWorkers {
		group.Go(func() { l.work(ctx, url, worker, round) })
	}
	return func() {
		cancel()
		group.Wait()
	}
}

// TestDatabaseCrash kills PostgreSQL, without a checkpoint, under a server that
// goes on: what was acknowledged is there when the database is back, and the
// server serves again by itself.
func TestDatabaseCrash(t *testing.T) {
	t.Parallel()
	cluster := vaulttest.PostgresCluster(t)
	database, err := cluster.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v := vaulttest.Start(t, node.Config{DatabaseURL: database})
	l := &ledger{}
	l.register(t, v.URL)
	for round := range 2 {
		stop := l.load(t, v.URL, round)
		l.await(t, 50+rand.IntN(100))
		if err := cluster.KillImmediate(); err != nil {
			t.Fatal(err)
		}
		stop()
		if a := v.As("").Do(t, http.MethodGet, "/health", nil); a.Status != http.StatusServiceUnavailable {
			t.Errorf("without its database the server says %d %s", a.Status, a.Body)
		}
		if err := cluster.Start(); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(time.Minute); ; {
			a := v.As("").Do(t, http.MethodGet, "/health", nil)
			if a.Status == http.StatusOK {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("a minute after the database came back the server says %d %s", a.Status, a.Body)
			}
		}
		l.check(t, v.URL, true)
	}
	proven(t, v, export(t, l.client(v.URL)), l.receipts...)
	v.Stop()
	unlike(t, v.Config)
}
