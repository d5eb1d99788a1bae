package anchors

import (
	"context"
	"errors"
	"io"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// WriteBundle writes tenant's chain to w, from its beginning up to the record that
// is anchored, which is upTo or a later one, with the proof of that (see
// eventstore.Log.WriteBundle for header, pace and w). From is the size of a
// checkpoint that the reader has, or 0. If upTo is not anchored yet (see Await) the
// bundle ends with it, without a proof. A chain that is shorter than what was anchored is
// written as it is, with the proof that it was longer.
func (l *Ledger) WriteBundle(
	ctx context.Context, w io.Writer, header chain.BundleHeader, tenant domain.TenantID, upTo, from uint64, pace func() error,
) error {
	proof, last, err := l.cover(ctx, tenant, upTo, from)
	if err != nil {
		return err
	}
	bundle, err := l.Events.WriteBundle(ctx, w, header, tenant, last, pace)
	if err != nil || proof == nil {
		return err
	}
	return bundle.WriteAnchor(*proof)
}

// cover returns the proof for a bundle that ends with record last.
func (l *Ledger) cover(ctx context.Context, tenant domain.TenantID, upTo, from uint64) (proof *chain.Proof, last uint64, err error) {
	p, leaf, err := l.Head(ctx, tenant, from)
	switch {
	case ctx.Err() != nil:
		return nil, 0, ctx.Err()
	case err != nil && !errors.Is(err, ErrNotAnchored):
		l.Logger.ErrorContext(ctx, "an export has no proof", "tenant", tenant.String(), "err", err)
		return nil, upTo, nil
	case err != nil || leaf.Next <= upTo:
		return nil, upTo, nil //nolint:nilerr // an export without a proof is one
	}
	head, err := l.Events.Head(ctx, tenant)
	if err != nil {
		return nil, 0, err
	}
	if head.Next < leaf.Next {
		return &p, max(head.Next, 1) - 1, nil
	}
	return &p, leaf.Next - 1, nil
}
