package chain

import (
	"fmt"
	"strconv"
	"strings"
)

// TileWidth is how many hashes, or anchors, a full tile holds.
const TileWidth = 256

// MaxTileLevel is the highest level of tiles: those above would hold more hashes
// than there are sequence numbers.
const MaxTileLevel = 7

// Tile names one tile of the log of anchors (C2SP tlog-tiles).
type Tile struct {
	Level   int    // hashes of nodes at Level·8; 0 where it holds Entries
	Entries bool   // anchors, not hashes
	Index   uint64 // which tile of its level
	Width   int    // 1 to TileWidth: how much of it there is
}

// First returns the index of the tile's first hash among the nodes of its level,
// or of its first anchor.
func (t Tile) First() uint64 { return t.Index * TileWidth }

// String returns the tile's path below "tile/": L/N, or entries/N, with .p/W
// behind it where the tile is not full.
func (t Tile) String() string {
	level := strconv.Itoa(t.Level)
	if t.Entries {
		level = "entries"
	}
	n := fmt.Sprintf("%03d", t.Index%1000)
	for rest := t.Index / 1000; rest > 0; rest /= 1000 {
		n = fmt.Sprintf("x%03d/", rest%1000) + n
	}
	if t.Width < TileWidth {
		n += ".p/" + strconv.Itoa(t.Width)
	}
	return level + "/" + n
}

// ParseTile reads what String writes, and nothing else.
func ParseTile(path string) (Tile, bool) {
	t := Tile{Width: TileWidth}
	level, rest, _ := strings.Cut(path, "/")
	if n, width, partial := strings.Cut(rest, ".p/"); partial {
		w, err := strconv.Atoi(width)
		if err != nil || w < 1 || w >= TileWidth {
			return Tile{}, false
		}
		t.Width, rest = w, n
	}
	if t.Entries = level == "entries"; !t.Entries {
		var err error
		if t.Level, err = strconv.Atoi(level); err != nil || t.Level < 0 || t.Level > MaxTileLevel {
			return Tile{}, false
		}
	}
	for part := range strings.SplitSeq(rest, "/") {
		n, err := strconv.ParseUint(strings.TrimPrefix(part, "x"), 10, 10)
		if err != nil || t.Index > (1<<56)/1000 {
			return Tile{}, false
		}
		t.Index = t.Index*1000 + n
	}
	return t, t.Index < 1<<56 && t.String() == path
}
