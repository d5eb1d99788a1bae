package anchors

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// Ledger is what one process knows of a log of anchors, and adds to it. All
// exported fields are required and must not change once it is in use. Make one with
// Open. Its methods may be called from any number of goroutines.
type Ledger struct {
	Store  Store
	Events *eventstore.Log
	// Sign returns the root key's signature of a message under a context string.
	Sign   func(ctx context.Context, context string, message []byte) ([]byte, error)
	Origin string // of the deployment, which names the log
	Now    func() time.Time
	Logger *slog.Logger

	mu     sync.Mutex // guards what follows
	state  State
	leaves []chain.Leaf // of the newest anchor, by index
	places map[domain.TenantID]uint32
	heads  chain.Heads
	edge   [64]chain.Hash // complete subtrees at the right edge of the AnchorsTree, by level
	grown  growth         // since the newest anchor
	floor  uint64         // anchors that were there once
	signed signed
	moved  chan struct{} // closed, and replaced, when there is a newer anchor

	urgent chan struct{} // holds a token while somebody waits for an anchor
}

// signed is the checkpoint that this process signed last.
type signed struct {
	checkpoint chain.Checkpoint
	note       string
}

// Open reads how far the log of anchors goes, and the heads of its newest anchor:
// about 100 bytes for each chain. It returns ErrTampered if they contradict each
// other or belong to another deployment.
func (l *Ledger) Open(ctx context.Context) (*Ledger, error) {
	l.moved, l.urgent = make(chan struct{}), make(chan struct{}, 1)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget()
	if err := l.refresh(ctx); err != nil {
		return nil, fmt.Errorf("opening the log of anchors: %w", err)
	}
	return l, nil
}

// refresh learns of newer anchors. The caller holds mu.
func (l *Ledger) refresh(ctx context.Context) error {
	there, err := l.Store.State(ctx)
	if err != nil {
		return err
	}
	known := l.state
	switch {
	case there.Size < l.floor:
		return fmt.Errorf("%w: %d anchors, and there were %d", ErrTampered, there.Size, l.floor)
	case there.Size == known.Size:
		if there != known {
			return fmt.Errorf("%w: the newest anchor is another one", ErrTampered)
		}
		return nil
	case there.Newest.LogID != l.Events.LogID:
		return fmt.Errorf("%w: it belongs to another deployment", ErrTampered)
	}
	var changed []chain.Leaf
	if known.Size == 0 {
		changed, err = l.Store.Leaves(ctx, there.Size-1)
	} else {
		changed, err = l.Store.Changes(ctx, known.Size-1, there.Size-1)
	}
	if err == nil {
		err = l.take(ctx, there, changed)
	}
	if err != nil || known.Size == 0 {
		return err
	}
	return l.held(ctx, changed)
}

// held compares what another process anchored with the log, which must hold it. If
// it does not, the other process anchors another log, and this one is halted.
func (l *Ledger) held(ctx context.Context, changed []chain.Leaf) error {
	for _, leaf := range changed {
		if leaf != l.leaves[leaf.Index] {
			continue // it has moved on
		}
		found, err := l.compare(ctx, leaf)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			l.alarm(ctx, found)
			return found[0]
		}
	}
	return nil
}

// take makes a state known whose leaves differ in changed. If they contradict each
// other, nothing is known any more. The caller holds mu.
func (l *Ledger) take(ctx context.Context, to State, changed []chain.Leaf) error {
	for _, leaf := range changed {
		if !l.set(leaf) {
			l.forget()
			return fmt.Errorf("%w: leaf %d stands behind a gap", ErrTampered, leaf.Index)
		}
	}
	if l.heads.Len() != uint64(to.Newest.Tenants) || l.heads.Root() != to.Newest.HeadsRoot {
		l.forget()
		return fmt.Errorf("%w: the heads of anchor %d are not what it commits to", ErrTampered, to.Size-1)
	}
	for level := range l.edge {
		if to.Size>>level&1 == 0 {
			continue
		}
		nodes, err := l.Store.Nodes(ctx, level, to.Size>>level-1, 1)
		if err == nil && len(nodes) != 1 {
			err = fmt.Errorf("%w: a node is missing", ErrTampered)
		}
		if err != nil {
			l.forget()
			return err
		}
		l.edge[level] = nodes[0]
	}
	if l.edge[0] != to.Newest.TreeHash() && to.Size&1 == 1 {
		l.forget()
		return fmt.Errorf("%w: the newest anchor is not the one in the tree", ErrTampered)
	}
	l.advance(to)
	return nil
}

