package anchors

import (
	"context"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// headsAtOnce is how many anchored heads are read at a time.
const headsAtOnce = 256

// ChainAudit compares a chain, as somebody reads it, with every anchor there is of
// it: each must hold the record that was its last one then (V19), and the chain be as
// long as the newest says (V23). Make one with AuditOf. It is for one goroutine.
type ChainAudit struct {
	ledger *Ledger
	tenant domain.TenantID
	index  uint32
	known  bool // the tenant has a place
	next   uint64
	page   []AnchoredHead
	last   chain.Leaf
	over   bool
	err    error
}

// AuditOf begins to compare tenant's chain from its first record on.
func (l *Ledger) AuditOf(ctx context.Context, tenant domain.TenantID) (*ChainAudit, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refresh(ctx); err != nil {
		return nil, err
	}
	index, known := l.places[tenant]
	return &ChainAudit{ledger: l, tenant: tenant, index: index, known: known, over: !known}, nil
}

// head returns the next anchored head, or false at their end.
func (a *ChainAudit) head(ctx context.Context) (chain.Leaf, bool) {
	if len(a.page) == 0 && !a.over && a.err == nil {
		a.page, a.err = a.ledger.Store.Heads(ctx, a.index, a.next, headsAtOnce)
		a.over = len(a.page) < headsAtOnce
		if n := len(a.page); n > 0 {
			a.next = a.page[n-1].Anchor + 1
		}
	}
	if len(a.page) == 0 || a.err != nil {
		return chain.Leaf{}, false
	}
	return a.page[0].Leaf, true
}

// Record takes the next record of the chain.
func (a *ChainAudit) Record(ctx context.Context, seq uint64, hash chain.Hash) (found []chain.Finding) {
	for {
		leaf, ok := a.head(ctx)
		if !ok || leaf.Next > seq+1 {
			return found
		}
		switch {
		case leaf.Next == 0: // it had a place, and no record
		case leaf.Next < a.last.Next:
			found = append(found, a.wrong(leaf, "V20", "the end of the chain was anchored further back than before"))
		case leaf.Next == seq+1 && leaf.Hash != hash:
			found = append(found, a.wrong(leaf, "V19", "the record is not the one that was anchored"))
		}
		a.last, a.page = leaf, a.page[1:]
	}
}

// End says that the chain ends before its record next, and returns what is missing.
// An error means that the anchors could not be read.
func (a *ChainAudit) End(ctx context.Context, next uint64) (found []chain.Finding, err error) {
	for {
		leaf, ok := a.head(ctx)
		if !ok {
			break
		}
		a.last, a.page = leaf, a.page[1:]
	}
	if a.err != nil {
		return nil, fmt.Errorf("comparing a chain with its anchors: %w", a.err)
	}
	if a.last.Next > next && !a.last.Closed {
		found = append(found, chain.Finding{
			Tenant: a.tenant.ID, Seq: next, Check: "V23", Detail: fmt.Sprintf("the chain ends here, and was anchored up to %d", a.last.Next-1),
		})
	}
	return found, nil
}

// Covered returns how many records of the chain the anchors hold that were compared.
func (a *ChainAudit) Covered() uint64 { return a.last.Next }

func (a *ChainAudit) wrong(leaf chain.Leaf, check, detail string) chain.Finding {
	return chain.Finding{Tenant: a.tenant.ID, Seq: leaf.Next - 1, Check: check, Detail: detail}
}

// Tenants returns every tenant that has a place among the anchored chains and was not
// given up, the system chain left out.
func (l *Ledger) Tenants(ctx context.Context) ([]domain.TenantID, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refresh(ctx); err != nil {
		return nil, err
	}
	var all []domain.TenantID
	for _, leaf := range l.leaves {
		if leaf.Index > 0 && !leaf.Closed {
			all = append(all, domain.TenantID{ID: leaf.Tenant})
		}
	}
	return all, nil
}
