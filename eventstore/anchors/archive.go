package anchors

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// WriteArchive writes every chain and every anchor to w, as chain.VerifyArchive reads
// them: up to the newest anchor there is, or, where a chain is shorter than what was
// anchored of it, as it is. Before every so many records it tells progress how many
// events of how many are written.
func (l *Ledger) WriteArchive(ctx context.Context, w io.Writer, header chain.BundleHeader, progress func(written, all uint64)) error {
	state, leaves, note, err := l.snapshot(ctx)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, 1<<16)
	written := uint64(0)
	for _, leaf := range leaves {
		if err := l.writeChain(ctx, out, header, leaf, func() error {
			progress(min(written, state.Newest.TotalEvents), state.Newest.TotalEvents)
			written += paced
			return nil
		}); err != nil {
			return err
		}
	}
	if err := l.writeAnchors(ctx, out, state.Size); err != nil {
		return err
	}
	if _, err := out.Write(chain.AppendCheckpoint(nil, note)); err != nil {
		return err
	}
	progress(state.Newest.TotalEvents, state.Newest.TotalEvents)
	return out.Flush()
}

// paced is before how many records of a bundle its writer asks for the pace.
const paced = 256

// snapshot returns the newest anchor, its leaves and the checkpoint that holds it.
func (l *Ledger) snapshot(ctx context.Context) (State, []chain.Leaf, string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refresh(ctx); err != nil {
		return State{}, nil, "", err
	}
	if err := l.sign(ctx); err != nil {
		return State{}, nil, "", err
	}
	return l.state, slices.Clone(l.leaves), l.signed.note, nil
}

// writeChain writes the chain of a leaf, if there is anything of it.
func (l *Ledger) writeChain(ctx context.Context, w io.Writer, header chain.BundleHeader, leaf chain.Leaf, pace func() error) error {
	tenant := domain.TenantID{ID: leaf.Tenant}
	head, err := l.Events.Head(ctx, tenant)
	if err != nil || head.Next == 0 {
		return err
	}
	if _, err := l.Events.WriteBundle(ctx, w, header, tenant, min(leaf.Next, head.Next)-1, pace); err != nil {
		return fmt.Errorf("writing chain %d: %w", leaf.Index, err)
	}
	return nil
}

// writeAnchors writes the first size anchors, each with the leaves that it changed.
func (l *Ledger) writeAnchors(ctx context.Context, w io.Writer, size uint64) error {
	var line []byte
	for first := uint64(0); first < size; first += batch {
		anchors, err := l.Store.Anchors(ctx, first, int(min(batch, size-first)))
		if err != nil {
			return err
		}
		for _, a := range anchors {
			leaves, err := l.changed(ctx, a.Number)
			if err != nil {
				return err
			}
			line = chain.AppendHeads(line[:0], a, leaves)
			if _, err := w.Write(line); err != nil {
				return err
			}
		}
		if len(anchors) == 0 {
			return fmt.Errorf("%w: anchor %d is missing", ErrTampered, first)
		}
	}
	return nil
}

// changed returns the leaves that an anchor changed.
func (l *Ledger) changed(ctx context.Context, number uint64) ([]chain.Leaf, error) {
	if number == 0 {
		return l.Store.Leaves(ctx, 0)
	}
	return l.Store.Changes(ctx, number-1, number)
}
