package projections

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/quantaseal/quantaseal/eventstore"
)

// progress is how far this node has seen every projection come, and who waits
// for it to come further. A step wakes those whose fact it applied and nobody else:
// at thousands of requests a second, waking all for each step costs more than the step.
type progress struct {
	mu       sync.Mutex
	position eventstore.Position
	err      error // why it does not go on, or nil
	waiting  []*waiter
}

// waiter waits for a position. It is told nil once that is reached, and why the
// projections stand still if they do before.
type waiter struct {
	position eventstore.Position
	told     chan error // holds one answer, so that nobody waits for who has left
}

func (p *progress) get() (eventstore.Position, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.position, p.err
}

// publish says how far the projections have come and why they stand still, if
// they do, and wakes whom that concerns.
func (p *progress) publish(position eventstore.Position, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.position, p.err = position, err
	p.waiting = slices.DeleteFunc(p.waiting, func(w *waiter) bool {
		switch {
		case w.position <= position:
			w.told <- nil
		case err != nil:
			w.told <- err
		default:
			return false
		}
		return true
	})
}

// pass blocks until position is reached. It returns a fault if the projections
// stand still short of it, or ctx's error.
func (p *progress) pass(ctx context.Context, position eventstore.Position) error {
	w := p.enter(position)
	var err error
	select {
	case err = <-w.told:
	case <-ctx.Done():
		p.leave(w)
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("waiting for the projections to pass %d: %w", position, err)
	}
	return nil
}

// enter returns a waiter, told already if there is nothing to wait for.
func (p *progress) enter(position eventstore.Position) *waiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := &waiter{position, make(chan error, 1)}
	switch {
	case p.position >= position:
		w.told <- nil
	case p.err != nil:
		w.told <- p.err
	default:
		p.waiting = append(p.waiting, w)
	}
	return w
}

func (p *progress) leave(w *waiter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = slices.DeleteFunc(p.waiting, func(other *waiter) bool { return other == w })
}
