package eventstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// load learns where the chain ends. If the head moved, what the cache says of
// versions is forgotten. It returns ErrTampered if the chain no longer holds what
// this node saw on it: to go on would hide that.
func (s *sequencer) load(ctx context.Context) error {
	head, err := s.log.Store.Head(ctx, s.tenant)
	if err != nil {
		return fmt.Errorf("reading the head of a chain: %w", err)
	}
	if head != s.head {
		if err := s.continues(ctx, head); err != nil {
			return err
		}
		s.versions.Purge()
		if s.doubt {
			s.doubt = false
			s.log.forgetAll()
		}
	}
	s.head, s.known = head, true
	return nil
}

// continues checks that a chain that ends at head grew out of what was known of it.
func (s *sequencer) continues(ctx context.Context, head chain.Head) error {
	if s.head.Next == 0 {
		return nil
	}
	if head.Next > s.head.Next {
		for r, err := range s.log.Store.Chain(ctx, s.tenant, s.head.Next) {
			if err != nil {
				return fmt.Errorf("reading what others wrote: %w", err)
			}
			h, err := chain.ParseHeader(r.Header)
			if err != nil {
				return fmt.Errorf("%w: %w", ErrTampered, err)
			}
			if h.Prev == s.head.Hash {
				return nil
			}
			break
		}
	}
	return fmt.Errorf("%w: event %d of a chain is gone", ErrTampered, s.head.Next-1)
}

// version returns the version of a fact's aggregate on the chain as this node
// last saw it. That a new aggregate is new it leaves to the store, which refuses
// a second first version; after such a conflict it looks.
func (s *sequencer) version(ctx context.Context, f Fact) (uint64, error) {
	id := f.Aggregate
	if v, ok := s.versions.Get(id); ok {
		return v, nil
	}
	if f.Changes && f.Version == 0 && !s.careful {
		return 0, nil
	}
	var version uint64
	switch record, err := s.log.Store.Latest(ctx, s.tenant, id); {
	case errors.Is(err, ErrNotFound):
	case err != nil:
		return 0, fmt.Errorf("reading an aggregate's version: %w", err)
	default:
		index, err := record.Index()
		if err != nil {
			return 0, fmt.Errorf("reading an aggregate's version: %w", err)
		}
		version = index.AggregateVersion // if another node wrote it after our head, the append will conflict
	}
	s.versions.Add(id, version)
	return version, nil
}

// repeated reports whether an event id that a caller chose is on the chain. A
// fresh one can only be there if an append that failed had happened all the same.
func (s *sequencer) repeated(ctx context.Context, e encoded) (bool, error) {
	if s.flight != nil {
		if _, before := s.flight.ids[e.fact.EventID]; before {
			return true, nil
		}
	}
	if e.fact.Fresh && !s.careful {
		return false, nil
	}
	_, err := s.log.Store.Find(ctx, s.tenant, e.fact.EventID)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
