package main

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// outcome is what one run of an operation came to.
type outcome struct {
	latencies []time.Duration // sorted
	failed    int
	took      time.Duration
}

func (o outcome) at(quantile float64) float64 {
	if len(o.latencies) == 0 {
		return 0
	}
	i := min(int(quantile*float64(len(o.latencies))), len(o.latencies)-1)
	return float64(o.latencies[i].Microseconds()) / 1000
}

// load runs op on every connection for a while, one request after the other.
// A connection's i-th call gets a number that no other call gets.
func load(ctx context.Context, addr, key string, connections int, long time.Duration, op func(c *client, n int64) bool) (outcome, error) {
	clients := make([]*client, connections)
	for i := range clients {
		c, err := dial(addr, key)
		if err != nil {
			return outcome{}, err
		}
		defer c.close()
		clients[i] = c
	}
	var wg sync.WaitGroup
	var number atomic.Int64
	var mu sync.Mutex
	var o outcome
	start := time.Now()
	end := start.Add(long)
	for _, c := range clients {
		wg.Go(func() {
			var mine []time.Duration
			failed := 0
			for now := time.Now(); now.Before(end) && ctx.Err() == nil; {
				ok := op(c, number.Add(1))
				then := time.Now()
				mine = append(mine, then.Sub(now))
				if now = then; !ok {
					failed++
				}
			}
			mu.Lock()
			defer mu.Unlock()
			o.latencies, o.failed = append(o.latencies, mine...), o.failed+failed
		})
	}
	wg.Wait()
	o.took = time.Since(start)
	slices.Sort(o.latencies)
	return o, ctx.Err()
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
