// Package ratelimit decides whether one more request fits a limit. It counts by
// GCRA, the generic cell rate algorithm: a limit of 10 a minute lets 10 pass at
// once, and after that one every 6 seconds.
//
// Its one law: no more pass than the limit says, however many ask at once and on
// however many nodes. It bends only while nodes cannot reach the store they share:
// then each holds the limit by itself, because an outage of the counters is no
// reason to stop a vault.
package ratelimit

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/quantaseal/quantaseal/internal/batch"
)

// Quota is what a key may use: Limit at once, and again Limit in each Window, evenly.
type Quota struct {
	Limit  int           // 0 = no limit; at most MaxLimit
	Window time.Duration // at least a second where there is a limit
}

// MaxLimit is the largest limit of a quota.
const MaxLimit = 10_000_000

// interval is the time in which one request is earned.
func (q Quota) interval() time.Duration { return q.Window / time.Duration(q.Limit) }

// burst is the time in which the whole limit is earned. Rounding makes it a
// little less than the window at most.
func (q Quota) burst() time.Duration { return q.interval() * time.Duration(q.Limit) }

// Standing is how a key stands against its quota after it asked. The zero
// Standing is that of a key without a limit.
type Standing struct {
	Limit     int
	Remaining int           // how many at a cost of 1 would pass right now
	Reset     time.Time     // when Remaining is Limit again, if nobody asks
	Retry     time.Duration // after which one may pass; 0 = the one that asked passed
}

// Limiter holds quotas. Exported fields are required unless they say otherwise.
// Make one with Open; it is safe for concurrent use.
type Limiter struct {
	Shared *Shared // what several nodes count in; nil = this node is alone
	Size   int     // how many keys this node remembers at most
	Now    func() time.Time
	Logger *slog.Logger

	local  *Memory
	queues *lru.Cache[string, *batch.Queue[request]]
	down   atomic.Int64 // until when the shared store is left alone, Unix nanoseconds
}

// How long an answer may wait for the shared store, and how long that is left
// alone after it failed, so that its outage costs one request in a while.
const (
	patience = time.Second
	leftFor  = time.Second
)

// Open makes l ready for use.
func (l *Limiter) Open() (*Limiter, error) {
	var err error
	if l.local, err = NewMemory(l.Size, l.Now); err != nil {
		return nil, err
	}
	if l.queues, err = lru.New[string, *batch.Queue[request]](l.Size); err != nil {
		return nil, err
	}
	return l, nil
}

// Take asks for one request of key under q, which costs as much as cost others, and
// returns how that went. Nothing costs more than the whole limit. It never fails:
// where the shared store does not answer, this node counts alone. If ctx ends, the
// request is refused, and may have been counted.
func (l *Limiter) Take(ctx context.Context, key string, q Quota, cost int) Standing {
	if q.Limit <= 0 {
		return Standing{}
	}
	cost = max(min(cost, q.Limit), 1)
	if l.Shared == nil {
		return l.alone(ctx, key, q, cost)
	}
	r := request{quota: q, cost: cost, answer: make(chan Standing, 1)}
	l.queue(key).Submit(ctx, r)
	select {
	case s := <-r.answer:
		return s
	case <-ctx.Done():
		return Standing{Limit: q.Limit, Reset: l.Now(), Retry: q.interval()}
	}
}

// Peek returns how key stands under q as far as this node knows, and counts nothing:
// Retry says after which time a request would pass.
func (l *Limiter) Peek(key string, q Quota) Standing {
	if q.Limit <= 0 {
		return Standing{}
	}
	known := l.local.known
	if l.Shared != nil {
		known = l.Shared.known
	}
	now := l.Now()
	wait := max(time.Unix(0, known(key)).Sub(now), 0)
	s := standing(q, now, wait, 1)
	if s.Remaining > 0 {
		s.Retry = 0
	}
	return s
}

// Sweep removes counters that say no more than their absence would.
func (l *Limiter) Sweep(ctx context.Context) error {
	if l.Shared == nil {
		return nil // memory is bounded, and forgets the oldest first
	}
	return l.Shared.sweep(ctx)
}

func (l *Limiter) alone(ctx context.Context, key string, q Quota, cost int) Standing {
	granted, s, err := take(ctx, l.local, l.Now, key, q, 1, cost)
	if err != nil { // memory does not fail; should it, nobody is kept out
		l.Logger.ErrorContext(ctx, "a rate limit was not counted", "err", err)
	}
	if err != nil || granted > 0 {
		s.Retry = 0
	}
	return s
}
