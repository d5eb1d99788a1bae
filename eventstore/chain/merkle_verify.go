package chain

import "math/bits"

// Includes reports whether path leads from the hash of a leaf to the root over
// size leaves, of which it is the one with index (RFC 9162 §2.1.3.2).
func (t Tree) Includes(root, leaf Hash, index, size uint64, path []Hash) bool {
	if index >= size {
		return false
	}
	at, last := index, size-1
	for _, sibling := range path {
		if last == 0 {
			return false // the path is too long
		}
		if at&1 == 1 || at == last {
			leaf = t.Node(sibling, leaf)
			if zeros := bits.TrailingZeros64(at); at&1 == 0 { // the right edge rises until it has a left neighbour
				at, last = at>>zeros, last>>zeros
			}
		} else {
			leaf = t.Node(leaf, sibling)
		}
		at, last = at>>1, last>>1
	}
	return last == 0 && leaf == root
}

// GoesOn reports whether path shows that the tree of to leaves with one root goes
// on from the tree of from leaves with another (RFC 9162 §2.1.4.2). Everything goes
// on from the empty tree, and a tree from itself, with an empty path.
func (t Tree) GoesOn(fromRoot Hash, from uint64, toRoot Hash, to uint64, path []Hash) bool {
	switch {
	case from > to:
		return false
	case from == to:
		return len(path) == 0 && fromRoot == toRoot
	case from == 0:
		return len(path) == 0 && fromRoot == t.sum(nil)
	}
	at, last := from-1, to-1
	zeros := bits.TrailingZeros64(^at)
	at, last = at>>zeros, last>>zeros
	older, rest := fromRoot, path
	if at != 0 { // from is no power of two, so its root is none of the nodes
		if len(rest) == 0 {
			return false
		}
		older, rest = rest[0], rest[1:]
	}
	newer := older
	for _, h := range rest {
		if last == 0 {
			return false
		}
		if at&1 == 1 || at == last {
			older, newer = t.Node(h, older), t.Node(h, newer)
			if zeros := bits.TrailingZeros64(at); at&1 == 0 {
				at, last = at>>zeros, last>>zeros
			}
		} else {
			newer = t.Node(newer, h)
		}
		at, last = at>>1, last>>1
	}
	return last == 0 && older == fromRoot && newer == toRoot
}
