package anchors

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// growth is what the log gained since the newest anchor.
type growth struct {
	leaves   map[uint32]chain.Leaf
	added    map[domain.TenantID]uint32
	position eventstore.Position
}

func (g growth) sorted() []chain.Leaf {
	all := make([]chain.Leaf, 0, len(g.leaves))
	for _, leaf := range g.leaves {
		all = append(all, leaf)
	}
	slices.SortFunc(all, func(a, b chain.Leaf) int { return cmp.Compare(a.Index, b.Index) })
	return all
}

// batch is how many links are read at a time.
const batch = 1024

// collect follows the log from where it was last followed to. The caller holds mu.
func (l *Ledger) collect(ctx context.Context) error {
	for {
		links, err := l.Events.Links(ctx, l.grown.position, batch)
		if err != nil || len(links) == 0 {
			return err
		}
		for i := range links {
			if err := l.follow(&l.grown, &links[i]); err != nil {
				return err
			}
			l.grown.position = links[i].Position
		}
	}
}

// drain follows the log without anchoring what it finds.
func (l *Ledger) drain(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.collect(ctx)
}

// follow takes a link into g. It must go on from what is known of its chain. A
// chain that nobody registered has no place.
func (l *Ledger) follow(g *growth, link *eventstore.Link) error {
	place, ok := l.places[link.Tenant]
	if !ok {
		place, ok = g.added[link.Tenant]
	}
	if !ok && link.Tenant.IsZero() && link.Seq == 0 {
		g.added[link.Tenant], ok = 0, true // the system chain is the first of all
		g.leaves[0] = chain.Leaf{Hash: chain.GenesisPrev(l.Events.LogID, [16]byte{})}
	}
	if !ok {
		return nil
	}
	leaf, grown := g.leaves[place]
	if !grown {
		leaf = l.leaves[place]
	}
	goesOn := link.Seq == leaf.Next && link.Prev == leaf.Hash
	if lost := link.Loss; lost != nil && !goesOn { // it was lost before it was anchored here
		goesOn = lost.From == leaf.Next && lost.Kept == leaf.Hash
	}
	if !goesOn || leaf.Closed {
		return fork(leaf, "the record does not follow the one that was anchored")
	}
	leaf.Next, leaf.Hash = link.Seq+1, link.Hash
	g.leaves[place] = leaf
	switch e := link.Event.(type) {
	case domain.TenantAdded:
		return l.seat(g, e.TenantID, e.TenantIndex, false)
	case domain.TenantLost:
		return l.seat(g, e.TenantID, e.TenantIndex, true)
	}
	return nil
}

// seat gives a tenant the next place.
func (l *Ledger) seat(g *growth, tenant domain.TenantID, place uint32, closed bool) error {
	if int(place) != len(l.leaves)+len(g.added) {
		return fmt.Errorf("%w: place %d was given after %d", eventstore.ErrTampered, place, len(l.leaves)+len(g.added)-1)
	}
	g.added[tenant] = place
	g.leaves[place] = chain.Leaf{Index: place, Tenant: tenant.ID, Hash: chain.GenesisPrev(l.Events.LogID, tenant.ID), Closed: closed}
	return nil
}
