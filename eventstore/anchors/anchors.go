// Package anchors commits to the heads of all chains, about once a second when
// something changed, in a log of its own that lies outside the database. Whoever
// keeps a checkpoint of that log can tell later whether an event is missing; and a
// server that starts on an older database finds out before it writes.
//
// Anchoring runs beside the log and nothing waits for it: it reads what was
// appended from memory, and writes once for whatever changed. What it costs does
// not depend on how many chains did not change.
//
// Its one law: what was anchored is never taken back. An anchor is durable before
// anything is signed that holds it, and of two servers that anchor the same log
// one is refused.
package anchors

import (
	"context"
	"errors"

	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

var (
	// ErrMoved reports that the newest anchor is not the one that was offered a
	// successor. Nothing was written.
	ErrMoved = errors.New("anchors: another anchor was faster")
	// ErrNotAnchored reports a record that no anchor covers yet.
	ErrNotAnchored = errors.New("anchors: not anchored yet")
	// ErrTampered reports an anchor store that contradicts itself, or what this
	// process has seen in it before.
	ErrTampered = errors.New("anchors: the anchor store contradicts itself")
)

// State is how far a log of anchors goes.
type State struct {
	Size     uint64              // anchors; 0 = none
	Newest   chain.Anchor        // if there is one
	Position eventstore.Position // the newest anchor's heads are those of the log up to here
}

// Entry is an anchor on its way into a store, with what it changes.
type Entry struct {
	Anchor   chain.Anchor
	Position eventstore.Position
	Leaves   []chain.Leaf // that differ from the anchor before, by rising index
	Nodes    []Node       // complete subtrees of the AnchorsTree that the anchor completes
}

// Node is a complete subtree of the AnchorsTree.
type Node struct {
	Level int
	Index uint64
	Hash  chain.Hash
}

// AnchoredHead is where a chain ended when an anchor was made.
type AnchoredHead struct {
	Anchor uint64 // its number
	Leaf   chain.Leaf
}

// Store keeps the log of anchors, each durable when Append returns. It is not
// restored from a backup together with the event store, or it proves nothing.
// Its methods may be called from any number of goroutines and processes.
type Store interface {
	// State returns how far the log goes.
	State(ctx context.Context) (State, error)
	// Append adds an anchor with all that belongs to it, or nothing, if before is
	// the newest one there is; else it returns ErrMoved. Before nil asks that there
	// be none. After any other error the caller must find out.
	Append(ctx context.Context, before *chain.Anchor, e Entry) error
	// Leaves returns all leaves of an anchor's heads tree, by rising index.
	Leaves(ctx context.Context, number uint64) ([]chain.Leaf, error)
	// Changes returns the leaves that the anchors after one number and up to another
	// changed, in the order of the anchors.
	Changes(ctx context.Context, after, upTo uint64) ([]chain.Leaf, error)
	// Covering returns the number of the first anchor whose leaf for a chain covers
	// its record seq, or ErrNotAnchored.
	Covering(ctx context.Context, index uint32, seq uint64) (uint64, error)
	// Heads returns up to n of the heads that anchors gave a chain, the first from
	// anchor number first on, in their order.
	Heads(ctx context.Context, index uint32, first uint64, n int) ([]AnchoredHead, error)
	// Nodes returns up to n complete subtrees of a level, from first on.
	Nodes(ctx context.Context, level int, first uint64, n int) ([]chain.Hash, error)
	// Anchors returns up to n anchors, from first on.
	Anchors(ctx context.Context, first uint64, n int) ([]chain.Anchor, error)
	// Lead returns whether this process is to anchor; for as long as it holds on, no
	// other is. It is advice, no condition of Append: it may be lost unnoticed.
	Lead(ctx context.Context) (resign func(), leads bool, err error)
}
