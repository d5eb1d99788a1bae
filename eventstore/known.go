package eventstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// load learns where the chain ends. If the head moved, what the cache says of
// versions is forgotten. It returns ErrTampered if the chain no longer holds what
// this node saw on it, or if it saw nothing and the last record does not verify: to
// go on would hide that.
func (s *sequencer) load(ctx context.Context) error {
	head, err := s.log.Store.Head(ctx, s.tenant)
	if err != nil {
		return fmt.Errorf("reading the head of a chain: %w", err)
	}
	if head != s.head {
		if err := s.continues(ctx, head); err != nil {
			return err
		}
		s.forgetVersions()
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
		return s.proven(ctx, head)
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

var errOtherKey = errors.New("eventstore: the key ring has another key than the one that signs the chain")

// proven checks that the record that a chain ends with is what was signed, and that
// this node would sign the next one under the same key: nobody could read another's.
func (s *sequencer) proven(ctx context.Context, head chain.Head) error {
	for r, err := range s.log.Store.Chain(ctx, s.tenant, head.Next-1) {
		if err != nil {
			return fmt.Errorf("reading the end of a chain: %w", err)
		}
		if r.Hash() != head.Hash {
			break
		}
		h, err := s.log.verify(ctx, s.tenant, r)
		if err != nil {
			return err
		}
		key, epoch, err := s.log.Keys.Signer(ctx, s.tenant)
		if err != nil {
			return fmt.Errorf("loading a chain's signing key: %w", err)
		}
		if key.ID() != h.SignerKeyID || epoch != h.KeyEpoch {
			return errOtherKey
		}
		return nil
	}
	return fmt.Errorf("%w: a chain does not end with event %d", ErrTampered, head.Next-1)
}

// version returns the version of a fact's aggregate on the chain as this node
// last saw it. That a new aggregate is new it leaves to the store, which refuses
// a second first version; after such a conflict it looks.
func (s *sequencer) version(ctx context.Context, f Fact) (uint64, error) {
	id := f.Aggregate
	if v, ok := s.remembered(id); ok {
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
	s.remember(id, version)
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

// versioned is a version that an aggregate has as long as era is its chain's.
type versioned struct{ version, era uint64 }

// remembered returns the version of an aggregate if it is remembered.
func (s *sequencer) remembered(id domain.AggregateID) (uint64, bool) {
	v, ok := s.log.versions.Get(stateID{s.tenant, id})
	return v.version, ok && v.era == s.era
}

func (s *sequencer) remember(id domain.AggregateID, version uint64) {
	s.log.versions.Add(stateID{s.tenant, id}, versioned{version, s.era})
}

// forgetVersions makes what is remembered of the chain's aggregates count for nothing.
func (s *sequencer) forgetVersions() { s.era = s.log.eras.Add(1) }
