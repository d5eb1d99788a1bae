package chain_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// anchoring is a log of anchors over the heads of some chains.
type anchoring struct {
	t       testing.TB
	heads   chain.Heads
	anchors []chain.Anchor
	leaves  []chain.Leaf
}

// anchor writes an anchor after a leaf changed.
func (a *anchoring) anchor(l chain.Leaf) chain.Anchor {
	a.t.Helper()
	if !a.heads.Set(l) {
		a.t.Fatalf("leaf %d stands behind a gap", l.Index)
	}
	for len(a.leaves) <= int(l.Index) {
		a.leaves = append(a.leaves, chain.Leaf{})
	}
	a.leaves[l.Index] = l
	n := uint64(len(a.anchors))
	next := chain.Anchor{LogID: logID, Number: n, TimeUS: uint64(began.UnixMicro()) + n, Tenants: uint32(a.heads.Len()), HeadsRoot: a.heads.Root()}
	for _, l := range a.leaves {
		next.TotalEvents += l.Next
	}
	if n > 0 {
		next.Prev = a.anchors[n-1].Hash()
	}
	a.anchors = append(a.anchors, next)
	return next
}

func (a *anchoring) nodes() chain.Nodes {
	var leaves []chain.Hash
	for _, anchor := range a.anchors {
		leaves = append(leaves, anchor.TreeHash())
	}
	return nodesOf(chain.AnchorsTree, leaves)
}

func (a *anchoring) checkpoint(size uint64) chain.Checkpoint {
	a.t.Helper()
	root, err := chain.AnchorsTree.Root(size, a.nodes())
	if err != nil {
		a.t.Fatal(err)
	}
	return chain.Checkpoint{Origin: bundle0.Origin, Size: size, Root: root}
}

// note returns the checkpoint of the first size anchors, signed without randomness.
func (a *anchoring) note(size uint64, by *chain.SigningKey) string {
	a.t.Helper()
	c := a.checkpoint(size)
	signature, err := by.SignDeterministic(chain.ContextCheckpoint, c.Text())
	if err != nil {
		a.t.Fatal(err)
	}
	return c.Note(by.Public(), signature)
}

// proof shows that the newest anchor holds a leaf, under the newest checkpoint.
func (a *anchoring) proof(index uint32, from uint64) chain.Proof {
	a.t.Helper()
	size := uint64(len(a.anchors))
	path, err := chain.AnchorsTree.Inclusion(size-1, size, a.nodes())
	if err != nil {
		a.t.Fatal(err)
	}
	p := chain.Proof{
		Record: a.anchors[size-1].Append(nil), TenantIndex: index, HeadsPath: a.heads.Path(index),
		TlogIndex: size - 1, TlogPath: path, Checkpoint: a.note(size, root),
	}
	if from > 0 {
		p.ConsistencyFrom = from
		if p.ConsistencyPath, err = chain.AnchorsTree.Consistency(from, size, a.nodes()); err != nil {
			a.t.Fatal(err)
		}
	}
	return p
}

// headOf returns the leaf of a chain of the first n records of s.
func headOf(s *scribe, n int) chain.Leaf {
	return chain.Leaf{Index: s.index, Tenant: s.tenant, Next: uint64(n), Hash: s.records[n-1].Hash()}
}

// anchored anchors the chain of s as it grows, beside two others.
func anchored(tb testing.TB, s *scribe) *anchoring {
	tb.Helper()
	a := &anchoring{t: tb}
	a.anchor(chain.Leaf{Next: 3, Hash: chain.Hash{1}})
	a.anchor(headOf(s, 1))
	a.anchor(chain.Leaf{Index: 2, Tenant: tenantB, Hash: chain.GenesisPrev(logID, tenantB)})
	a.anchor(headOf(s, 5))
	a.anchor(chain.Leaf{Index: 2, Tenant: tenantB, Next: 1, Hash: chain.Hash{2}})
	a.anchor(headOf(s, len(s.records)))
	return a
}

func TestLeafAndAnchorCodecs(t *testing.T) {
	bytes32 := rapid.Custom(func(t *rapid.T) (h chain.Hash) {
		copy(h[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "bytes"))
		return h
	})
	rapid.Check(t, func(t *rapid.T) {
		h, u := bytes32.Draw(t, "hash"), rapid.Uint64()
		l := chain.Leaf{
			Index: rapid.Uint32().Draw(t, "index"), Tenant: [16]byte(h[8:24]), Next: u.Draw(t, "next"), Hash: h, Closed: rapid.Bool().Draw(t, "closed"),
		}
		b := l.Append(nil)
		if got, err := chain.ParseLeaf(b); err != nil || got != l || len(b) != chain.LeafSize {
			t.Fatalf("%d bytes are read as %+v, %v, want %+v", len(b), got, err, l)
		}
		at, bit := rapid.IntRange(0, len(b)-1).Draw(t, "byte"), byte(1)<<rapid.IntRange(0, 7).Draw(t, "bit")
		b[at] ^= bit
		if got, err := chain.ParseLeaf(b); err == nil && (got == l || !bytes.Equal(got.Append(nil), b)) {
			t.Fatalf("a changed leaf is read as %+v", got)
		}
		a := chain.Anchor{
			LogID: h, Number: u.Draw(t, "number"), Prev: bytes32.Draw(t, "prev"), TimeUS: u.Draw(t, "time"),
			TotalEvents: u.Draw(t, "events"), Tenants: rapid.Uint32().Draw(t, "tenants"), HeadsRoot: bytes32.Draw(t, "root"),
		}
		b = a.Append(nil)
		if got, err := chain.ParseAnchor(b); err != nil || got != a || len(b) != chain.AnchorSize {
			t.Fatalf("%d bytes are read as %+v, %v, want %+v", len(b), got, err, a)
		}
		b[at] ^= bit
		if got, err := chain.ParseAnchor(b); err == nil && (got == a || got.Hash() == a.Hash() || got.TreeHash() == a.TreeHash()) {
			t.Fatalf("a changed anchor is read as %+v", got)
		}
	})
}

// The forms that third parties rely on, and their hashes.
func TestAnchorGolden(t *testing.T) {
	s := sample(t)
	a := anchored(t, s)
	var b strings.Builder
	line := func(name string, v any) { _, _ = fmt.Fprintf(&b, "%-12s %v\n", name, v) }
	for _, l := range a.leaves {
		line("leaf", hex.EncodeToString(l.Append(nil)))
		line("tree hash", l.TreeHash())
	}
	for _, anchor := range a.anchors {
		line("anchor", hex.EncodeToString(anchor.Append(nil)))
		line("tree hash", anchor.TreeHash())
	}
	for size := uint64(1); size <= 6; size++ {
		line("root", a.checkpoint(size).Root)
	}
	line("verifier key", chain.VerifierKey(bundle0.Origin, root.Public()))
	b.WriteString("note\n" + a.note(6, root))
	golden(t, "anchors.txt", b.String())
}

// golden compares text with a golden file, or rewrites it.
func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}