// set puts a leaf in its place, unless there is a gap before it.
func (l *Ledger) set(leaf chain.Leaf) bool {
	if !l.heads.Set(leaf) {
		return false
	}
	if int(leaf.Index) == len(l.leaves) {
		l.leaves = append(l.leaves, leaf)
	}
	l.leaves[leaf.Index] = leaf
	l.places[domain.TenantID{ID: leaf.Tenant}] = leaf.Index
	return true
}

func (l *Ledger) advance(to State) {
	l.state, l.floor = to, to.Size
	l.grown = growth{leaves: map[uint32]chain.Leaf{}, added: map[domain.TenantID]uint32{}, position: to.Position}
	close(l.moved)
	l.moved = make(chan struct{})
}

// forget makes the next refresh read everything anew.
func (l *Ledger) forget() {
	l.state, l.leaves, l.places, l.heads = State{}, nil, map[domain.TenantID]uint32{}, chain.Heads{}
	l.grown = growth{leaves: map[uint32]chain.Leaf{}, added: map[domain.TenantID]uint32{}}
}

// Pass anchors whatever was appended and is not anchored yet. It returns ErrMoved
// if another process was faster: a further Pass goes on from there. It returns a
// chain.Finding if the log does not go on from what was anchored.
func (l *Ledger) Pass(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refresh(ctx); err != nil {
		return err
	}
	if err := l.collect(ctx); err != nil || len(l.grown.leaves) == 0 {
		return err
	}
	return l.add(ctx, l.grown)
}

// add anchors what has grown. The caller holds mu.
func (l *Ledger) add(ctx context.Context, g growth) error {
	e := l.entry(g)
	var before *chain.Anchor
	if l.state.Size > 0 {
		before = &l.state.Newest
	}
	if err := l.Store.Append(ctx, before, e); err != nil {
		l.forget() // it may have happened; and if it did not, the tree in memory is ahead
		return fmt.Errorf("anchoring: %w", err)
	}
	for _, n := range e.Nodes {
		l.edge[n.Level] = n.Hash
	}
	l.advance(State{Size: e.Anchor.Number + 1, Newest: e.Anchor, Position: e.Position})
	return nil
}

// entry returns the next anchor over what has grown, and makes the tree in memory
// what it commits to.
func (l *Ledger) entry(g growth) Entry {
	e := Entry{Position: g.position, Leaves: g.sorted(), Anchor: chain.Anchor{
		LogID: l.Events.LogID, Number: l.state.Size, TimeUS: uint64(max(0, l.Now().UnixMicro())), TotalEvents: l.state.Newest.TotalEvents,
	}}
	a := &e.Anchor
	if l.state.Size > 0 {
		a.Prev, a.TimeUS = l.state.Newest.Hash(), max(a.TimeUS, l.state.Newest.TimeUS)
	}
	for _, leaf := range e.Leaves {
		if int(leaf.Index) < len(l.leaves) {
			a.TotalEvents -= l.leaves[leaf.Index].Next
		}
		a.TotalEvents += leaf.Next
		l.set(leaf) // places are given without gaps
	}
	a.Tenants, a.HeadsRoot = uint32(l.heads.Len()), l.heads.Root()
	node := Node{Index: a.Number, Hash: a.TreeHash()}
	e.Nodes = append(e.Nodes, node)
	for ; node.Index&1 == 1; e.Nodes = append(e.Nodes, node) {
		node = Node{node.Level + 1, node.Index >> 1, chain.AnchorsTree.Node(l.edge[node.Level], node.Hash)}
	}
	return e
}
