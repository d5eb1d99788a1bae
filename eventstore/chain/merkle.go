package chain

import (
	"crypto/sha256"
	"crypto/sha3"
	"fmt"
	"math/bits"
)

// Tree is a Merkle tree in the shape of RFC 6962 §2.1, which is that of RFC 9162
// too. It knows how its nodes are hashed and holds none.
type Tree struct{ sum func([]byte) Hash }

// The two trees of the audit log.
var (
	// HeadsTree is over the heads of all chains at one moment, hashed with SHA3-256.
	// A chain's place is its tenant index.
	HeadsTree = Tree{func(b []byte) Hash { return sha3.Sum256(b) }}
	// AnchorsTree is over all anchors, in their order, hashed with SHA-256, as C2SP
	// tlog-tiles prescribes.
	AnchorsTree = Tree{func(b []byte) Hash { return sha256.Sum256(b) }}
)

// Leaf returns the hash of a leaf that holds data.
func (t Tree) Leaf(data []byte) Hash {
	var room [256]byte
	return t.sum(append(append(room[:0], 0), data...))
}

// Node returns the hash of a node over two others.
func (t Tree) Node(left, right Hash) Hash {
	var b [1 + 2*HashSize]byte
	b[0] = 1
	copy(b[1:], left[:])
	copy(b[1+HashSize:], right[:])
	return t.sum(b[:])
}

// Nodes returns the hash of a complete subtree: the one over the 2^level leaves
// from index·2^level on. Level 0 are the leaves themselves.
type Nodes func(level int, index uint64) (Hash, error)

// Root returns the root over the first size leaves. It asks for as many nodes as
// size has bits that are 1.
func (t Tree) Root(size uint64, nodes Nodes) (Hash, error) {
	if size == 0 {
		return t.sum(nil), nil
	}
	return t.over(0, size, nodes)
}

// over returns the hash over the leaves from lo up to but not hi, where the
// greatest power of two below hi-lo divides lo.
func (t Tree) over(lo, hi uint64, nodes Nodes) (Hash, error) {
	if n := hi - lo; n&(n-1) == 0 {
		level := bits.TrailingZeros64(n)
		return nodes(level, lo>>level)
	}
	k := split(hi - lo)
	left, err := t.over(lo, lo+k, nodes)
	if err != nil {
		return Hash{}, err
	}
	right, err := t.over(lo+k, hi, nodes)
	if err != nil {
		return Hash{}, err
	}
	return t.Node(left, right), nil
}

// split returns the greatest power of two below n, which is at least 2.
func split(n uint64) uint64 { return 1 << (bits.Len64(n-1) - 1) }

// Inclusion returns the path from a leaf to the root over the first size leaves,
// the leaf's sibling first (RFC 6962 §2.1.1). Index must be below size.
func (t Tree) Inclusion(index, size uint64, nodes Nodes) ([]Hash, error) {
	if index >= size {
		return nil, fmt.Errorf("chain: no leaf %d in a tree of %d", index, size)
	}
	path := []Hash{}
	for lo, hi := uint64(0), size; hi-lo > 1; {
		k := split(hi - lo)
		from, to := lo+k, hi
		if index < lo+k {
			hi = lo + k
		} else {
			from, to, lo = lo, lo+k, lo+k
		}
		h, err := t.over(from, to, nodes)
		if err != nil {
			return nil, err
		}
		path = append(path, h)
	}
	for i, j := 0, len(path)-1; i < j; i, j = i+1, j-1 {
		path[i], path[j] = path[j], path[i]
	}
	return path, nil
}

// Consistency returns what shows that the tree over the first to leaves goes on
// from that over the first from leaves (RFC 6962 §2.1.2). From is at least 1 and
// at most to.
func (t Tree) Consistency(from, to uint64, nodes Nodes) ([]Hash, error) {
	if from < 1 || from > to {
		return nil, fmt.Errorf("chain: no tree of %d goes on to one of %d", from, to)
	}
	path := []Hash{}
	add := func(lo, hi uint64) error {
		h, err := t.over(lo, hi, nodes)
		path = append([]Hash{h}, path...)
		return err
	}
	lo, hi, whole := uint64(0), to, true // whole: from is what the caller has the root of
	for from != hi {
		k := split(hi - lo)
		var err error
		if from <= lo+k {
			err = add(lo+k, hi)
			hi = lo + k
		} else {
			err = add(lo, lo+k)
			lo, whole = lo+k, false
		}
		if err != nil {
			return nil, err
		}
	}
	if !whole {
		if err := add(lo, hi); err != nil {
			return nil, err
		}
	}
	return path, nil
}
