package ratelimit_test

import (
	"bytes"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/internal/ratelimit"
	"github.com/quantaseal/quantaseal/migrations"
)

var tenAMinute = ratelimit.Quota{Limit: 10, Window: time.Minute}

// crowd has callers ask at the same moment, taking turns among nodes, and returns
// how many passed.
func crowd(t *testing.T, callers int, q ratelimit.Quota, key string, nodes ...*ratelimit.Limiter) int {
	t.Helper()
	var passed atomic.Int64
	var group sync.WaitGroup
	start := make(chan struct{})
	for i := range callers {
		group.Go(func() {
			<-start
			switch s := nodes[i%len(nodes)].Take(t.Context(), key, q, 1); {
			case s.Limit != q.Limit || s.Remaining < 0 || s.Remaining >= q.Limit:
				t.Errorf("stands at %+v", s)
			case s.Retry == 0:
				passed.Add(1)
			case s.Remaining != 0:
				t.Errorf("refused at %+v", s)
			}
		})
	}
	close(start)
	group.Wait()
	return int(passed.Load())
}

// TestExactlyTheQuotaPasses has 80 callers ask at once for 10.
func TestExactlyTheQuotaPasses(t *testing.T) {
	engines(t, func(t *testing.T, c *clock, nodes ...*ratelimit.Limiter) {
		for round, want := range []int{10, 0, 1, 10} {
			if got := crowd(t, 80, tenAMinute, "k", nodes...); got != want {
				t.Errorf("round %d: %d of 80 passed, want %d", round, got, want)
			}
			if got := crowd(t, 20, tenAMinute, "another in round "+strconv.Itoa(round), nodes...); got != 10 {
				t.Errorf("round %d: %d of another key's 20 passed, want 10", round, got)
			}
			c.forward([]time.Duration{0, 6 * time.Second, time.Minute, 0}[round])
		}
	})
}

// TestSmallQuotas has more callers than the batch of a node may hold of a limit.
func TestSmallQuotas(t *testing.T) {
	engines(t, func(t *testing.T, _ *clock, nodes ...*ratelimit.Limiter) {
		for _, limit := range []int{1, 2, 7} {
			q := ratelimit.Quota{Limit: limit, Window: time.Minute}
			if got := crowd(t, 40, q, strconv.Itoa(limit), nodes...); got != limit {
				t.Errorf("%d of 40 passed, want %d", got, limit)
			}
		}
	})
}

// TestEveryStoreIsTheSameBucket compares each way to count with a bucket that
// earns its content evenly, and the nodes with one another.
func TestEveryStoreIsTheSameBucket(t *testing.T) {
	engines(t, func(t *testing.T, c *clock, nodes ...*ratelimit.Limiter) {
		run := 0
		rapid.Check(t, func(r *rapid.T) {
			run++
			key := "key " + strconv.Itoa(run)
			q := ratelimit.Quota{Limit: rapid.IntRange(1, 12).Draw(r, "limit"), Window: time.Minute}
			earn := q.Window / time.Duration(q.Limit)
			full := earn * time.Duration(q.Limit)
			content := full // in time that it took to earn
			for range rapid.IntRange(1, 20).Draw(r, "requests") {
				pause := time.Duration(rapid.IntRange(0, 20_000).Draw(r, "ms")) * time.Millisecond
				c.forward(pause)
				content = min(content+pause, full)
				cost := rapid.SampledFrom([]int{0, 1, 1, 1, 2, 5, 50}).Draw(r, "cost")
				price := earn * time.Duration(max(min(cost, q.Limit), 1))
				passes := content >= price
				if passes {
					content -= price
				}
				n := nodes[rapid.IntRange(0, len(nodes)-1).Draw(r, "node")]
				got := n.Take(t.Context(), key, q, cost)
				want := ratelimit.Standing{
					Limit: q.Limit, Remaining: int(content / earn), Reset: c.Now().Add(full - content),
				}
				if !passes {
					want.Retry = price - content
				}
				if !passes && cost > 1 { // a node that knows enough to refuse does not ask how much others took since
					if got.Retry <= 0 || got.Retry > want.Retry || got.Remaining < want.Remaining {
						r.Fatalf("got %+v, want %+v", got, want)
					}
					continue
				}
				if !got.Reset.Equal(want.Reset) || got.Limit != want.Limit || got.Remaining != want.Remaining || got.Retry != want.Retry {
					r.Fatalf("got %+v, want %+v", got, want)
				}
				if peeked := n.Peek(key, q); !peeked.Reset.Equal(got.Reset) || peeked.Remaining != got.Remaining || peeked.Retry != max(earn-content, 0) {
					r.Fatalf("peeked %+v, want %+v", peeked, got)
				}
			}
		})
	})
}

func TestNoLimitCountsNothing(t *testing.T) {
	engines(t, func(t *testing.T, _ *clock, nodes ...*ratelimit.Limiter) {
		for range 3 {
			if got := nodes[0].Take(t.Context(), "k", ratelimit.Quota{Window: time.Minute}, 1); got != (ratelimit.Standing{}) {
				t.Errorf("got %+v", got)
			}
		}
		if got := nodes[0].Peek("k", ratelimit.Quota{}); got != (ratelimit.Standing{}) {
			t.Errorf("peeked %+v", got)
		}
	})
}

