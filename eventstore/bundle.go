package eventstore

import (
	"context"
	"fmt"
	"io"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// WriteBundle writes tenant's chain up to and with the event upTo to w, as the
// bundle that chain.VerifyBundle reads. Of header only the deployment counts.
// Before every 256th record it calls pace, if that is not nil, and stops with its
// error. It returns ErrTampered if the chain ends before upTo. The caller buffers w,
// and may write an anchor with what it returns.
func (l *Log) WriteBundle(
	ctx context.Context, w io.Writer, header chain.BundleHeader, tenant domain.TenantID, upTo uint64, pace func() error,
) (*chain.BundleWriter, error) {
	header.TenantID, header.FromSeq, header.ToSeq = tenant.ID, 0, upTo
	bundle, err := chain.NewBundleWriter(w, header)
	if err != nil {
		return nil, err
	}
	next := uint64(0)
	written := 0
	for r, err := range l.Store.Chain(ctx, tenant, 0) {
		if err != nil {
			return nil, fmt.Errorf("reading a chain: %w", err)
		}
		if loss, ok := r.Loss(); ok {
			next = loss.To + 1
		}
		if written++; written%maxBatch == 1 && pace != nil {
			if err := pace(); err != nil {
				return nil, err
			}
		}
		if err := bundle.WriteEvent(next, r); err != nil {
			return nil, err
		}
		if next++; next > upTo {
			return bundle, nil
		}
	}
	return nil, fmt.Errorf("%w: the chain ends at %d, before event %d", ErrTampered, next, upTo)
}
