package chain_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

func TestCheckpoint(t *testing.T) {
	a := anchored(t, sample(t))
	want := a.checkpoint(6)
	note := a.note(6, root)
	witness := "— witness.example.com/w " + base64.StdEncoding.EncodeToString([]byte("four and more")) + "\n"
	for name, good := range map[string]string{
		"ours alone": note, "a witness below": note + witness, "a witness above": strings.Replace(note, "— ", witness+"— ", 1),
		"another key of our name": note + "— " + bundle0.Origin + " AAAAAAA=\n",
	} {
		if got, err := chain.OpenCheckpoint(good, bundle0.Origin, root.Public()); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	ours := note[strings.Index(note, "— "):]
	for name, bad := range map[string]string{
		"nothing": "", "no signature": note[:strings.Index(note, "— ")], "another key": a.note(6, other), "signed twice": note + ours,
		"a line more": strings.Replace(note, "\n\n", "\nmore\n\n", 1), "a zero": strings.Replace(note, "\n6\n", "\n06\n", 1),
		"a sign": strings.Replace(note, "\n6\n", "\n+6\n", 1), "no newline": strings.TrimSuffix(note, "\n"), "text after": note + "more\n",
		"too long": note + strings.Repeat(witness, chain.MaxNote/len(witness)), "Windows": strings.ReplaceAll(note, "\n", "\r\n"),
		"another size": strings.Replace(note, "\n6\n", "\n7\n", 1),
	} {
		if c, err := chain.OpenCheckpoint(bad, bundle0.Origin, root.Public()); !errors.Is(err, chain.ErrBadCheckpoint) {
			t.Errorf("%s: got %+v, %v, want ErrBadCheckpoint", name, c, err)
		}
	}
	if _, err := chain.OpenCheckpoint(note, "vault.example.org/audit", root.Public()); !errors.Is(err, chain.ErrBadCheckpoint) {
		t.Errorf("of another origin: got %v", err)
	}
}

// Whatever bit of a note is turned, it is refused.
func TestEveryBitOfANote(t *testing.T) {
	note := anchored(t, sample(t)).note(6, root)
	rapid.Check(t, func(t *rapid.T) {
		b := []byte(note)
		at := rapid.IntRange(0, len(b)-1).Draw(t, "byte")
		if rapid.Bool().Draw(t, "in the text") {
			at = rapid.IntRange(0, strings.Index(note, "— ")+40).Draw(t, "byte of the text")
		}
		b[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if c, err := chain.OpenCheckpoint(string(b), bundle0.Origin, root.Public()); err == nil {
			t.Fatalf("byte %d changed, and it says %+v", at, c)
		}
	})
}

func FuzzCheckpoint(f *testing.F) {
	note := anchored(f, sample(f)).note(6, root)
	f.Add(note)
	f.Add(note + note)
	f.Add("a\n0\n\n\n— a AAAAAAA=\n")
	text, _, _ := strings.Cut(note, "\n\n")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := chain.OpenCheckpoint(s, bundle0.Origin, root.Public())
		if err == nil && string(c.Text()) != text+"\n" {
			t.Fatalf("%q is signed and says %+v", s, c)
		}
	})
}

func TestTiles(t *testing.T) {
	for path, want := range map[string]chain.Tile{
		"0/000":                           {Width: 256},
		"0/000.p/1":                       {Width: 1},
		"7/999":                           {Level: 7, Index: 999, Width: 256},
		"1/x001/x234/067.p/255":           {Level: 1, Index: 1234067, Width: 255},
		"entries/x001/000.p/17":           {Entries: true, Index: 1000, Width: 17},
		"entries/x999/x999/x999/x999/999": {Entries: true, Index: 999999999999999, Width: 256},
	} {
		if got, ok := chain.ParseTile(path); !ok || got != want || got.String() != path {
			t.Errorf("%s: got %+v, %v, %s, want %+v", path, got, ok, got, want)
		}
	}
	for _, path := range []string{
		"", "0", "0/", "/000", "0/0", "0/00", "0/0000", "00/000", "-1/000", "+0/000", "8/000", "0/x000/001", "0/001/x000", "0/x001", "0/001/000",
		"0/000.p/0", "0/000.p/256", "0/000.p/01", "0/000.p/", "0/000/", "0/000.p", "entries", "entry/000", "0/x999/x999/x999/x999/x999/x999/999", "0/../000",
		"0/99999999999999999999",
	} {
		if got, ok := chain.ParseTile(path); ok {
			t.Errorf("%q is %+v", path, got)
		}
	}
}

func FuzzTile(f *testing.F) {
	f.Add("1/x001/x234/067.p/255")
	f.Add("entries/000")
	f.Fuzz(func(t *testing.T, path string) {
		if tile, ok := chain.ParseTile(path); ok && (tile.String() != path || tile.Width < 1 || tile.Width > chain.TileWidth) {
			t.Fatalf("%q is %+v, written %s", path, tile, tile)
		}
	})
}
