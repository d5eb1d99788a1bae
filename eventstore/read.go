package eventstore

import (
	"context"
	"fmt"
	"iter"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// Read returns up to limit facts of all chains after a position, in order,
// verified. An empty answer means that there is nothing more yet.
func (l *Log) Read(ctx context.Context, after Position, limit int) ([]Recorded, error) {
	if facts := l.tail.after(after, limit); len(facts) > 0 {
		return facts, nil
	}
	var facts []Recorded
	for p, err := range l.Store.All(ctx, after) {
		if err != nil {
			return nil, fmt.Errorf("reading the log: %w", err)
		}
		index, err := p.Record.Index()
		if err != nil {
			return nil, fmt.Errorf("reading the log at %d: %w", p.Position, err)
		}
		r, err := l.read(ctx, domain.TenantID{ID: index.Tenant}, p)
		if err != nil {
			return nil, fmt.Errorf("reading the log at %d: %w", p.Position, err)
		}
		if facts = append(facts, r); len(facts) == limit {
			break
		}
	}
	return facts, nil
}

// Wait blocks until there may be a fact after a position, or until ctx ends,
// which is its only error.
func (l *Log) Wait(ctx context.Context, after Position) error {
	more, added := l.tail.beyond(after)
	if more {
		return nil
	}
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	foreign := make(chan error, 1)
	go func() { foreign <- l.Store.Wait(waiting, after) }()
	select {
	case <-added:
		return nil
	case err := <-foreign:
		return err
	}
}

// Follow returns the facts of all chains after a position, in order, verified,
// and goes on with those to come until ctx ends. No fact is left out or repeated.
func (l *Log) Follow(ctx context.Context, after Position) iter.Seq2[Recorded, error] {
	return func(yield func(Recorded, error) bool) {
		for {
			facts, err := l.Read(ctx, after, maxBatch)
			if err != nil {
				yield(Recorded{}, err)
				return
			}
			for _, r := range facts {
				if !yield(r, nil) {
					return
				}
				after = r.Position
			}
			if len(facts) > 0 {
				continue
			}
			if err := l.Wait(ctx, after); err != nil {
				yield(Recorded{}, err)
				return
			}
		}
	}
}

// At returns the fact with a sequence number, verified, or ErrNotFound.
func (l *Log) At(ctx context.Context, tenant domain.TenantID, seq uint64) (Recorded, error) {
	for record, err := range l.Store.Chain(ctx, tenant, seq) {
		if err != nil {
			return Recorded{}, err
		}
		r, err := l.read(ctx, tenant, Positioned{Record: record})
		if err != nil || r.Header.Seq == seq {
			return r, err
		}
		break // the chain has lost it
	}
	return Recorded{}, ErrNotFound
}

// Latest returns the fact that gave an aggregate its highest version, verified,
// or ErrNotFound.
func (l *Log) Latest(ctx context.Context, tenant domain.TenantID, id domain.AggregateID) (Recorded, error) {
	r, err := l.Store.Latest(ctx, tenant, id)
	if err != nil {
		return Recorded{}, err
	}
	return l.read(ctx, tenant, Positioned{Record: r})
}

// History returns tenant's facts from a sequence number on, in order, each
// verified and linked to the one before it, or to what the chain says it has lost
// between them.
func (l *Log) History(ctx context.Context, tenant domain.TenantID, from uint64) iter.Seq2[Recorded, error] {
	return func(yield func(Recorded, error) bool) {
		var prev *Recorded
		for record, err := range l.Store.Chain(ctx, tenant, from) {
			if err != nil {
				yield(Recorded{}, err)
				return
			}
			r, err := l.read(ctx, tenant, Positioned{Record: record})
			if err == nil && prev != nil && !r.follows(prev) {
				err = fmt.Errorf("%w: event %d does not follow %d", ErrTampered, r.Header.Seq, prev.Header.Seq)
			}
			if !yield(r, err) || err != nil {
				return
			}
			prev = &r
		}
	}
}

// follows reports whether a verified r is the next record of its chain after prev.
func (r *Recorded) follows(prev *Recorded) bool {
	if loss, ok := r.Record.Loss(); ok {
		return loss.From == prev.Header.Seq+1 && loss.Kept == prev.Hash
	}
	return r.Header.Seq == prev.Header.Seq+1 && r.Header.Prev == prev.Hash
}

// read verifies a stored record by its bytes and decodes it.
func (l *Log) read(ctx context.Context, tenant domain.TenantID, p Positioned) (Recorded, error) {
	h, err := l.verify(ctx, tenant, p.Record)
	if err != nil {
		return Recorded{}, err
	}
	return l.decode(ctx, p.Position, h, p.Record)
}

// verify verifies a stored record of tenant's chain by its bytes.
func (l *Log) verify(ctx context.Context, tenant domain.TenantID, r chain.Record) (chain.Header, error) {
	h, err := chain.ParseHeader(r.Header)
	if err != nil {
		return h, fmt.Errorf("%w: %w", ErrTampered, err)
	}
	if h.Tenant != tenant.ID {
		return h, fmt.Errorf("%w: a record of another chain", ErrTampered)
	}
	key, err := l.publicKey(ctx, tenant, &h)
	if err != nil {
		return h, err
	}
	if h, err = chain.VerifyRecord(l.LogID, key, r); err != nil {
		return h, fmt.Errorf("%w: %w", ErrTampered, err)
	}
	if h.Flags&chain.FlagRecovery != 0 || h.EventType == chain.TypeRestored {
		if _, err := chain.VerifyLoss(l.Root, r); err != nil {
			return h, fmt.Errorf("%w: %w", ErrTampered, err)
		}
	}
	return h, nil
}

// firstEpoch is that of the key that a genesis introduces.
const firstEpoch = 1

// publicKey returns the audit key that must have signed a record of tenant's chain.
// No facts of this log exchange a key, so there is one for each chain: its genesis
// introduces it, and the root key certified it (V15). It refuses with ErrTampered a
// record that says another key signed it (V12) or that the key changes with it (V16).
func (l *Log) publicKey(ctx context.Context, tenant domain.TenantID, h *chain.Header) (*chain.PublicKey, error) {
	if h.Flags&chain.FlagKeyEvent != 0 || h.EventType == chain.TypeRotation {
		return nil, fmt.Errorf("%w: event %d is to change the key of its chain (V16)", ErrTampered, h.Seq)
	}
	if h.KeyEpoch != firstEpoch {
		return nil, fmt.Errorf("%w: event %d is of the key epoch %d, which no fact began (V12)", ErrTampered, h.Seq, h.KeyEpoch)
	}
	id := signerID{tenant, h.SignerKeyID}
	if key, ok := l.keys.Get(id); ok {
		return key, nil
	}
	for genesis, err := range l.Store.Chain(ctx, tenant, 0) {
		if err != nil {
			return nil, fmt.Errorf("reading a genesis: %w", err)
		}
		key, err := chain.VerifyGenesis(l.LogID, l.Root, tenant.ID, genesis)
		if err != nil {
			return nil, fmt.Errorf("%w: verifying a genesis: %w", ErrTampered, err)
		}
		if key.ID() != id.key {
			break
		}
		l.keys.Add(id, key)
		return key, nil
	}
	return nil, fmt.Errorf("%w: event %d is signed by a key that no fact of its chain certifies (V12)", ErrTampered, h.Seq)
}
