package chain

import (
	"encoding/base64"
	"strings"
)

// An archive holds every chain of a log and every anchor: the bundles of all
// chains, one after the other, the system chain's first; a line for each anchor, in
// their order, with the leaves that differ from the anchor before; and the checkpoint
// of all of them. With it nobody can hide what an anchor covered once: not only the
// newest anchor is compared with the chains, as in a bundle, but each (V19 to V24).
const (
	headsLine      = `{"type":"heads","record":"`
	checkpointLine = `{"type":"checkpoint","checkpoint":"`
	bundleLine     = `{"type":"bundle",`
)

// AppendHeads appends an anchor's line of an archive to b. Leaves are those that
// differ from the anchor before, by rising index.
func AppendHeads(b []byte, a Anchor, leaves []Leaf) []byte {
	b = append(b, headsLine...)
	b = base64.StdEncoding.AppendEncode(b, a.Append(nil))
	b = append(b, `","leaves":[`...)
	for i, l := range leaves {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendBase64(b, l.Append(nil))
	}
	return append(b, "]}\n"...)
}

// AppendCheckpoint appends the last line of an archive, a signed note, to b.
func AppendCheckpoint(b []byte, note string) []byte {
	b = append(b, checkpointLine...)
	b = append(b, strings.ReplaceAll(note, "\n", `\n`)...)
	return append(b, "\"}\n"...)
}

// parseHeads reads an anchor's line, without its newline.
func parseHeads(b []byte) (a Anchor, leaves []Leaf, ok bool) {
	l := line{rest: b}
	l.literal(headsLine)
	record, whole := decodeBase64(nil, l.until(`"`))
	l.literal(`,"leaves":[`)
	for first := true; !l.failed && whole && len(l.rest) > 0 && l.rest[0] != ']'; first = false {
		if !first {
			l.literal(",")
		}
		l.literal(`"`)
		raw, good := decodeBase64(nil, l.until(`"`))
		leaf, err := ParseLeaf(raw)
		if whole = good && err == nil; whole {
			leaves = append(leaves, leaf)
		}
	}
	l.literal("]}")
	a, err := ParseAnchor(record)
	return a, leaves, whole && err == nil && !l.failed && len(l.rest) == 0
}

// parseCheckpointLine reads the last line of an archive, without its newline.
func parseCheckpointLine(b []byte) (note string, ok bool) {
	l := line{rest: b}
	l.literal(checkpointLine)
	note = strings.ReplaceAll(string(l.until(`"`)), `\n`, "\n")
	l.literal("}")
	return note, !l.failed && len(l.rest) == 0
}
