package eventstore

import (
	"context"
	"fmt"

	"github.com/hashicorp/golang-lru/v2/simplelru"

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
	maxBatch       = 256  // records signed and written together
	cachedVersions = 8192 // per chain
	lockedBatches  = 64   // how long a chain stays locked after a lost race
	maxRaces       = 1000 // a batch that loses more meets a store that breaks its contract
)

// sequencer gives one chain its order on this node. Everything below queue
// belongs to the goroutine that runs commit, of which there is one at a time.
type sequencer struct {
	log    *Log
	tenant domain.TenantID
	queue  batch.Queue[*request]

	known    bool // head and versions are what this node last saw
	head     chain.Head
	versions *simplelru.LRU[domain.AggregateID, uint64]
	locked   int  // batches left to be written under the store's lock
	careful  bool // a conflict was not explained by the head: look everything up
	doubt    bool // an append whose outcome nobody learnt may have happened since
}

func newSequencer(l *Log, tenant domain.TenantID) *sequencer {
	s := &sequencer{log: l, tenant: tenant}
	s.versions, _ = simplelru.NewLRU[domain.AggregateID, uint64](cachedVersions, nil) // fails only for size 0
	s.queue.Commit, s.queue.Max = s.commit, maxBatch
	return s
}

// commit answers every request of a batch. A race lost to another node starts
// again from what won, for those whose conditions still hold.
func (s *sequencer) commit(ctx context.Context, requests []*request) {
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
			for _, r := range left {
				r.answer(Receipt{}, err)
			}
			return
		}
		requests = left
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
	b := s.admit(ctx, requests)
	if len(b.refused) > 0 && !fresh {
		// What refuses them may be what this node last saw, and no longer so.
		before := s.head
		if err := s.load(ctx); err != nil {
			return b.unanswered(0), err
		}
		if s.head != before {
			b = s.admit(ctx, b.unanswered(0))
		}
	}
	if len(b.records) == 0 {
		b.refuse()
		return nil, nil
	}
	if err := b.sign(ctx); err != nil {
		return b.unanswered(0), err
	}
	pos, err := s.log.Store.Append(ctx, s.tenant, b.records)
	if err != nil {
		return s.settle(ctx, b, err)
	}
	s.accept(b, pos)
	return nil, nil
}

// accept makes b part of the chain and answers its requests.
func (s *sequencer) accept(b *signed, first Position) {
	s.head, s.careful, s.doubt = b.head, false, false
	for id, version := range b.versions {
		s.versions.Add(id, version)
	}
	for i := range b.recorded {
		b.recorded[i].Position = first + Position(i)
	}
	for i := range b.recorded { // before anybody learns of them, and whether or not their authors wait
		s.log.overtake(s.tenant, b.recorded[i].Aggregate(), b.recorded[i].Header.AggregateVersion)
	}
	s.log.figures.count(b.recorded)
	s.log.tail.add(b.recorded)
	n := 0
	for _, r := range b.requests {
		n += len(r.facts)
		r.answer(b.recorded[n-1].Receipt(), nil)
	}
	b.refuse()
}
