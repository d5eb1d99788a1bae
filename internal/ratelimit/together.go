package ratelimit

import (
	"context"

	"github.com/quantaseal/quantaseal/internal/batch"
)

// request is one that waits for the shared store with others of its key: what
// queued while the store was asked is asked for at once.
type request struct {
	quota  Quota
	cost   int
	answer chan Standing // has room for the one answer
}

// queue returns the queue of a key. One that was forgotten may still be at work
// beside its successor: then the store settles who passes, as between nodes.
func (l *Limiter) queue(key string) *batch.Queue[request] {
	if q, ok := l.queues.Get(key); ok {
		return q
	}
	q := &batch.Queue[request]{}
	q.Commit = func(ctx context.Context, items []request) { l.commit(ctx, key, items) }
	if before, ok, _ := l.queues.PeekOrAdd(key, q); ok {
		return before
	}
	return q
}

// commit answers requests of one key, those of one quota and cost at a time.
func (l *Limiter) commit(ctx context.Context, key string, items []request) {
	for len(items) > 0 {
		n := 1
		for n < len(items) && items[n].quota == items[0].quota && items[n].cost == items[0].cost {
			n++
		}
		l.settle(ctx, key, items[:n])
		items = items[n:]
	}
}

// settle asks the shared store for requests of one quota and cost, and this node's memory
// while that cannot be asked. The first ones pass.
func (l *Limiter) settle(ctx context.Context, key string, items []request) {
	q, cost := items[0].quota, items[0].cost
	granted, s, err := l.ask(ctx, key, q, len(items), cost)
	if err != nil {
		l.Logger.WarnContext(ctx, "the store of rate limits cannot be used: this server counts alone", "err", err)
		l.down.Store(l.Now().Add(leftFor).UnixNano())
	}
	if rest := len(items) - granted; err != nil || s.Limit == 0 {
		var more int
		more, s, err = take(ctx, l.local, l.Now, key, q, rest, cost)
		if err != nil { // memory does not fail; should it, nobody is kept out
			more = rest
		}
		granted += more
	}
	for i, r := range items {
		mine := s
		if i < granted {
			mine.Remaining += (granted - 1 - i) * cost
			mine.Retry = 0
		}
		r.answer <- mine
	}
}

// ask asks the shared store, unless it failed just now: then it returns the zero Standing.
func (l *Limiter) ask(ctx context.Context, key string, q Quota, n, cost int) (int, Standing, error) {
	if l.Now().UnixNano() < l.down.Load() {
		return 0, Standing{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return take(ctx, l.Shared, l.Now, key, q, n, cost)
}
