// Package table is what engines that keep records as rows have in common: the
// checks of what they are asked to append and of what they read, and reading page
// by page.
//
// Its one law: a row is believed only as far as its own header repeats it, and
// only in its place.
package table

import (
	"errors"
	"fmt"
	"math"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// ErrNoOffer refuses records that no chain could take: it is a fault of whoever
// offers them, and nothing was written.
var ErrNoOffer = errors.New("eventstore: records that do not follow one another")

// Offer is a run of records that a store is asked to append.
type Offer struct {
	Tenant  domain.TenantID
	Records []chain.Record
	Columns []chain.Index // of each record
	Hashes  []chain.Hash  // of each record
	First   uint64        // sequence number of the first record
	After   uint64        // what the chain's next one has to be; less than First if what lies between is lost
	Prev    chain.Hash    // of the record before it
	Head    chain.Head    // of the chain once the offer is taken
}

// NewOffer reads records that are to become the next of tenant's chain. It
// refuses with ErrNoOffer an empty run, a record of another chain, a header that
// no encoder would write, and records that do not link to one another.
func NewOffer(tenant domain.TenantID, records []chain.Record) (Offer, error) {
	if len(records) == 0 {
		return Offer{}, fmt.Errorf("%w: there are none", ErrNoOffer)
	}
	o := Offer{
		Tenant: tenant, Records: records,
		Columns: make([]chain.Index, len(records)), Hashes: make([]chain.Hash, len(records)),
	}
	for i, r := range records {
		h, err := chain.ParseHeader(r.Header)
		if err != nil {
			return Offer{}, fmt.Errorf("%w: %w", ErrNoOffer, err)
		}
		switch {
		case i == 0:
			o.First, o.After, o.Prev = h.Seq, h.Seq, h.Prev
			if loss, ok := r.Loss(); ok {
				o.After, o.Prev = loss.From, loss.Kept
			}
		case h.Seq != o.Head.Next || h.Prev != o.Head.Hash:
			return Offer{}, fmt.Errorf("%w: %d after %d", ErrNoOffer, h.Seq, o.Head.Next-1)
		}
		switch {
		case h.Tenant != tenant.ID:
			return Offer{}, fmt.Errorf("%w: of another chain", ErrNoOffer)
		case h.Seq == 0 && h.Prev != chain.GenesisPrev(h.LogID, h.Tenant):
			return Offer{}, fmt.Errorf("%w: a first record that follows another", ErrNoOffer)
		case h.Seq >= math.MaxInt64 || h.AggregateVersion > math.MaxInt64:
			return Offer{}, fmt.Errorf("%w: numbers beyond 63 bits", ErrNoOffer)
		}
		if o.Columns[i], err = r.Index(); err != nil {
			return Offer{}, fmt.Errorf("%w: %w", ErrNoOffer, err)
		}
		o.Hashes[i] = r.Hash()
		o.Head = chain.Head{Next: h.Seq + 1, Hash: o.Hashes[i], TimeUS: h.TimeUS}
	}
	return o, nil
}

// Follows reports whether a chain with this head can take the offer.
func (o *Offer) Follows(head chain.Head) bool {
	return o.After == head.Next && (head.Next == 0 || o.Prev == head.Hash)
}

// Head returns the state of a chain whose last record is r.
func Head(r chain.Record) (chain.Head, error) {
	h, err := chain.ParseHeader(r.Header)
	if err != nil {
		return chain.Head{}, err
	}
	return chain.Head{Next: h.Seq + 1, Hash: r.Hash(), TimeUS: h.TimeUS}, nil
}
