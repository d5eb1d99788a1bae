package anchors

import (
	"context"
	"errors"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// survey is where all chains end, read from their records and from nothing else.
type survey struct {
	heads  map[domain.TenantID]chain.Head
	places map[domain.TenantID]uint32 // as the system chain gave them
	gone   map[uint32]bool            // places whose tenant was given up
	at     eventstore.Position
}

func newSurvey() *survey {
	return &survey{
		heads:  map[domain.TenantID]chain.Head{},
		places: map[domain.TenantID]uint32{{}: 0},
		gone:   map[uint32]bool{},
	}
}

// survey reads on up to the end of the log and verifies every record. It returns a
// chain.Finding where the log is another one than what was anchored. The caller
// holds mu.
func (l *Ledger) survey(ctx context.Context, s *survey) error {
	for {
		facts, err := l.Events.Read(ctx, s.at, batch)
		if err != nil || len(facts) == 0 {
			return err
		}
		for i := range facts {
			if err := l.enter(s, &facts[i]); err != nil {
				return err
			}
			s.at = facts[i].Position
		}
	}
}

// enter takes one record into s.
func (l *Ledger) enter(s *survey, r *eventstore.Recorded) error {
	tenant, h := domain.TenantID{ID: r.Header.Tenant}, &r.Header
	before := s.heads[tenant]
	loss, restored := r.Record.Loss()
	if restored && (loss.From != before.Next || loss.Kept != before.Hash) ||
		!restored && (h.Seq != before.Next || h.Seq > 0 && h.Prev != before.Hash) {
		return chain.Finding{Tenant: h.Tenant, Seq: h.Seq, Check: "V6", Detail: "the record does not follow the one before it"}
	}
	s.heads[tenant] = chain.Head{Next: h.Seq + 1, Hash: r.Hash, TimeUS: h.TimeUS}
	if place, ok := l.places[tenant]; ok {
		switch leaf := l.leaves[place]; {
		case leaf.Closed:
			return fork(leaf, "the chain was given up, and goes on")
		case h.Seq == leaf.Next && h.Prev != leaf.Hash, h.Seq+1 == leaf.Next && r.Hash != leaf.Hash:
			return fork(leaf, "the record is not the one that was anchored")
		}
	}
	if !tenant.IsZero() {
		return nil
	}
	switch e := r.Event.(type) {
	case domain.TenantAdded:
		s.places[e.TenantID] = e.TenantIndex
		return l.sits(e.TenantID, e.TenantIndex, h.Seq)
	case domain.TenantLost:
		s.places[e.TenantID], s.gone[e.TenantIndex] = e.TenantIndex, true
		return l.sits(e.TenantID, e.TenantIndex, h.Seq)
	}
	return nil
}

// sits returns a chain.Finding if a place that the system chain gave to a tenant in
// its record seq was anchored as another's.
func (l *Ledger) sits(tenant domain.TenantID, place uint32, seq uint64) error {
	if int(place) < len(l.leaves) && l.leaves[place].Tenant != tenant.ID {
		return chain.Finding{Seq: seq, Check: "V22", Detail: fmt.Sprintf("place %d was anchored as another tenant's", place)}
	}
	return nil
}

// Why a log cannot be recovered.
var (
	errNothingLeft = errors.New("anchors: nothing is left of the system chain")
	errHalfThere   = errors.New("anchors: the database is of the moment in which a tenant registered; use another backup")
)

// losses compares s with what was anchored. It returns a chain.Finding if a chain is
// not shorter than it was but another one.
func (l *Ledger) losses(ctx context.Context, s *survey) ([]Loss, error) {
	var all []Loss
	for _, leaf := range l.leaves {
		tenant := domain.TenantID{ID: leaf.Tenant}
		head, place := s.heads[tenant], leaf.Index
		_, placed := s.places[tenant]
		loss := Loss{Tenant: tenant, Index: place, From: head.Next, Next: leaf.Next}
		switch {
		case leaf.Closed || s.gone[place]:
		case !placed:
			if head.Next > 0 {
				return nil, fork(leaf, "the system chain does not know the tenant")
			}
			loss.Whole = true
			all = append(all, loss)
		case head.Next >= leaf.Next:
		case head.Next == 0 && place == 0:
			return nil, errNothingLeft
		case head.Next == 0:
			return nil, fmt.Errorf("%w: %s", errHalfThere, tenant)
		default:
			same, err := l.prefix(ctx, place, head)
			if err != nil {
				return nil, err
			}
			if !same {
				return nil, fork(leaf, "the chain is shorter, and another one than the anchored")
			}
			loss.Kept = head.Hash
			all = append(all, loss)
		}
	}
	return all, nil
}

// prefix reports whether a chain that ends with head is what a longer one was: the
// newest anchor that does not reach beyond head must be kept.
func (l *Ledger) prefix(ctx context.Context, place uint32, head chain.Head) (bool, error) {
	number, err := l.Store.Covering(ctx, place, head.Next-1)
	if err != nil {
		return false, err
	}
	for ; ; number-- {
		leaves, err := l.Store.Leaves(ctx, number)
		if err != nil || int(place) >= len(leaves) {
			return err == nil, err // it had no chain yet
		}
		switch leaf := leaves[place]; {
		case leaf.Next > head.Next && number > 0:
		case leaf.Next > head.Next || leaf.Next == 0:
			return true, nil
		case leaf.Next == head.Next:
			return leaf.Hash == head.Hash, nil
		default:
			return l.holds(ctx, leaf)
		}
	}
}

// holds reports whether a chain that is longer than leaf holds the record that was
// anchored, or says itself that it has lost it.
func (l *Ledger) holds(ctx context.Context, leaf chain.Leaf) (bool, error) {
	tenant := domain.TenantID{ID: leaf.Tenant}
	link, err := l.Events.LinkAt(ctx, tenant, leaf.Next-1)
	if !errors.Is(err, eventstore.ErrNotFound) {
		return link.Hash == leaf.Hash, err
	}
	if link, err = l.Events.LinkAt(ctx, tenant, leaf.Next); errors.Is(err, eventstore.ErrNotFound) {
		return false, nil
	}
	return link.Loss != nil && link.Prev == leaf.Hash, err
}
