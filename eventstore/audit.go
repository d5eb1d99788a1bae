package eventstore

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// remembered is of how many records an audit remembers ids and versions at a time:
// some 130 MB. A longer chain is read once more for each further share.
const remembered = 1 << 20

// Audit is the verification of a whole chain, with the checks V1 to V18 on each
// record, whatever is wrong with those before.
type Audit struct {
	Tenant  domain.TenantID
	Fast    bool                // leave out signatures (V13)
	Workers int                 // verify so many records at a time; 0 = 1
	Found   func(chain.Finding) // is told what is wrong, in the order of the chain but for V8 and V11
	// Record is told of each record that has a place, in order, whatever is wrong with it.
	Record func(seq uint64, hash chain.Hash)
	// Facts takes facts of records that nothing is wrong with, in order, up to
	// maxBatch at a time; nil = they are not decoded.
	Facts func([]Recorded) error
}

// Audited is what an audit came to.
type Audited struct {
	Head    chain.Head // of the chain as it was read
	Records uint64
	Lost    []chain.Range // what the chain itself says it has lost
	Newest  domain.ID     // the event id of the last record
}

// Audit reads tenant's whole chain and makes every check of a. Memory does not grow
// with the chain. Where the store contradicts itself (V14) the rest is not read. An
// error means that the chain could not be read.
func (l *Log) Audit(ctx context.Context, a Audit) (Audited, error) {
	head, err := l.Store.Head(ctx, a.Tenant)
	if err != nil && !errors.Is(err, ErrTampered) {
		return Audited{}, fmt.Errorf("reading where a chain ends: %w", err)
	}
	shares := uint32(head.Next/remembered) + 1
	run := auditing{
		Audit: a, log: l, repeats: chain.NewRepeats(0, shares),
		verifier: chain.NewVerifierAt(chain.Policy{LogID: l.LogID, Root: l.Root, Tenant: a.Tenant.ID, Now: l.Now, Fast: a.Fast}, chain.State{}),
	}
	if err := run.all(ctx); err != nil {
		return Audited{}, err
	}
	for share := uint32(1); share < shares; share++ {
		if err := l.repeats(ctx, a, chain.NewRepeats(share, shares)); err != nil {
			return Audited{}, err
		}
	}
	run.done.Head, run.done.Lost = run.verifier.State().Head, run.verifier.Lost()
	return run.done, nil
}

// auditing is an audit as it goes on.
type auditing struct {
	Audit
	log      *Log
	verifier *chain.Verifier
	repeats  *chain.Repeats
	done     Audited
}

func (a *auditing) all(ctx context.Context) error {
	batch := make([]chain.Record, 0, maxBatch)
	for r, err := range a.log.Store.Chain(ctx, a.Tenant, 0) {
		if errors.Is(err, ErrTampered) {
			if err := a.batch(ctx, batch); err != nil {
				return err
			}
			a.Found(chain.Finding{
				Tenant: a.Tenant.ID, Seq: a.verifier.State().Head.Next, Check: "V14",
				Detail: "what is stored here or behind it contradicts the record: nothing behind it was read",
			})
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading a chain: %w", err)
		}
		if batch = append(batch, r); len(batch) < maxBatch {
			continue
		}
		if err := a.batch(ctx, batch); err != nil {
			return err
		}
		batch = batch[:0]
	}
	return a.batch(ctx, batch)
}

// judged is a record with what is wrong with it.
type judged struct {
	chain.Linked
	found []chain.Finding
	fact  Recorded
}

// batch links records one after the other, verifies them beside one another, and
// tells what came of it.
func (a *auditing) batch(ctx context.Context, records []chain.Record) error {
	all := make([]judged, len(records))
	for i, r := range records {
		j := &all[i]
		j.Linked, j.found = a.verifier.Follow(r)
		if j.Header.EventType != "" { // else it cannot be read
			j.found = append(j.found, a.repeats.Check(&j.Header)...)
		}
	}
	var group errgroup.Group
	group.SetLimit(max(1, a.Workers))
	for i := range all {
		group.Go(func() error { return a.judge(ctx, records[i], &all[i]) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	facts := make([]Recorded, 0, len(all))
	for i := range all {
		j := &all[i]
		for _, f := range j.found {
			a.Found(f)
		}
		if a.Record != nil {
			a.Record(j.Header.Seq, j.Hash)
		}
		a.done.Newest = j.Header.EventID
		a.done.Records++
		if len(j.found) == 0 && a.Facts != nil {
			facts = append(facts, j.fact)
		}
	}
	if len(facts) == 0 {
		return ctx.Err()
	}
	return errors.Join(ctx.Err(), a.Facts(facts))
}

// judge verifies the signature of a linked record, and decodes it if that is wanted.
func (a *auditing) judge(ctx context.Context, r chain.Record, j *judged) (err error) {
	if err := j.Verify(); err != nil {
		f, ok := errors.AsType[chain.Finding](err)
		if !ok {
			return err
		}
		j.found = append(j.found, f)
	}
	if len(j.found) == 0 && a.Facts != nil {
		j.fact, err = a.log.decode(ctx, 0, j.Header, r)
	}
	return err
}

// repeats reads a chain once more for one share of V8 and V11.
func (l *Log) repeats(ctx context.Context, a Audit, share *chain.Repeats) error {
	for r, err := range l.Store.Chain(ctx, a.Tenant, 0) {
		if errors.Is(err, ErrTampered) {
			return nil // which was told
		}
		if err != nil {
			return fmt.Errorf("reading a chain again: %w", err)
		}
		h, err := chain.ParseHeader(r.Header)
		if err != nil {
			continue // likewise
		}
		for _, f := range share.Check(&h) {
			a.Found(f)
		}
	}
	return nil
}
