package eventstore

import (
	"context"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// Link is a record's place among all others, for whoever follows where chains end.
type Link struct {
	Position Position // zero where it was not read in the order of positions
	Tenant   domain.TenantID
	Seq      uint64
	Prev     chain.Hash
	Hash     chain.Hash
	TimeUS   uint64
	Event    domain.Event // of a record about who has which place, verified; else nil
	Loss     *chain.Loss  // what a record says its chain has lost, verified; else nil
}

// Links returns up to limit links of all chains after a position, in order. What
// this node appended lately comes from memory. What is read is compared with its
// header, and signatures are not verified: a link commits to a record, whatever
// it is. An empty answer means that there is nothing more yet.
func (l *Log) Links(ctx context.Context, after Position, limit int) ([]Link, error) {
	if facts := l.tail.after(after, limit); len(facts) > 0 {
		links := make([]Link, len(facts))
		for i := range facts {
			links[i] = linkOf(&facts[i].Header, facts[i].Hash, facts[i].Position)
			links[i].say(&facts[i])
		}
		return links, nil
	}
	var links []Link
	for p, err := range l.Store.All(ctx, after) {
		if err != nil {
			return nil, fmt.Errorf("following the log: %w", err)
		}
		link, err := l.link(ctx, p)
		if err != nil {
			return nil, err
		}
		if links = append(links, link); len(links) == limit {
			break
		}
	}
	return links, nil
}

// LinkAt returns the link of tenant's record with a sequence number, or ErrNotFound.
func (l *Log) LinkAt(ctx context.Context, tenant domain.TenantID, seq uint64) (Link, error) {
	for r, err := range l.Store.Chain(ctx, tenant, seq) {
		if err != nil {
			return Link{}, err
		}
		link, err := l.link(ctx, Positioned{Record: r})
		if err != nil || link.Seq == seq {
			return link, err
		}
		break // the chain has lost it
	}
	return Link{}, ErrNotFound
}

func (l *Log) link(ctx context.Context, p Positioned) (Link, error) {
	h, err := chain.ParseHeader(p.Record.Header)
	if err != nil {
		return Link{}, fmt.Errorf("%w: at %d: %w", ErrTampered, p.Position, err)
	}
	link := linkOf(&h, p.Record.Hash(), p.Position)
	if says(&h) {
		r, err := l.read(ctx, link.Tenant, p)
		if err != nil {
			return Link{}, err
		}
		link.say(&r)
	}
	return link, nil
}

// says reports whether a record with this header says more than where it stands.
func says(h *chain.Header) bool {
	switch h.EventType {
	case (domain.TenantAdded{}).EventType().Name, (domain.TenantLost{}).EventType().Name:
		return h.Tenant == [16]byte{}
	}
	return h.Flags&chain.FlagRecovery != 0
}

// say takes what r says into k.
func (k *Link) say(r *Recorded) {
	if !says(&r.Header) {
		return
	}
	switch r.Event.(type) {
	case domain.TenantAdded, domain.TenantLost:
		k.Event = r.Event
	}
	if loss, ok := r.Record.Loss(); ok {
		k.Loss = &loss
	}
}

func linkOf(h *chain.Header, hash chain.Hash, at Position) Link {
	return Link{Position: at, Tenant: domain.TenantID{ID: h.Tenant}, Seq: h.Seq, Prev: h.Prev, Hash: hash, TimeUS: h.TimeUS}
}

// Last returns the highest position there is; 0 if there are no records.
func (l *Log) Last(ctx context.Context) (Position, error) { return l.Store.Last(ctx) }
