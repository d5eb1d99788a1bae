package anchors

import (
	"context"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// Loss is what a log no longer has of a chain that was anchored.
type Loss struct {
	Tenant domain.TenantID
	Index  uint32
	From   uint64     // the first record that is lost
	Next   uint64     // the one after the last
	Kept   chain.Hash // of the record before From
	Whole  bool       // nothing is left, not even that the tenant was added
}

// Losses returns what Recover would give up, by rising index. It reads and verifies
// the whole log. It returns a chain.Finding if the log is not merely older than its
// anchors but another one: that is not recovered from.
func (l *Ledger) Losses(ctx context.Context) ([]Loss, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, losses, err := l.lost(ctx)
	return losses, err
}

func (l *Ledger) lost(ctx context.Context) (*survey, []Loss, error) {
	if err := l.refresh(ctx); err != nil {
		return nil, nil, err
	}
	s := newSurvey()
	if err := l.survey(ctx, s); err != nil {
		return nil, nil, fmt.Errorf("reading the log: %w", err)
	}
	losses, err := l.losses(ctx, s)
	return s, losses, err
}

// Recover makes an older log the log, by authority of the operator: on each chain
// that is shorter than it was anchored it puts a fact that names what is lost, signed
// by the root key, and it keeps the places of tenants of whom nothing is left. What
// it did is then anchored, so that the anchors go on. It returns what Losses does;
// if it breaks off, it can be asked again. No server may use the log meanwhile.
func (l *Ledger) Recover(ctx context.Context, request domain.RequestID) ([]Loss, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, losses, err := l.lost(ctx)
	if err != nil {
		return nil, err
	}
	for _, loss := range losses {
		by := domain.Actor{Tenant: loss.Tenant, Kind: domain.ActorOperator, Request: request}
		if loss.Whole {
			by.Tenant = domain.TenantID{}
			err = l.giveUp(ctx, by, loss)
		} else {
			err = l.restore(ctx, by, loss)
		}
		if err != nil {
			return nil, fmt.Errorf("recovering the chain of tenant %s: %w", loss.Tenant, err)
		}
	}
	if err := l.survey(ctx, s); err != nil {
		return nil, fmt.Errorf("reading what was recovered: %w", err)
	}
	g := l.regrown(s)
	if len(g.leaves) == 0 {
		return losses, nil
	}
	return losses, l.add(ctx, g)
}

// restore puts a CHAIN_RESTORED behind what is left of a chain.
func (l *Ledger) restore(ctx context.Context, by domain.Actor, loss Loss) error {
	key, epoch, err := l.Events.Keys.Signer(ctx, loss.Tenant)
	if err != nil {
		return fmt.Errorf("loading its signing key: %w", err)
	}
	anchor := l.state.Newest
	message := chain.Loss{
		LogID: l.Events.LogID, Tenant: loss.Tenant.ID, TenantIndex: loss.Index, KeyEpoch: epoch, KeyID: key.ID(),
		From: loss.From, Kept: loss.Kept, To: loss.Next - 1, Lost: l.leaves[loss.Index].Hash,
		Anchor: anchor.Number, AnchorHash: anchor.Hash(),
	}.Append(nil)
	signature, err := l.Sign(ctx, chain.ContextRecovery, message)
	if err != nil {
		return fmt.Errorf("signing a loss: %w", err)
	}
	_, err = l.Events.Restore(ctx, by, append(message, signature...))
	return err
}

// giveUp keeps the place of a tenant of whom nothing is left.
func (l *Ledger) giveUp(ctx context.Context, by domain.Actor, loss Loss) error {
	_, err := l.Events.Append(ctx, by, eventstore.Fact{
		Event:     domain.TenantLost{Events: loss.Next, TenantID: loss.Tenant, TenantIndex: loss.Index},
		Aggregate: domain.DirectoryAggregate, Changes: true, Version: uint64(loss.Index) - 1,
	})
	return err
}

// regrown returns what makes the heads those of s.
func (l *Ledger) regrown(s *survey) growth {
	g := growth{leaves: map[uint32]chain.Leaf{}, position: s.at}
	for tenant, place := range s.places {
		head := s.heads[tenant]
		leaf := chain.Leaf{Index: place, Tenant: tenant.ID, Next: head.Next, Hash: head.Hash, Closed: s.gone[place]}
		known := int(place) < len(l.leaves)
		switch {
		case leaf.Closed && known: // where it stood last is all there is
			leaf.Next, leaf.Hash = l.leaves[place].Next, l.leaves[place].Hash
		case head.Next == 0:
			leaf.Hash = chain.GenesisPrev(l.Events.LogID, tenant.ID)
		}
		if !known || leaf != l.leaves[place] {
			g.leaves[place] = leaf
		}
	}
	return g
}
