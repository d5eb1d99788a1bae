package chain

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Proof is a bundle's last line: it shows that the root key committed to the
// bundle's last record as the end of its chain, and to everything before it.
type Proof struct {
	Record      []byte // an Anchor's bytes
	TenantIndex uint32 // of the chain: its leaf's place in the heads tree
	HeadsPath   []Hash // from the leaf to the anchor's HeadsRoot
	TlogIndex   uint64 // the anchor's number
	TlogPath    []Hash // from the anchor to the checkpoint's root
	Checkpoint  string // a signed note

	// What shows that the checkpoint goes on from an earlier one of this size; 0: no
	// earlier one was named.
	ConsistencyFrom uint64
	ConsistencyPath []Hash
}

// maxPath is the length of the longest path that a tree can have.
const maxPath = 65

// WriteAnchor writes the bundle's last line, after all of its records.
func (b *BundleWriter) WriteAnchor(p Proof) error {
	b.line = p.Append(b.line[:0])
	return b.write()
}

// Append appends the proof's line, as it stands in a bundle, to b.
func (p Proof) Append(b []byte) []byte {
	b = appendBase64(append(b, `{"type":"anchor","record":`...), p.Record)
	b = strconv.AppendUint(append(b, `,"tenant_index":`...), uint64(p.TenantIndex), 10)
	b = appendPath(append(b, `,"heads_path":`...), p.HeadsPath)
	b = strconv.AppendUint(append(b, `,"tlog_index":`...), p.TlogIndex, 10)
	b = appendPath(append(b, `,"tlog_path":`...), p.TlogPath)
	b = append(b, `,"checkpoint":"`...)
	b = append(append(b, strings.ReplaceAll(p.Checkpoint, "\n", `\n`)...), '"')
	if p.ConsistencyFrom > 0 {
		b = strconv.AppendUint(append(b, `,"consistency_from":`...), p.ConsistencyFrom, 10)
		b = appendPath(append(b, `,"consistency_path":`...), p.ConsistencyPath)
	}
	return append(b, "}\n"...)
}

func appendPath(b []byte, path []Hash) []byte {
	b = append(b, '[')
	for i, h := range path {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendBase64(b, h[:])
	}
	return append(b, ']')
}

const anchorLine = `{"type":"anchor","record":"`

// parseProof reads an anchor's line, without its newline.
func parseProof(b []byte) (*Proof, error) {
	l := line{rest: b}
	var p Proof
	l.literal(anchorLine)
	record, ok := decodeBase64(nil, l.until(`"`))
	p.Record = record
	l.literal(`,"tenant_index":`)
	index := l.number(`,`)
	p.TenantIndex = uint32(index)
	l.literal(`"heads_path":`)
	p.HeadsPath = l.path()
	l.literal(`,"tlog_index":`)
	p.TlogIndex = l.number(`,`)
	l.literal(`"tlog_path":`)
	p.TlogPath = l.path()
	l.literal(`,"checkpoint":"`)
	p.Checkpoint = strings.ReplaceAll(string(l.until(`"`)), `\n`, "\n")
	if !l.failed && bytes.HasPrefix(l.rest, []byte(",")) {
		l.literal(`,"consistency_from":`)
		p.ConsistencyFrom = l.number(`,`)
		l.literal(`"consistency_path":`)
		p.ConsistencyPath = l.path()
	}
	l.literal("}")
	if l.failed || !ok || len(l.rest) > 0 || !bytes.Equal(p.Append(nil), append(bytes.Clone(b), '\n')) {
		return nil, errDamaged
	}
	return &p, nil
}

// ParseProof reads what Append writes, without its newline. It refuses everything
// else with ErrUnreadable.
func ParseProof(line []byte) (Proof, error) {
	p, err := parseProof(line)
	if err != nil {
		return Proof{}, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return *p, nil
}

// Verify shows that root committed to leaf, as the end of its chain, in the log that
// h is of (V3, V15, V21, V23, V24, V25). The error is the first Finding.
func (p *Proof) Verify(h BundleHeader, root *PublicKey, leaf Leaf) (Anchored, error) {
	a, faults := p.check(&h, root, leaf)
	if len(faults) > 0 {
		return Anchored{}, faults[0].in(leaf.Tenant, max(leaf.Next, 1)-1)
	}
	return a, nil
}

// path reads a list of hashes.
func (l *line) path() []Hash {
	path := []Hash{}
	if l.literal("["); bytes.HasPrefix(l.rest, []byte("]")) {
		l.literal("]")
		return path
	}
	for end := false; !end && !l.failed; end = bytes.HasPrefix(l.rest, []byte("]")) {
		if len(path) > 0 {
			l.literal(",")
		}
		l.literal(`"`)
		h, ok := decodeBase64(nil, l.until(`"`))
		if !ok || len(h) != HashSize || len(path) == maxPath {
			l.failed = true
			return nil
		}
		path = append(path, Hash(h))
	}
	l.literal("]")
	return path
}

// Anchored is what a Proof has shown.
type Anchored struct {
	Checkpoint Checkpoint // the zero Checkpoint: nothing
	Anchor     Anchor
}

// check makes the checks on p that need no earlier checkpoint: that root signed
// its checkpoint (V25), which holds its anchor (V21, V24), whose heads hold leaf (V23).
func (p *Proof) check(h *BundleHeader, root *PublicKey, leaf Leaf) (a Anchored, faults []fault) {
	wrong := func(check int, detail string) { faults = append(faults, fault{check, detail}) }
	c, err := OpenCheckpoint(p.Checkpoint, h.Origin, root)
	if err != nil {
		wrong(25, "the checkpoint is not one that the root key signed for this log")
		return Anchored{}, faults
	}
	anchor, err := ParseAnchor(p.Record)
	if err != nil {
		wrong(21, "the anchor is one that nobody writes")
		return Anchored{}, faults
	}
	if anchor.LogID != h.LogID {
		wrong(3, "the anchor belongs to another deployment")
	}
	if anchor.Number != p.TlogIndex {
		wrong(21, "the anchor's number is not that of its place")
	}
	if !AnchorsTree.Includes(c.Root, anchor.TreeHash(), anchor.Number, c.Size, p.TlogPath) {
		wrong(24, "the checkpoint does not hold the anchor")
	}
	if p.TenantIndex != leaf.Index {
		wrong(15, "the anchor's place is not the one that the chain was certified for")
	}
	if !HeadsTree.Includes(anchor.HeadsRoot, leaf.TreeHash(), uint64(leaf.Index), uint64(anchor.Tenants), p.HeadsPath) {
		wrong(23, fmt.Sprintf("anchor %d holds another end of the chain than the last record", anchor.Number))
	}
	if len(faults) > 0 {
		return Anchored{}, faults
	}
	return Anchored{c, anchor}, nil
}

// follows checks V27: that a checkpoint goes on from one that was verified before.
// It reports whether that could be told at all.
func (p *Proof) follows(c, before Checkpoint) (told bool, faults []fault) {
	switch {
	case c.Size < before.Size:
		return true, []fault{{27, fmt.Sprintf("the checkpoint is of %d anchors, and one of %d was verified before", c.Size, before.Size)}}
	case c.Size == before.Size && c.Root != before.Root:
		return true, []fault{{27, "two checkpoints of one size differ: the log tells two stories"}}
	case c.Size == before.Size:
		return true, nil
	case p.ConsistencyFrom != before.Size:
		return false, nil
	case !AnchorsTree.GoesOn(before.Root, before.Size, c.Root, c.Size, p.ConsistencyPath):
		return true, []fault{{27, "the checkpoint does not go on from the one verified before"}}
	}
	return true, nil
}
