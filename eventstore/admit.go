package eventstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// signed is a batch of requests as the next records of a chain.
type signed struct {
	epoch    uint64 // the sequencer's when the batch was begun
	requests []*request
	records  []chain.Record
	recorded []Recorded
	keys     []*chain.SigningKey // of each record
	versions map[domain.AggregateID]uint64
	ids      map[domain.ID]struct{}
	head     chain.Head // after the last record
	refused  []refused
}

// refused is a request with its answer, if the batch becomes part of the chain and
// the chain is as this node last saw it. It is held back until that is certain:
// whoever is told that others were faster must find what they wrote.
type refused struct {
	request *request
	err     error
}

var errNoGenesis = errors.New("eventstore: a chain begins with its genesis and has no other")

// conditional reports whether a refusal may be wrong if another node wrote, or if
// the batch is not written.
func conditional(err error) bool {
	return errors.Is(err, ErrStale) || errors.Is(err, ErrRepeated) || errors.Is(err, errNoGenesis)
}

// begin returns an empty batch behind what is being written, or else behind the
// chain as this node last saw it.
func (s *sequencer) begin() *signed {
	b := &signed{epoch: s.epoch, versions: map[domain.AggregateID]uint64{}, ids: map[domain.ID]struct{}{}, head: s.head}
	if s.flight != nil {
		b.head = s.flight.head
	}
	return b
}

// admit checks each request against the chain, what is being written and what b
// already holds, and links those whose conditions hold behind b's last record.
func (s *sequencer) admit(ctx context.Context, b *signed, requests []*request) {
	key, epoch, err := s.log.Keys.Signer(ctx, s.tenant)
	if err != nil {
		fail(requests, fmt.Errorf("loading a chain's signing key: %w", err))
		return
	}
	now := max(uint64(s.log.Now().UnixMicro()), b.head.TimeUS)
	for _, r := range requests {
		switch err := s.check(ctx, b, r, now); {
		case conditional(err):
			b.refused = append(b.refused, refused{r, err})
			continue
		case err != nil:
			r.answer(Receipt{}, err)
			continue
		}
		for _, e := range r.facts {
			b.link(e, s.log.LogID, now, key, epoch)
		}
		b.requests = append(b.requests, r)
	}
}

// refuse answers what was held back.
func (b *signed) refuse() {
	for _, r := range b.refused {
		r.request.answer(Receipt{}, r.err)
	}
	b.refused = nil
}

// unanswered returns the requests that must be sequenced again if the batch is not
// written, with those that it refuses.
func (b *signed) unanswered() []*request {
	left := slices.Clone(b.requests)
	for _, r := range b.refused {
		left = append(left, r.request)
	}
	return left
}

// check returns the condition of r that does not hold, and else tells its facts
// their places and takes them into the batch's versions and ids.
func (s *sequencer) check(ctx context.Context, b *signed, r *request, now uint64) error {
	changed := map[domain.AggregateID]uint64{}
	ids := map[domain.ID]struct{}{}
	for i, e := range r.facts {
		f := e.fact
		if _, restores := f.Event.(domain.ChainRestored); restores {
			return errRestores
		}
		if _, genesis := f.Event.(domain.ChainGenesis); genesis != (b.head.Next == 0 && i == 0) {
			return errNoGenesis
		}
		if f.NotAfter != 0 && now > uint64(f.NotAfter) {
			return ErrTooLate
		}
		if _, twice := ids[f.EventID]; twice {
			return errors.New("eventstore: two facts of one append with one event id")
		}
		ids[f.EventID] = struct{}{}
		if _, before := b.ids[f.EventID]; before {
			return ErrRepeated
		}
		switch before, err := s.repeated(ctx, e); {
		case err != nil:
			return fmt.Errorf("looking for an earlier append: %w", err)
		case before:
			return ErrRepeated
		}
		if !f.Changes && !f.Requires {
			continue
		}
		version, ok := changed[f.Aggregate]
		if !ok {
			version, ok = b.versions[f.Aggregate]
		}
		if !ok && s.flight != nil {
			version, ok = s.flight.versions[f.Aggregate]
		}
		if !ok {
			var err error
			if version, err = s.version(ctx, f); err != nil {
				return err
			}
		}
		if version != f.Version {
			return ErrStale
		}
		if f.Changes {
			changed[f.Aggregate] = version + 1
		}
	}
	for i := range r.facts {
		if err := r.facts[i].place(b.head.Next + uint64(i)); err != nil {
			return err
		}
	}
	maps.Copy(b.versions, changed)
	maps.Copy(b.ids, ids)
	return nil
}

// link gives e its place after the batch's last record.
func (b *signed) link(e encoded, logID chain.Hash, now uint64, key *chain.SigningKey, epoch uint64) {
	h := e.header
	h.Seq, h.TimeUS, h.SignerKeyID, h.KeyEpoch, h.Prev = b.head.Next, now, key.ID(), epoch, b.head.Hash
	if h.Seq == 0 {
		h.Flags |= chain.FlagGenesis
		h.Prev = chain.GenesisPrev(logID, h.Tenant)
	}
	r := chain.Record{Header: h.Append(nil), Payload: e.payload, Detached: e.blob}
	hash := r.Hash()
	b.head = chain.Head{Next: h.Seq + 1, Hash: hash, TimeUS: now}
	b.records = append(b.records, r)
	b.recorded = append(b.recorded, e.recorded(0, h, hash, r))
	b.keys = append(b.keys, key)
}

// sign signs the records from the first on, on all cores.
func (b *signed) sign(first int) error {
	var group errgroup.Group
	var taken atomic.Int64
	work := func() error {
		for i := first + int(taken.Add(1)) - 1; i < len(b.records); i = first + int(taken.Add(1)) - 1 {
			signature, err := b.keys[i].Sign(chain.ContextEvent, b.records[i].Header)
			if err != nil {
				return fmt.Errorf("signing an event: %w", err)
			}
			b.records[i].Signature, b.recorded[i].Record.Signature = signature, signature
		}
		return nil
	}
	for range min(runtime.NumCPU(), len(b.records)-first) - 1 {
		group.Go(work)
	}
	return errors.Join(work(), group.Wait())
}

// verify verifies one signature: a fault in memory or in a core must not reach
// the chain.
func (b *signed) verify() error {
	last := len(b.records) - 1
	if !b.keys[last].Public().Verify(chain.ContextEvent, b.records[last].Header, b.records[last].Signature) {
		return errors.New("eventstore: a fresh signature does not verify")
	}
	return nil
}
