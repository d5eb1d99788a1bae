package node

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/queries"
)

// maxProbed is how many pairs of tenants one job probes.
const maxProbed = 32

// probeIsolation asks every store, in the name of one tenant, for what is another's,
// for pairs drawn among all tenants. It asks below the API, so that nothing of it
// stands on anybody's chain, and touches nothing. What is given is told for each pair,
// and is an incident.
func (n *Node) probeIsolation(ctx context.Context) ([]domain.PlatformEvent, error) {
	tenants, err := n.Anchors.Tenants(ctx)
	if err != nil || len(tenants) == 0 {
		return nil, err
	}
	rand.Shuffle(len(tenants), func(i, j int) { tenants[i], tenants[j] = tenants[j], tenants[i] })
	var found []domain.PlatformEvent
	var tested domain.IsolationTested
	for i, owner := range tenants[:min(len(tenants), maxProbed)] {
		stranger := tenants[(i+1)%len(tenants)]
		if stranger == owner { // the only one: nobody gets what is its
			stranger = domain.TenantID{ID: newID()}
		}
		probes, leaks, err := n.probe(ctx, stranger, owner)
		if err != nil {
			return nil, err
		}
		tested.Probes += probes
		if tested.Leaks += leaks; leaks > 0 {
			n.logger.ErrorContext(ctx, "one tenant is given what is another's", "to", stranger.String(), "of", owner.String())
			found = append(found, domain.CrossTenantAccess{TenantA: stranger, TenantB: owner})
		}
	}
	return append(found, tested), nil
}

// probe asks for a fact and for a credential of owner in stranger's name.
func (n *Node) probe(ctx context.Context, stranger, owner domain.TenantID) (probes, leaks int, err error) {
	try := func(given bool) {
		if probes++; given {
			leaks++
		}
	}
	head, err := n.Log.Head(ctx, owner)
	if err != nil || head.Next == 0 {
		return 0, 0, err
	}
	last, err := n.Log.At(ctx, owner, head.Next-1)
	if err != nil {
		return 0, 0, err
	}
	_, err = n.Log.Find(ctx, stranger, last.Header.EventID)
	try(err == nil)
	if err != nil && !errors.Is(err, eventstore.ErrNotFound) {
		return 0, 0, err
	}
	page, err := n.Queries.ListCredentials(ctx, queries.CredentialPage{Tenant: owner, Environment: domain.Live, Now: n.now(), Limit: 1})
	if err != nil || len(page) == 0 {
		return probes, leaks, err
	}
	theirs := page[0]
	_, seen, err := n.Queries.Credential(ctx, stranger, theirs.ID)
	if err != nil {
		return 0, 0, err
	}
	try(seen)
	folded, _, err := eventstore.Fold[domain.Credential](ctx, n.Log, stranger, domain.AggregateID{Kind: domain.KindCredential, ID: theirs.ID.ID})
	if err != nil {
		return 0, 0, err
	}
	try(folded.Version != 0)
	kept, err := n.sealed.Get(ctx, stranger, theirs.RecordHash)
	if err != nil {
		return 0, 0, err
	}
	try(kept.Record != nil)
	if kept, err = n.sealed.Get(ctx, owner, theirs.RecordHash); err != nil || kept.Record == nil {
		return probes, leaks, err
	}
	head, err = n.Log.Head(ctx, stranger)
	if err != nil || head.Next == 0 { // nobody has no keys to try
		return probes, leaks, err
	}
	opened, err := n.Ring.Check(ctx, stranger, theirs.ID.Entry(theirs.Version), theirs.RecordHash, kept)
	if err != nil {
		return 0, 0, fmt.Errorf("trying one tenant's keys on another's record: %w", err)
	}
	try(opened)
	return probes, leaks, nil
}
