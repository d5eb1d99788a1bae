package ratelimit

import (
	"context"
	"fmt"
	"time"

	"github.com/throttled/throttled/v2"
)

// maxRaces is how often a take is tried again because another node was faster.
// Each time one of them got through, so that only a crowd of nodes needs many.
const maxRaces = 1000

// take asks store for n requests of key at once, each at the same cost. It returns
// how many of them pass, and how the key stands after that.
func take(ctx context.Context, store throttled.GCRAStoreCtx, now func() time.Time, key string, q Quota, n, cost int) (granted int, s Standing, err error) {
	gcra, err := throttled.NewGCRARateLimiterCtx(store, throttled.RateQuota{
		MaxRate: throttled.PerDuration(q.Limit, q.Window), MaxBurst: q.Limit - 1,
	})
	if err != nil {
		return 0, Standing{}, fmt.Errorf("making a limiter: %w", err)
	}
	gcra.SetMaxCASAttemptsLimit(maxRaces)
	for ask := n; ask > 0; {
		limited, r, err := gcra.RateLimitCtx(ctx, key, ask*cost)
		if err != nil {
			return granted, Standing{}, fmt.Errorf("counting: %w", err)
		}
		s = standing(q, now(), r.ResetAfter, cost)
		if limited {
			ask = min(ask-1, r.Remaining/cost) // it was more than remains
		} else {
			granted += ask
			ask = n - granted
		}
	}
	return granted, s, nil
}

// standing is how a key stands whose whole limit is there again after wait, for a
// request at a cost.
func standing(q Quota, now time.Time, wait time.Duration, cost int) Standing {
	s := Standing{Limit: q.Limit, Reset: now.Add(wait)}
	left := q.burst() - wait
	if left > 0 {
		s.Remaining = int(left / q.interval())
	}
	s.Retry = max(time.Duration(cost)*q.interval()-left, 1)
	return s
}
