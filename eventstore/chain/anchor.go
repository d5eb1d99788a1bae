package chain

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// AnchorSize is the length of an anchor in bytes.
const AnchorSize = 132

const anchorMagic = "QSA1"

// ErrBadAnchor reports bytes that are no anchor.
var ErrBadAnchor = errors.New("chain: not an anchor")

// Anchor (QSA1) commits to the heads of all chains at one moment, and to the
// anchor before it.
type Anchor struct {
	LogID       Hash
	Number      uint64 // from 0, without gaps: its place in the AnchorsTree
	Prev        Hash   // of the anchor before; zero for the first
	TimeUS      uint64 // Unix microseconds, not before the anchor before
	TotalEvents uint64 // the sum of Leaf.Next over all leaves
	Tenants     uint32 // leaves of the heads tree; never falls
	HeadsRoot   Hash
}

// Append appends the anchor's AnchorSize bytes to b.
func (a Anchor) Append(b []byte) []byte {
	be := binary.BigEndian
	b = append(b, anchorMagic...)
	b = append(b, suite, 0, 0, 0)
	b = append(b, a.LogID[:]...)
	b = be.AppendUint64(b, a.Number)
	b = append(b, a.Prev[:]...)
	b = be.AppendUint64(b, a.TimeUS)
	b = be.AppendUint64(b, a.TotalEvents)
	b = be.AppendUint32(b, a.Tenants)
	return append(b, a.HeadsRoot[:]...)
}

// ParseAnchor reads an anchor and refuses with ErrBadAnchor what Append would not
// write.
func ParseAnchor(b []byte) (Anchor, error) {
	if len(b) != AnchorSize {
		return Anchor{}, ErrBadAnchor
	}
	be := binary.BigEndian
	a := Anchor{
		LogID: Hash(b[8:40]), Number: be.Uint64(b[40:48]), Prev: Hash(b[48:80]), TimeUS: be.Uint64(b[80:88]),
		TotalEvents: be.Uint64(b[88:96]), Tenants: be.Uint32(b[96:100]), HeadsRoot: Hash(b[100:132]),
	}
	if !bytes.Equal(a.Append(nil), b) {
		return Anchor{}, ErrBadAnchor
	}
	return a, nil
}

// Hash returns what the next anchor holds as Prev.
func (a Anchor) Hash() Hash { return Tagged("anchor", a.Append(nil)) }

// TreeHash returns what stands in the AnchorsTree for a.
func (a Anchor) TreeHash() Hash { return AnchorsTree.Leaf(a.Append(nil)) }
