package eventstore

import (
	"cmp"
	"context"
	"math"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/quantaseal/quantaseal/domain"
)

const (
	chainsAtHand = 4096
	chainsLeft   = 1 << 17 // of which only the end is kept, in 200 bytes each
	looks        = 8       // at how many chains one looks to find some that are idle
)

// chains leads to the one sequencer that a chain has on this node. Those that have
// been idle longest leave, so that memory is bounded however many tenants there
// are; their ends stay, because they prove that nothing was taken from a chain.
type chains struct {
	log *Log

	mu     sync.Mutex
	atHand *simplelru.LRU[domain.TenantID, *sequencer]
	left   *simplelru.LRU[domain.TenantID, end]
}

func (c *chains) open(l *Log) {
	c.log = l
	c.atHand, _ = simplelru.NewLRU[domain.TenantID, *sequencer](math.MaxInt, nil) // fails only for size 0
	c.left, _ = simplelru.NewLRU(chainsLeft, func(_ domain.TenantID, e end) {
		if e.doubt { // nobody will notice any more what happened
			l.forgetAll()
		}
	})
}

// submit hands r to tenant's sequencer. It holds mu meanwhile: a sequencer that was
// handed something does not leave.
func (c *chains) submit(ctx context.Context, tenant domain.TenantID, r *request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.atHand.Get(tenant)
	if ok {
		s.submit(ctx, r)
		return
	}
	e, ok := c.left.Peek(tenant)
	if !ok {
		e.era = c.log.eras.Add(1)
	}
	s = newSequencer(c.log, tenant, e)
	s.submit(ctx, r)
	c.atHand.Add(tenant, s)
	c.dismiss()
}

func (c *chains) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.atHand.Len()
}

// dismiss has idle sequencers leave while there are too many.
func (c *chains) dismiss() {
	for range looks {
		tenant, s, ok := c.atHand.GetOldest()
		if !ok || c.atHand.Len() <= cmp.Or(c.log.Chains, chainsAtHand) {
			return
		}
		e, idle := s.idle()
		if !idle {
			c.atHand.Get(tenant) // which makes it the newest
			continue
		}
		c.atHand.Remove(tenant)
		c.left.Add(tenant, e)
	}
}

// idle reports whether s has nothing to do and is doing nothing, and what it then
// knows of its chain. Nobody may submit anything meanwhile.
func (s *sequencer) idle() (end, bool) {
	s.queueing.Lock()
	running := s.running
	s.queueing.Unlock()
	if running {
		return end{}, false
	}
	select {
	case s.writing <- struct{}{}:
	default: // run has ended before the last write
		return end{}, false
	}
	defer func() { <-s.writing }()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end, true
}