// TestAQuotaMayChange lowers and raises the limit of a key in use.
func TestAQuotaMayChange(t *testing.T) {
	engines(t, func(t *testing.T, c *clock, nodes ...*ratelimit.Limiter) {
		low, high := ratelimit.Quota{Limit: 2, Window: time.Minute}, ratelimit.Quota{Limit: 20, Window: time.Minute}
		if got := crowd(t, 30, high, "k", nodes...); got != 20 {
			t.Fatalf("%d passed, want 20", got)
		}
		if got := crowd(t, 5, low, "k", nodes...); got != 0 {
			t.Errorf("%d passed, want none", got)
		}
		c.forward(time.Minute)
		if got := crowd(t, 5, low, "k", nodes...); got != 2 {
			t.Errorf("%d passed, want 2", got)
		}
		c.forward(3 * time.Second)
		if got := crowd(t, 5, high, "k", nodes...); got != 1 {
			t.Errorf("%d passed, want 1", got)
		}
	})
}

// TestMemoryForgetsTheOldest asks for more keys than are remembered.
func TestMemoryForgetsTheOldest(t *testing.T) {
	c := newClock()
	l := node(t, nil, c, slog.DiscardHandler)
	crowd(t, 10, tenAMinute, "old", l)
	for i := range 999 {
		crowd(t, 1, tenAMinute, strconv.Itoa(i), l)
	}
	if got := crowd(t, 10, tenAMinute, "old", l); got != 0 {
		t.Errorf("%d passed while the key is remembered, want none", got)
	}
	for i := range 1001 {
		crowd(t, 1, tenAMinute, "new "+strconv.Itoa(i), l)
	}
	if got := crowd(t, 10, tenAMinute, "old", l); got != 10 {
		t.Errorf("%d passed once the key is forgotten, want 10", got)
	}
}

// TestCountersDoNotStay removes what is as good as absent, and nothing else, from
// under nodes that remember it.
func TestCountersDoNotStay(t *testing.T) {
	for _, engine := range []migrations.Engine{migrations.SQLite, migrations.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			c, db := newClock(), database(t, engine)
			l, other := node(t, db, c, slog.DiscardHandler), node(t, db, c, slog.DiscardHandler)
			crowd(t, 10, tenAMinute, "full", l)
			crowd(t, 1, tenAMinute, "nearly empty", l)
			for _, step := range []struct {
				after time.Duration
				rows  int
			}{{0, 2}, {66 * time.Second, 2}, {time.Second, 1}, {53 * time.Second, 1}, {time.Second, 0}} {
				c.forward(step.after)
				if err := other.Sweep(t.Context()); err != nil {
					t.Fatal(err)
				}
				var rows int
				if err := db.QueryRow(`SELECT count(*) FROM counters`).Scan(&rows); err != nil || rows != step.rows {
					t.Errorf("%d counters stay, %v, want %d", rows, err, step.rows)
				}
			}
			if got := crowd(t, 20, tenAMinute, "full", l, other); got != 10 {
				t.Errorf("%d passed, want 10", got)
			}
		})
	}
}

// TestALostStoreLeavesEachNodeItsOwnCount takes the table away, and gives it back.
func TestALostStoreLeavesEachNodeItsOwnCount(t *testing.T) {
	for _, engine := range []migrations.Engine{migrations.SQLite, migrations.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			var log bytes.Buffer
			c, db := newClock(), database(t, engine)
			l, other := node(t, db, c, slog.NewTextHandler(&log, nil)), node(t, db, c, slog.DiscardHandler)
			if _, err := db.Exec(`ALTER TABLE counters RENAME TO elsewhere`); err != nil {
				t.Fatal(err)
			}
			for _, n := range []*ratelimit.Limiter{l, other} {
				if got := crowd(t, 80, tenAMinute, "k", n); got != 10 {
					t.Errorf("%d passed, want 10", got)
				}
			}
			if got := strings.Count(log.String(), "counts alone"); got != 1 {
				t.Errorf("the outage was told %d times within a second, want once:\n%s", got, log.String())
			}
			if _, err := db.Exec(`ALTER TABLE elsewhere RENAME TO counters`); err != nil {
				t.Fatal(err)
			}
			c.forward(2 * time.Minute)
			if got := crowd(t, 80, tenAMinute, "k", l, other); got != 10 {
				t.Errorf("%d passed with the store back, want 10", got)
			}
		})
	}
}

// TestWhoIsOverTheLimitCostsNothing counts the statements of refusals: there are
// none, since the node knows already.
func TestWhoIsOverTheLimitCostsNothing(t *testing.T) {
	c, db := newClock(), database(t, migrations.SQLite)
	l := node(t, db, c, slog.DiscardHandler)
	crowd(t, 80, tenAMinute, "k", l)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	l.Logger = slog.New(slog.NewTextHandler(&log, nil))
	if got := crowd(t, 100, tenAMinute, "k", l); got != 0 || log.Len() > 0 {
		t.Errorf("%d passed, log %q", got, log.String())
	}
}
