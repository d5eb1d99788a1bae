package queries

import (
	"context"
	"fmt"
	"slices"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// AuditLog returns the facts at the given sequence numbers of tenant's chain, in
// the order given, each verified. Those that follow one another on the chain are
// read in one go and their links verified too. It returns an error that is
// eventstore.ErrNotFound for a number that the chain does not have.
func (q *Queries) AuditLog(ctx context.Context, tenant domain.TenantID, seqs []uint64) ([]eventstore.Recorded, error) {
	order := slices.Clone(seqs)
	slices.Sort(order)
	order = slices.Compact(order)
	found := make(map[uint64]eventstore.Recorded, len(order))
	for len(order) > 0 {
		run := 1
		for run < len(order) && order[run] == order[0]+uint64(run) {
			run++
		}
		if err := q.stretch(ctx, tenant, order[:run], found); err != nil {
			return nil, fmt.Errorf("reading the audit log at %d: %w", order[0], err)
		}
		order = order[run:]
	}
	facts := make([]eventstore.Recorded, len(seqs))
	for i, seq := range seqs {
		facts[i] = found[seq]
	}
	return facts, nil
}

// stretch reads facts that follow one another.
func (q *Queries) stretch(ctx context.Context, tenant domain.TenantID, seqs []uint64, found map[uint64]eventstore.Recorded) error {
	if len(seqs) == 1 {
		r, err := q.Log.At(ctx, tenant, seqs[0])
		found[seqs[0]] = r
		return err
	}
	read := 0
	for r, err := range q.Log.History(ctx, tenant, seqs[0]) {
		if err != nil {
			return err
		}
		if r.Header.Seq != seqs[read] {
			return fmt.Errorf("%w: event %d in place of %d", eventstore.ErrTampered, r.Header.Seq, seqs[read])
		}
		found[r.Header.Seq] = r
		if read++; read == len(seqs) {
			return nil
		}
	}
	return eventstore.ErrNotFound
}
