package anchors

import (
	"context"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// maxWrong is how many findings an audit of the anchors tells.
const maxWrong = 20

// Audit verifies the log of anchors as a whole: that each anchor goes on from the one
// before (V21) and commits to the heads that are kept of it, none of which ever falls
// or opens again (V20), that places are those which the system chain gave (V22), and
// that all of them are what the checkpoint commits to (V24). Findings are about the
// system chain, and number the anchor. Memory grows with the chains, not the anchors.
func (l *Ledger) Audit(ctx context.Context) ([]chain.Finding, error) {
	l.mu.Lock()
	if err := l.refresh(ctx); err != nil {
		l.mu.Unlock()
		return nil, err
	}
	to := l.state
	l.mu.Unlock()
	a := allAudit{ledger: l}
	for first := uint64(0); first < to.Size && len(a.found) < maxWrong; {
		page, err := l.Store.Anchors(ctx, first, int(min(headsAtOnce, to.Size-first)))
		if err == nil && len(page) == 0 {
			a.wrong(first, "V21", "the anchor is missing")
			return a.found, nil
		}
		if err != nil {
			return nil, fmt.Errorf("verifying the anchors: %w", err)
		}
		for _, anchor := range page {
			if err := a.anchor(ctx, anchor); err != nil {
				return nil, fmt.Errorf("verifying the anchors: %w", err)
			}
		}
		first += uint64(len(page))
	}
	if len(a.found) >= maxWrong || to.Size == 0 {
		return a.found, nil
	}
	root, err := chain.AnchorsTree.Root(to.Size, func(level int, _ uint64) (chain.Hash, error) { return a.edge[level], nil })
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	err = l.sign(ctx)
	signed := l.signed.checkpoint
	l.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if a.before != to.Newest || signed.Size == to.Size && signed.Root != root {
		a.wrong(to.Size-1, "V24", "the anchors are not those that the checkpoint commits to")
	}
	return a.found, a.places(ctx, to.Position)
}

// allAudit is an audit of all anchors as it goes on.
type allAudit struct {
	ledger *Ledger
	before chain.Anchor
	heads  chain.Heads
	leaves []chain.Leaf
	total  uint64         // of events
	edge   [64]chain.Hash // complete subtrees at the right edge of the AnchorsTree
	found  []chain.Finding
}

func (a *allAudit) wrong(number uint64, check, format string, args ...any) {
	a.found = append(a.found, chain.Finding{Seq: number, Check: check, Detail: fmt.Sprintf("anchor %d: ", number) + fmt.Sprintf(format, args...)})
}

// anchor takes the next anchor.
func (a *allAudit) anchor(ctx context.Context, anchor chain.Anchor) (err error) {
	number, first := anchor.Number, anchor.Number == 0
	switch {
	case anchor.LogID != a.ledger.Events.LogID:
		a.wrong(number, "V21", "it is another deployment's")
	case first && anchor.Prev != chain.Hash{}, !first && (number != a.before.Number+1 || anchor.Prev != a.before.Hash()):
		a.wrong(number, "V21", "it does not go on from the one before")
	case anchor.TimeUS < a.before.TimeUS:
		a.wrong(number, "V21", "it is older than the one before")
	case anchor.Tenants < a.before.Tenants:
		a.wrong(number, "V20", "there were more chains before")
	}
	var changed []chain.Leaf
	if first {
		changed, err = a.ledger.Store.Leaves(ctx, 0)
	} else {
		changed, err = a.ledger.Store.Changes(ctx, number-1, number)
	}
	if err != nil {
		return err
	}
	for _, leaf := range changed {
		a.leaf(number, leaf)
	}
	if a.heads.Len() != uint64(anchor.Tenants) || a.heads.Root() != anchor.HeadsRoot {
		a.wrong(number, "V20", "the heads that are kept of it are not those that it commits to")
	}
	if a.total != anchor.TotalEvents {
		a.wrong(number, "V21", "it counts %d events, and its heads %d", anchor.TotalEvents, a.total)
	}
	hash, level := anchor.TreeHash(), 0
	for at := number; at&1 == 1; at >>= 1 {
		hash = chain.AnchorsTree.Node(a.edge[level], hash)
		level++
	}
	a.edge[level], a.before = hash, anchor
	return nil
}

func (a *allAudit) leaf(number uint64, leaf chain.Leaf) {
	if int(leaf.Index) < len(a.leaves) {
		was := a.leaves[leaf.Index]
		switch {
		case was.Tenant != leaf.Tenant:
			a.wrong(number, "V22", "place %d was another tenant's", leaf.Index)
		case leaf.Next < was.Next:
			a.wrong(number, "V20", "the chain in place %d was longer before", leaf.Index)
		case was.Closed && !leaf.Closed:
			a.wrong(number, "V20", "the chain in place %d was closed before", leaf.Index)
		}
		a.total -= was.Next
	}
	if !a.heads.Set(leaf) {
		a.wrong(number, "V20", "place %d stands behind a gap", leaf.Index)
		return
	}
	if int(leaf.Index) == len(a.leaves) {
		a.leaves = append(a.leaves, leaf)
	}
	a.leaves[leaf.Index] = leaf
	a.total += leaf.Next
}

// places compares the leaves with the places that the system chain gave up to a
// position of the log.
func (a *allAudit) places(ctx context.Context, upTo eventstore.Position) error {
	given := map[uint32]domain.TenantID{0: {}}
	for r, err := range a.ledger.Events.Store.Chain(ctx, domain.TenantID{}, 0) {
		if err != nil {
			return nil // the system chain's own verification tells it
		}
		h, err := chain.ParseHeader(r.Header)
		if err != nil || h.EventType != (domain.TenantAdded{}).EventType().Name && h.EventType != (domain.TenantLost{}).EventType().Name {
			continue
		}
		link, err := a.ledger.Events.LinkAt(ctx, domain.TenantID{}, h.Seq)
		if err != nil {
			return err
		}
		place, tenant, ok := placeOf(link.Event)
		if !ok {
			continue
		}
		given[place] = tenant
		if int(place) < len(a.leaves) {
			if a.leaves[place].Tenant != tenant.ID {
				a.wrong(a.before.Number, "V22", "place %d is another tenant's than the system chain says", place)
			}
			continue
		}
		at, err := a.ledger.Events.Store.Find(ctx, domain.TenantID{}, h.EventID)
		if err != nil {
			return err
		}
		if at.Position <= upTo {
			a.wrong(a.before.Number, "V22", "the tenant in place %d has no leaf", place)
		}
	}
	for _, leaf := range a.leaves {
		if _, ok := given[leaf.Index]; !ok {
			a.wrong(a.before.Number, "V22", "no fact gave place %d", leaf.Index)
		}
	}
	return nil
}

func placeOf(e domain.Event) (uint32, domain.TenantID, bool) {
	switch e := e.(type) {
	case domain.TenantAdded:
		return e.TenantIndex, e.TenantID, true
	case domain.TenantLost:
		return e.TenantIndex, e.TenantID, true
	}
	return 0, domain.TenantID{}, false
}
