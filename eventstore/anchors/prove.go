package anchors

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// Status is how far the log is anchored.
type Status struct {
	Checkpoint chain.Checkpoint
	Note       string // the checkpoint, signed
	Anchor     chain.Anchor
	Waiting    eventstore.Position // events of all chains that no anchor covers yet
	Lag        time.Duration       // how long the oldest of them has waited; 0 if there is none
}

// Status returns the newest checkpoint, signed, and how far the log is ahead of it.
// It returns ErrNotAnchored while there is none.
func (l *Ledger) Status(ctx context.Context) (Status, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refresh(ctx); err != nil {
		return Status{}, err
	}
	if err := l.sign(ctx); err != nil {
		return Status{}, err
	}
	s := Status{Checkpoint: l.signed.checkpoint, Note: l.signed.note, Anchor: l.state.Newest}
	last, err := l.Events.Last(ctx)
	if err != nil {
		return Status{}, err
	}
	if s.Waiting = max(0, last-l.state.Position); s.Waiting == 0 {
		return s, nil
	}
	oldest, err := l.Events.Links(ctx, l.state.Position, 1)
	if err == nil && len(oldest) > 0 {
		s.Lag = max(0, l.Now().Sub(time.UnixMicro(int64(oldest[0].TimeUS))))
	}
	return s, err
}

// sign makes signed the checkpoint of all anchors. It never signs one that does not
// go on from the one it signed before. The caller holds mu.
func (l *Ledger) sign(ctx context.Context) error {
	size, before := l.state.Size, l.signed.checkpoint
	switch size {
	case 0:
		return ErrNotAnchored
	case before.Size:
		return nil
	}
	root, err := chain.AnchorsTree.Root(size, func(level int, _ uint64) (chain.Hash, error) { return l.edge[level], nil })
	if err != nil {
		return err
	}
	if before.Size > 0 {
		path, err := chain.AnchorsTree.Consistency(before.Size, size, l.nodes(ctx))
		if err != nil {
			return err
		}
		if !chain.AnchorsTree.GoesOn(before.Root, before.Size, root, size, path) {
			return fmt.Errorf("%w: it does not go on from the checkpoint of %d", ErrTampered, before.Size)
		}
	}
	c := chain.Checkpoint{Origin: l.Origin, Size: size, Root: root}
	signature, err := l.Sign(ctx, chain.ContextCheckpoint, c.Text())
	if err != nil {
		return fmt.Errorf("signing a checkpoint: %w", err)
	}
	l.signed = signed{c, c.Note(l.Events.Root, signature)}
	return nil
}

// nodes reads single nodes of the AnchorsTree.
func (l *Ledger) nodes(ctx context.Context) chain.Nodes {
	return func(level int, index uint64) (chain.Hash, error) {
		found, err := l.Store.Nodes(ctx, level, index, 1)
		if err == nil && len(found) != 1 {
			err = fmt.Errorf("%w: a node is missing", ErrTampered)
		}
		if err != nil {
			return chain.Hash{}, err
		}
		return found[0], nil
	}
}

// Consistency returns what shows that the log of the first to anchors goes on from
// that of the first from. It refuses with Invalid sizes that are not 1 ≤ from ≤ to ≤
// the newest checkpoint's.
func (l *Ledger) Consistency(ctx context.Context, from, to uint64) ([]chain.Hash, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refresh(ctx); err != nil {
		return nil, err
	}
	if from < 1 || from > to || to > l.state.Size {
		return nil, &domain.Error{Kind: domain.Invalid, Message: "from and to must be sizes of checkpoints that were published, in this order"}
	}
	return chain.AnchorsTree.Consistency(from, to, l.nodes(ctx))
}

// Head returns the proof that the newest anchor holds tenant's chain, up to and with
// record Leaf.Next-1, and that the checkpoint goes on from one of size from, if that
// is not 0 and not more than there are. It returns ErrNotAnchored for a chain that
// no anchor holds.
func (l *Ledger) Head(ctx context.Context, tenant domain.TenantID, from uint64) (chain.Proof, chain.Leaf, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refresh(ctx); err != nil {
		return chain.Proof{}, chain.Leaf{}, err
	}
	return l.head(ctx, tenant, from)
}

func (l *Ledger) head(ctx context.Context, tenant domain.TenantID, from uint64) (chain.Proof, chain.Leaf, error) {
	place, ok := l.places[tenant]
	if !ok {
		return chain.Proof{}, chain.Leaf{}, ErrNotAnchored
	}
	p, err := l.prove(ctx, l.state.Newest, place, l.heads.Path(place), from)
	return p, l.leaves[place], err
}

// far is how many records may lie between a record and the anchored one that a
// proof leads to, before an older anchor is looked for.
const far = 1024

