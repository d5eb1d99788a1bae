package eventstore

import (
	"context"
	"fmt"
	"sync"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/batch"
)

// request is what one Append waits for.
type request struct {
	facts   []encoded
	done    chan struct{}
	receipt Receipt
	err     error
}

func (r *request) answer(receipt Receipt, err error) {
	r.receipt, r.err = receipt, err
	close(r.done)
}

const (
	maxBatch      = 256  // requests signed and written together
	lockedBatches = 64   // how long a chain stays locked after a lost race
	maxRaces      = 1000 // a batch that loses more meets a store that breaks its contract
)

// sequencer gives one chain its order on this node. While one batch is written,
// run links and signs what arrives as the next one, on the assumption that the
// write succeeds. Whenever anything else happens, what was linked is thrown away
// and its requests are sequenced again by commit, one step after the other.
type sequencer struct {
	log    *Log
	tenant domain.TenantID

	queueing sync.Mutex // guards waiting and running
	waiting  []*request
	running  bool          // run has not ended
	arrived  chan struct{} // holds a token while run may not have seen all that waits

	writing chan struct{} // holds a token while a batch is written

	mu     sync.Mutex // guards what this node knows of the chain, as follows
	known  bool       // head and versions are what this node last saw
	flight *signed    // what is being written on top of head; nil = nothing
	epoch  uint64     // rises when what was linked to head or flight is worthless
	end
}

// end is what this node keeps of a chain when it has nothing to do for it.
type end struct {
	head    chain.Head
	era     uint64 // of the versions that the Log remembers; others count for nothing
	locked  int    // batches left to be written under the store's lock
	careful bool   // a conflict was not explained by the head: look everything up
	doubt   bool   // an append whose outcome nobody learnt may have happened since
}

func newSequencer(l *Log, tenant domain.TenantID, e end) *sequencer {
	return &sequencer{log: l, tenant: tenant, arrived: make(chan struct{}, 1), writing: make(chan struct{}, 1), end: e}
}

// submit hands r to the sequencer and returns at once. A goroutine runs only
// while something is left to do.
func (s *sequencer) submit(ctx context.Context, r *request) {
	s.queueing.Lock()
	defer s.queueing.Unlock()
	s.waiting = append(s.waiting, r)
	if !s.running {
		s.running = true
		go s.run(context.WithoutCancel(ctx))
		return
	}
	select {
	case s.arrived <- struct{}{}:
	default:
	}
}

// take removes what waits, up to limit. If nothing does and idle allows it, run
// is to end.
func (s *sequencer) take(limit int, idle bool) (requests []*request, end bool) {
	s.queueing.Lock()
	defer s.queueing.Unlock()
	n := min(len(s.waiting), limit)
	requests = s.waiting[:n:n]
	if s.waiting = s.waiting[n:]; len(s.waiting) == 0 {
		s.waiting = nil // lets go of what was taken
	}
	s.running = n > 0 || !idle
	return requests, !s.running
}

// run answers what was submitted until nothing waits.
func (s *sequencer) run(ctx context.Context) {
	var next *signed
	for {
		room := maxBatch
		if next != nil {
			room -= len(next.requests)
		}
		batch.Gather()
		requests, end := s.take(room, next == nil)
		if end {
			return
		}
		if len(requests) > 0 {
			next = s.prepare(ctx, next, requests)
		}
		if next == nil {
			continue
		}
		arrived := s.arrived
		if len(next.requests) >= maxBatch {
			arrived = nil
		}
		select {
		case s.writing <- struct{}{}:
			s.launch(ctx, next)
			next = nil
		case <-arrived:
		}
	}
}

// prepare links and signs requests behind next, or behind what is being written
// if that is nil, and returns the longer batch. It returns nil once all were
// answered: because nothing was left to write, or by sequencing them step by step.
func (s *sequencer) prepare(ctx context.Context, next *signed, requests []*request) *signed {
	s.mu.Lock()
	plain := s.known && s.locked == 0 && !s.careful && !s.doubt
	if next == nil {
		next = s.begin()
	}
	signed := len(next.records)
	if plain = plain && next.epoch == s.epoch; plain {
		s.admit(ctx, next, requests)
		requests = nil
	}
	s.mu.Unlock()
	if !plain || len(next.refused) > 0 {
		// What refuses them may be what is not written yet, or no longer so.
		s.alone(ctx, append(next.unanswered(), requests...))
		return nil
	}
	if len(next.records) == 0 {
		return nil
	}
	if err := next.sign(signed); err != nil {
		fail(next.requests, err)
		return nil
	}
	return next
}

// alone sequences requests step by step, once nothing else is being written.
func (s *sequencer) alone(ctx context.Context, requests []*request) {
	s.writing <- struct{}{}
	s.mu.Lock()
	s.commit(ctx, requests)
	s.mu.Unlock()
	<-s.writing
}

// commit answers every request. A race lost to another node starts again from
// what won, for those whose conditions still hold. The caller holds mu and the
// token of writing.
func (s *sequencer) commit(ctx context.Context, requests []*request) {
	s.epoch++
	for races := 0; len(requests) > 0; races++ {
		unlock := func() {}
		if s.locked > 0 {
			s.locked--
			if u, err := s.log.Store.Lock(ctx, s.tenant); err == nil {
				unlock, s.known = u, false
			} else {
				s.locked = 0 // without it races are lost, not facts
			}
		}
		left, err := s.try(ctx, requests)
		unlock()
		if err == nil && len(left) > 0 && races == maxRaces {
			err = fmt.Errorf("eventstore: lost %d races for the head of a chain", maxRaces)
		}
		if err != nil {
			s.known = false
			fail(left, err)
			return
		}
		requests = left
	}
}

func fail(requests []*request, err error) {
	for _, r := range requests {
		r.answer(Receipt{}, err)
	}
}

// try writes requests as one batch. It returns those that lost a race and must
// be sequenced again, or an error that is the answer to all it returns.
func (s *sequencer) try(ctx context.Context, requests []*request) ([]*request, error) {
	fresh := !s.known
	if fresh {
		if err := s.load(ctx); err != nil {
			return requests, err
		}
	}
	b := s.begin()
	s.admit(ctx, b, requests)
	if len(b.refused) > 0 && !fresh {
		// What refuses them may be what this node last saw, and no longer so.
		before := s.head
		if err := s.load(ctx); err != nil {
			return b.unanswered(), err
		}
		if s.head != before {
			again := b.unanswered()
			b = s.begin()
			s.admit(ctx, b, again)
		}
	}
	if len(b.records) == 0 {
		b.refuse()
		return nil, nil
	}
	if err := b.sign(0); err != nil {
		return b.unanswered(), err
	}
	if err := b.verify(); err != nil {
		return b.unanswered(), err
	}
	pos, err := s.log.Store.Append(ctx, s.tenant, b.records)
	if err != nil {
		return s.settle(ctx, b, err)
	}
	s.accept(b, pos)
	return nil, nil
}
