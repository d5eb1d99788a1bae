package commands

import (
	"context"
	"sync"

	"github.com/quantaseal/quantaseal/domain"
)

// turns lets callers change one thing one after the other on this node. It only
// saves work that a lost race would throw away; the log decides who won.
type turns struct {
	mu      sync.Mutex
	waiting map[subject]*turn
}

// subject is what a turn is about. The tenant belongs to it: nobody waits for
// what another tenant does with an id.
type subject struct {
	tenant domain.TenantID
	id     domain.ID
}

type turn struct {
	gate    chan struct{} // holds one token: whose turn it is
	callers int
}

// take waits for the caller's turn at id. It returns ctx's error, and no turn, if ctx ends first.
func (t *turns) take(ctx context.Context, tenant domain.TenantID, id domain.ID) (done func(), err error) {
	t.mu.Lock()
	if t.waiting == nil {
		t.waiting = map[subject]*turn{}
	}
	what := subject{tenant, id}
	w, ok := t.waiting[what]
	if !ok {
		w = &turn{gate: make(chan struct{}, 1)}
		t.waiting[what] = w
	}
	w.callers++
	t.mu.Unlock()
	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if w.callers--; w.callers == 0 {
			delete(t.waiting, what)
		}
	}
	select {
	case w.gate <- struct{}{}:
		return func() { <-w.gate; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}