// Record returns the proof that tenant's record seq is anchored, by way of the
// record Leaf.Next-1, which is the same one or follows it soon: what lies between is
// the caller's to show. From is as in Head. It returns ErrNotAnchored if no anchor
// covers the record yet. A proof by an older anchor costs a lookup for each chain.
func (l *Ledger) Record(ctx context.Context, tenant domain.TenantID, seq, from uint64) (chain.Proof, chain.Leaf, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refresh(ctx); err != nil {
		return chain.Proof{}, chain.Leaf{}, err
	}
	place, ok := l.places[tenant]
	switch {
	case !ok || l.leaves[place].Next <= seq:
		return chain.Proof{}, chain.Leaf{}, ErrNotAnchored
	case l.leaves[place].Next-seq <= far:
		return l.head(ctx, tenant, from)
	}
	return l.first(ctx, place, seq, from)
}

// First is Record by the oldest anchor that covers the record.
func (l *Ledger) First(ctx context.Context, tenant domain.TenantID, seq, from uint64) (chain.Proof, chain.Leaf, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refresh(ctx); err != nil {
		return chain.Proof{}, chain.Leaf{}, err
	}
	place, ok := l.places[tenant]
	if !ok {
		return chain.Proof{}, chain.Leaf{}, ErrNotAnchored
	}
	return l.first(ctx, place, seq, from)
}

func (l *Ledger) first(ctx context.Context, place uint32, seq, from uint64) (chain.Proof, chain.Leaf, error) {
	number, err := l.Store.Covering(ctx, place, seq)
	if err != nil {
		return chain.Proof{}, chain.Leaf{}, err
	}
	anchor, err := l.Store.Anchors(ctx, number, 1)
	if err != nil {
		return chain.Proof{}, chain.Leaf{}, err
	}
	leaves, err := l.Store.Leaves(ctx, number)
	if err != nil {
		return chain.Proof{}, chain.Leaf{}, err
	}
	var heads chain.Heads
	for _, leaf := range leaves {
		heads.Set(leaf)
	}
	p, err := l.prove(ctx, anchor[0], place, heads.Path(place), from)
	return p, leaves[place], err
}

// prove leads from an anchor to the newest checkpoint.
func (l *Ledger) prove(ctx context.Context, a chain.Anchor, place uint32, heads []chain.Hash, from uint64) (chain.Proof, error) {
	if err := l.sign(ctx); err != nil {
		return chain.Proof{}, err
	}
	size := l.signed.checkpoint.Size
	p := chain.Proof{Record: a.Append(nil), TenantIndex: place, HeadsPath: heads, TlogIndex: a.Number, Checkpoint: l.signed.note}
	var err error
	if p.TlogPath, err = chain.AnchorsTree.Inclusion(a.Number, size, l.nodes(ctx)); err != nil {
		return chain.Proof{}, err
	}
	if from > 0 && from <= size {
		p.ConsistencyFrom = from
		p.ConsistencyPath, err = chain.AnchorsTree.Consistency(from, size, l.nodes(ctx))
	}
	return p, err
}

// Await blocks until an anchor covers tenant's record seq, which it asks for if this
// process anchors, or until ctx ends.
func (l *Ledger) Await(ctx context.Context, tenant domain.TenantID, seq uint64) error {
	for {
		l.mu.Lock()
		err := l.refresh(ctx)
		place, ok := l.places[tenant]
		covered, moved := ok && l.leaves[place].Next > seq, l.moved
		l.mu.Unlock()
		if err != nil || covered {
			return err
		}
		select {
		case l.urgent <- struct{}{}:
		default:
		}
		select {
		case <-moved:
		case <-time.After(look): // another process anchors
		case <-ctx.Done():
			return fmt.Errorf("waiting for an anchor: %w", ctx.Err())
		}
	}
}

// Tile returns a tile's content as C2SP tlog-tiles defines it, or ErrNotAnchored if
// there is not as much of it. A full tile never changes.
func (l *Ledger) Tile(ctx context.Context, t chain.Tile) ([]byte, error) {
	if t.Entries {
		anchors, err := l.Store.Anchors(ctx, t.First(), t.Width)
		if err != nil {
			return nil, err
		}
		if len(anchors) < t.Width {
			return nil, ErrNotAnchored
		}
		var b []byte
		for _, a := range anchors {
			b = a.Append(binary.BigEndian.AppendUint16(b, chain.AnchorSize))
		}
		return b, nil
	}
	hashes, err := l.Store.Nodes(ctx, 8*t.Level, t.First(), t.Width)
	if err != nil {
		return nil, err
	}
	if len(hashes) < t.Width {
		return nil, ErrNotAnchored
	}
	var b []byte
	for _, h := range hashes {
		b = append(b, h[:]...)
	}
	return b, nil
}
