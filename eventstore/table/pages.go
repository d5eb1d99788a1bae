package table

import (
	"fmt"
	"iter"

	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// Pages grow, so that whoever wants one record does not pay for hundreds.
const (
	firstPage = 8
	lastPage  = 512
	growth    = 8
)

// Pages is a question for rows that an engine answers page by page: no connection
// is held while the rows are worked on. Rows stand in a dense order of places, of
// which none may be missing.
type Pages struct {
	After int64 // the place before the first one asked for
	// Read returns the rows that follow a place, in order, at most limit.
	Read func(after int64, limit int) ([]Row, error)
	// End returns the last place there is. It is asked at most once.
	End func() (int64, error)
	// Place returns where a row stands.
	Place func(*Row) int64
	// Chains says that the rows are of many chains, each in its order:
	// their Neighbours were asked for.
	Chains bool
	// Chain says that the rows are of one chain: places may be missing that it says
	// are lost.
	Chain bool
}

// Rows returns the rows up to the end there was, each checked against its
// header. It ends with ErrTampered where a place is empty, or holds what should
// stand elsewhere: whatever the question, positions rise.
func (p Pages) Rows() iter.Seq2[eventstore.Positioned, error] {
	return func(yield func(eventstore.Positioned, error) bool) {
		after, end, limit := p.After, int64(-1), firstPage
		pos := int64(0)
		for {
			rows, err := p.Read(after, limit)
			if err != nil {
				yield(eventstore.Positioned{}, err)
				return
			}
			for i := range rows {
				if end >= 0 && after == end {
					return
				}
				r, err := p.check(&rows[i], after, pos)
				if !yield(r, err) || err != nil {
					return
				}
				after, pos = p.Place(&rows[i]), rows[i].Pos
			}
			if len(rows) < limit || after == end {
				return
			}
			if end < 0 {
				if end, err = p.End(); err != nil {
					yield(eventstore.Positioned{}, err)
					return
				}
			}
			limit = min(limit*growth, lastPage)
		}
	}
}

// check checks a row that follows the place after and the position pos.
func (p Pages) check(row *Row, after, pos int64) (eventstore.Positioned, error) {
	r, err := row.Positioned()
	if err == nil && p.Place(row) != after+1 && (!p.Chain || !row.restores(after+1)) {
		err = fmt.Errorf("%w: nothing stands between %d and %d", eventstore.ErrTampered, after, p.Place(row))
	}
	if err == nil && row.Pos <= pos {
		err = fmt.Errorf("%w: event %d stands at %d, and the one before it at %d", eventstore.ErrTampered, row.Seq, row.Pos, pos)
	}
	if err == nil && p.Chains {
		err = row.inOrder()
	}
	if err != nil {
		return eventstore.Positioned{}, err
	}
	return r, nil
}

// Records returns the rows' records, without their positions.
func (p Pages) Records() iter.Seq2[chain.Record, error] {
	return func(yield func(chain.Record, error) bool) {
		for r, err := range p.Rows() {
			if !yield(r.Record, err) {
				return
			}
		}
	}
}

// Pos is the place of a Row in the order of all chains.
func Pos(r *Row) int64 { return r.Pos }

// Seq is the place of a Row in its chain.
func Seq(r *Row) int64 { return r.Seq }

// Version is the place of a Row among those that changed its aggregate.
func Version(r *Row) int64 { return *r.Version }
