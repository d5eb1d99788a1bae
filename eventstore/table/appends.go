package table

import (
	"context"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/batch"
)

// Pending is an offer that waits for its transaction.
type Pending struct {
	Offer
	Position int64 // of the first record, once it is written
	Err      error // why it alone was not written: ErrConflict

	settled chan struct{}
}

// Appends writes what is offered at the same time, for whichever chains, in one
// transaction. Set both fields before the first Append.
type Appends struct {
	// Transact writes offers in one transaction, save those that do not follow their
	// chain's head, whose Err it sets; it clears that of the others. It returns which
	// offer repeats what its chain has, so that nothing was written; or -1, and a
	// fault for all if what became of them is not known.
	Transact func(ctx context.Context, offers []*Pending) (repeats int, err error)
	Max      int // offers in one transaction

	queue batch.Queue[*Pending]
}

// Open makes a ready for use.
func (a *Appends) Open() { a.queue.Commit, a.queue.Max = a.commit, a.Max }

// Append is eventstore.Store's.
func (a *Appends) Append(ctx context.Context, tenant domain.TenantID, records []chain.Record) (eventstore.Position, error) {
	offer, err := NewOffer(tenant, records)
	if err != nil {
		return 0, err
	}
	p := &Pending{Offer: offer, settled: make(chan struct{})}
	a.queue.Submit(ctx, p)
	select {
	case <-p.settled:
		return eventstore.Position(p.Position), p.Err
	case <-ctx.Done():
		return 0, fmt.Errorf("waiting for an append: %w", ctx.Err())
	}
}

// commit answers every offer of a batch. An offer that repeats what its chain
// has ends the transaction for all; the others are written again without it.
func (a *Appends) commit(ctx context.Context, offers []*Pending) {
	for len(offers) > 0 {
		repeats, err := a.Transact(ctx, offers)
		if repeats < 0 {
			for _, p := range offers {
				if err != nil {
					p.Err = err
				}
				close(p.settled)
			}
			return
		}
		offers[repeats].Err = eventstore.ErrConflict
		close(offers[repeats].settled)
		offers = append(offers[:repeats:repeats], offers[repeats+1:]...)
	}
}
