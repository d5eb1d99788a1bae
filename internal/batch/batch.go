// Package batch commits in groups: whatever is submitted while one commit runs
// becomes the next one.
//
// Its one law: nobody waits for a timer, and no goroutine waits for nothing.
package batch

import (
	"context"
	"runtime"
	"sync"
)

// Queue runs one Commit at a time over what was submitted since the last one
// began, in the order of submission. Set Commit, and Max if a batch must be
// bounded, before the first Submit. The zero value of the rest is ready.
type Queue[T any] struct {
	// Commit answers every item of a batch, by means that T brings along. The slice
	// is its own. Its context has the values of one submitter's and outlives all of
	// theirs. If it panics, the process ends: an item that nobody answers must not
	// go unnoticed.
	Commit func(ctx context.Context, items []T)
	// Max is the most items of a batch; 0 = no bound.
	Max int

	mu      sync.Mutex
	waiting []T
	running bool
}

// Submit hands item to a commit and returns at once. A goroutine runs only
// while something is left to commit.
func (q *Queue[T]) Submit(ctx context.Context, item T) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, item)
	if !q.running {
		q.running = true
		go q.drain(context.WithoutCancel(ctx))
	}
}

func (q *Queue[T]) drain(ctx context.Context) {
	for {
		Gather()
		items := q.take()
		if len(items) == 0 {
			return
		}
		q.Commit(ctx, items)
	}
}

// turns is how often Gather gives way. More make no larger groups.
const turns = 32

// Gather gives way to goroutines that could run now and may be about to submit
// something. On busy processors the next group so becomes larger, and the work that
// every group costs smaller; on idle ones Gather returns at once.
func Gather() {
	for range turns {
		runtime.Gosched()
	}
}

// take removes the next batch, or marks the queue as idle if there is none.
func (q *Queue[T]) take() []T {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := len(q.waiting)
	if q.Max > 0 {
		n = min(n, q.Max)
	}
	items := q.waiting[:n:n]
	if q.waiting = q.waiting[n:]; len(q.waiting) == 0 {
		q.waiting = nil // lets go of what was committed
	}
	q.running = n > 0
	return items
}
