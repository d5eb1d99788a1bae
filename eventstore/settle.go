package eventstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// How long an append whose outcome is unknown is looked into, and how soon it is
// offered again: first, and at last.
const (
	settleFor   = 10 * time.Second
	settleFirst = 5 * time.Millisecond
	settleLast  = 250 * time.Millisecond
)

// settle finds out what became of b, whose append returned cause. Offering the
// same records again is safe: they are written once or conflict with themselves.
// It returns what must be sequenced again, or an error for all it returns.
func (s *sequencer) settle(ctx context.Context, b *signed, cause error) ([]*request, error) {
	if !errors.Is(cause, ErrConflict) {
		s.log.Logger.WarnContext(ctx, "append failed, finding out", "tenant", s.tenant.String(), "err", cause)
	}
	ctx, cancel := context.WithTimeout(ctx, settleFor)
	defer cancel()
	for pause := settleFirst; ; pause = min(2*pause, settleLast) {
		if errors.Is(cause, ErrConflict) {
			left, err := s.reconcile(ctx, b)
			if err == nil || errors.Is(err, errTorn) {
				return left, err
			}
			cause = err
		}
		select {
		case <-ctx.Done():
			s.doubt = true
			s.log.forgetAll()
			return b.unanswered(), fmt.Errorf("%w: %w", ErrUncertain, cause)
		case <-time.After(pause):
		}
		pos, err := s.log.Store.Append(ctx, s.tenant, b.records)
		if err == nil {
			s.accept(b, pos)
			return nil, nil
		}
		cause = err
	}
}

var errTorn = errors.New("eventstore: the store kept only part of a batch")

// reconcile reads what stands on the chain where b was to go. What is b's own
// is answered; what is another node's moves the head, and b's requests are
// sequenced again behind it.
func (s *sequencer) reconcile(ctx context.Context, b *signed) ([]*request, error) {
	kept := 0
	for r, err := range s.log.Store.Chain(ctx, s.tenant, s.head.Next) {
		if err != nil {
			return nil, fmt.Errorf("reading what was written instead: %w", err)
		}
		if kept < len(b.records) && bytes.Equal(r.Header, b.records[kept].Header) {
			kept++
			continue
		}
		break
	}
	s.known = false
	s.forgetVersions()
	if kept == 0 {
		s.locked, s.careful = lockedBatches, true
		return b.unanswered(), nil
	}
	first, err := s.log.Store.Find(ctx, s.tenant, b.recorded[0].Header.EventID)
	if err != nil {
		return nil, fmt.Errorf("finding an uncertain append: %w", err)
	}
	return s.split(b, kept, first.Position)
}

// split answers the requests whose records are all among the first kept of b. A
// request kept in part cannot be mended: the store broke its contract.
func (s *sequencer) split(b *signed, kept int, first Position) ([]*request, error) {
	n := 0
	for i, r := range b.requests {
		n += len(r.facts)
		if n <= kept {
			continue
		}
		whole := n - len(r.facts)
		s.acceptFirst(b, i, whole, first)
		if whole != kept {
			r.answer(Receipt{}, errTorn)
			i++
		}
		b.requests = b.requests[i:]
		return b.unanswered(), nil
	}
	s.acceptFirst(b, len(b.requests), len(b.records), first)
	b.refuse()
	return nil, nil
}

func (s *sequencer) acceptFirst(b *signed, requests, records int, first Position) {
	if records == 0 {
		return
	}
	last := b.recorded[records-1]
	part := &signed{requests: b.requests[:requests], recorded: b.recorded[:records]}
	part.head = chain.Head{Next: last.Header.Seq + 1, Hash: last.Hash, TimeUS: last.Header.TimeUS}
	s.accept(part, first)
}
