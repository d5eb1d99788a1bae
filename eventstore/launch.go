package eventstore

import (
	"context"

	"github.com/quantaseal/quantaseal/domain"
)

// launch begins to write b, which the caller signed and for which it holds the
// token of writing. It returns before the outcome is known.
func (s *sequencer) launch(ctx context.Context, b *signed) {
	err := b.verify()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil:
		fail(b.requests, err)
	case b.epoch != s.epoch || !s.known: // what it was linked to is not there
		s.commit(ctx, b.requests)
	default:
		s.flight = b
		go s.write(ctx, b)
		return
	}
	<-s.writing
}

// write makes b the next records of the chain and answers its requests.
func (s *sequencer) write(ctx context.Context, b *signed) {
	pos, err := s.log.Store.Append(ctx, s.tenant, b.records)
	s.mu.Lock()
	s.flight = nil
	if err == nil {
		s.accept(b, pos)
	} else {
		s.epoch++ // what was linked meanwhile stands on nothing
		left, err := s.settle(ctx, b, err)
		if err != nil {
			s.known = false
			fail(left, err)
		} else {
			s.commit(ctx, left)
		}
	}
	s.mu.Unlock()
	<-s.writing
}

// accept makes b part of what is known of the chain and answers its requests. The
// caller holds mu.
func (s *sequencer) accept(b *signed, first Position) {
	s.head, s.careful, s.doubt = b.head, false, false
	for id, version := range b.versions {
		s.remember(id, version)
	}
	for i := range b.recorded {
		b.recorded[i].Position = first + Position(i)
	}
	for i := range b.recorded { // before anybody learns of them, and whether or not their authors wait
		s.log.overtake(s.tenant, b.recorded[i].Aggregate(), b.recorded[i].Header.AggregateVersion)
	}
	s.log.figures.count(b.recorded)
	s.log.tail.add(b.recorded)
	for i := range b.recorded {
		if e, ok := b.recorded[i].Event.(domain.SubjectErased); ok {
			s.log.forgetErased(s.tenant, e.Subject)
		}
	}
	n := 0
	for _, r := range b.requests {
		n += len(r.facts)
		r.answer(b.recorded[n-1].Receipt(), nil)
	}
	b.refuse()
}
