package chain

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// LeafSize is the length of a leaf of the heads tree in bytes.
const LeafSize = 68

const leafMagic = "QSH1"

// ErrBadLeaf reports bytes that are no leaf of the heads tree.
var ErrBadLeaf = errors.New("chain: not a leaf of the heads tree")

// Leaf (QSH1) is where a chain stood when it was anchored.
type Leaf struct {
	Index  uint32 // of the tenant; 0 = the system chain
	Tenant [16]byte
	Next   uint64 // sequence number of the record to come; 0: the chain has not begun
	Hash   Hash   // of the last record; GenesisPrev if there is none
	Closed bool   // no record will ever follow
}

// Append appends the leaf's LeafSize bytes to b. The number that they hold is the
// last record's, so Next 0 is written as 2^64-1.
func (l Leaf) Append(b []byte) []byte {
	be := binary.BigEndian
	b = append(b, leafMagic...)
	b = be.AppendUint32(b, l.Index)
	b = append(b, l.Tenant[:]...)
	b = be.AppendUint64(b, l.Next-1)
	b = append(b, l.Hash[:]...)
	state := byte(0)
	if l.Closed {
		state = 1
	}
	return append(b, state, 0, 0, 0)
}

// ParseLeaf reads a leaf and refuses with ErrBadLeaf what Append would not write.
func ParseLeaf(b []byte) (Leaf, error) {
	if len(b) != LeafSize {
		return Leaf{}, ErrBadLeaf
	}
	be := binary.BigEndian
	l := Leaf{
		Index: be.Uint32(b[4:8]), Tenant: [16]byte(b[8:24]), Next: be.Uint64(b[24:32]) + 1,
		Hash: Hash(b[32:64]), Closed: b[64] == 1,
	}
	if !bytes.Equal(l.Append(nil), b) {
		return Leaf{}, ErrBadLeaf
	}
	return l, nil
}

// TreeHash returns what stands in the heads tree for l.
func (l Leaf) TreeHash() Hash {
	var room [LeafSize]byte
	return HeadsTree.Leaf(l.Append(room[:0]))
}

// Heads is the heads tree in memory: 64 bytes for each chain. To change a leaf
// costs as many hashes as the tree is high, however many there are. The zero Heads
// is empty. It is for one goroutine at a time.
type Heads struct{ levels [][]Hash } // complete subtrees, by level

// Len returns how many leaves there are.
func (h *Heads) Len() uint64 {
	if len(h.levels) == 0 {
		return 0
	}
	return uint64(len(h.levels[0]))
}

// Set puts l in its place. It returns false, and does nothing, if a place before
// it is empty.
func (h *Heads) Set(l Leaf) bool {
	at := uint64(l.Index)
	if at > h.Len() {
		return false
	}
	hash := l.TreeHash()
	for level := 0; ; level++ {
		if level == len(h.levels) {
			h.levels = append(h.levels, nil)
		}
		row := h.levels[level]
		if at == uint64(len(row)) {
			row = append(row, hash)
			h.levels[level] = row
		} else {
			row[at] = hash
		}
		if at|1 >= uint64(len(row)) { // its parent is not complete
			return true
		}
		hash, at = HeadsTree.Node(row[at&^1], row[at|1]), at>>1
	}
}

func (h *Heads) node(level int, index uint64) (Hash, error) { return h.levels[level][index], nil }

// Root returns the root of the tree.
func (h *Heads) Root() Hash {
	root, _ := HeadsTree.Root(h.Len(), h.node) // what is in memory is there
	return root
}

// Path returns the path from the leaf with index, which must exist, to the root.
func (h *Heads) Path(index uint32) []Hash {
	path, _ := HeadsTree.Inclusion(uint64(index), h.Len(), h.node)
	return path
}
