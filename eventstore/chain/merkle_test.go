package chain_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// The trees of the test vectors that came with RFC 6962: eight leaves, and the
// root over each first so many.
var (
	rfcLeaves = []string{"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"}
	rfcRoots  = []string{
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	}
)

// nodesOf returns the complete subtrees over leaves, computed as RFC 6962 §2.1 says.
func nodesOf(tree chain.Tree, leaves []chain.Hash) chain.Nodes {
	var node chain.Nodes
	node = func(level int, index uint64) (chain.Hash, error) {
		if (index+1)<<level > uint64(len(leaves)) {
			return chain.Hash{}, fmt.Errorf("no complete subtree %d/%d", level, index)
		}
		if level == 0 {
			return leaves[index], nil
		}
		left, _ := node(level-1, 2*index)
		right, _ := node(level-1, 2*index+1)
		return tree.Node(left, right), nil
	}
	return node
}

// mth is the definition of the root, RFC 6962 §2.1, word for word.
func mth(tree chain.Tree, leaves []chain.Hash) chain.Hash {
	if len(leaves) == 1 {
		return leaves[0]
	}
	k := 1
	for 2*k < len(leaves) {
		k *= 2
	}
	return tree.Node(mth(tree, leaves[:k]), mth(tree, leaves[k:]))
}

func TestRootsOfTheRFC(t *testing.T) {
	var leaves []chain.Hash
	for _, data := range rfcLeaves {
		b, err := hex.DecodeString(data)
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, chain.AnchorsTree.Leaf(b))
	}
	for size, want := range rfcRoots {
		got, err := chain.AnchorsTree.Root(uint64(size), nodesOf(chain.AnchorsTree, leaves))
		if err != nil || got.String() != want {
			t.Errorf("%d leaves: got %s, %v, want %s", size, got, err, want)
		}
	}
}

// drawLeaves draws a tree.
func drawLeaves(t *rapid.T, tree chain.Tree, most int) []chain.Hash {
	leaves := make([]chain.Hash, rapid.IntRange(1, most).Draw(t, "leaves"))
	for i := range leaves {
		leaves[i] = tree.Leaf(fmt.Appendf(nil, "leaf %d", i))
	}
	return leaves
}

// alter returns a copy of path with one bit turned, one hash more, or one fewer.
func alter(t *rapid.T, path []chain.Hash) []chain.Hash {
	changed := append([]chain.Hash{}, path...)
	switch how := rapid.IntRange(0, 3).Draw(t, "how"); {
	case how == 0:
		return append(changed, chain.Hash{})
	case how == 1:
		return append([]chain.Hash{{}}, changed...)
	case len(path) == 0:
		return append(changed, chain.Hash{1})
	case how == 2:
		return changed[:len(path)-1]
	}
	changed[rapid.IntRange(0, len(path)-1).Draw(t, "at")][rapid.IntRange(0, 31).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
	return changed
}

// Every leaf is shown to be in its place, and in no other, by its path and no other.
func TestInclusion(t *testing.T) {
	for _, tree := range []chain.Tree{chain.HeadsTree, chain.AnchorsTree} {
		rapid.Check(t, func(t *rapid.T) {
			leaves := drawLeaves(t, tree, 300)
			size := uint64(len(leaves))
			nodes := nodesOf(tree, leaves)
			root, err := tree.Root(size, nodes)
			if err != nil || root != mth(tree, leaves) {
				t.Fatalf("the root is %s, %v, want %s", root, err, mth(tree, leaves))
			}
			index := rapid.Uint64Range(0, size-1).Draw(t, "index")
			path, err := tree.Inclusion(index, size, nodes)
			if err != nil || !tree.Includes(root, leaves[index], index, size, path) {
				t.Fatalf("leaf %d of %d is not included, %v", index, size, err)
			}
			if changed := alter(t, path); tree.Includes(root, leaves[index], index, size, changed) {
				t.Fatalf("leaf %d of %d is included by another path", index, size)
			}
			other := rapid.Uint64Range(0, size+3).Draw(t, "other index")
			if other != index && tree.Includes(root, leaves[index], other, size, path) {
				t.Fatalf("leaf %d of %d is included at %d", index, size, other)
			}
			root[rapid.IntRange(0, 31).Draw(t, "byte of the root")] ^= 1
			if tree.Includes(root, leaves[index], index, size, path) {
				t.Fatal("included in another root")
			}
		})
	}
	if _, err := chain.HeadsTree.Inclusion(3, 3, nil); err == nil {
		t.Error("a leaf that is not there has a path")
	}
}

// A tree goes on from every tree of its first leaves, and from no other.
func TestConsistency(t *testing.T) {
	tree := chain.AnchorsTree
	rapid.Check(t, func(t *rapid.T) {
		leaves := drawLeaves(t, tree, 300)
		to := uint64(len(leaves))
		from := rapid.Uint64Range(1, to).Draw(t, "from")
		nodes := nodesOf(tree, leaves)
		before, after := mth(tree, leaves[:from]), mth(tree, leaves)
		path, err := tree.Consistency(from, to, nodes)
		if err != nil || !tree.GoesOn(before, from, after, to, path) {
			t.Fatalf("%d to %d: not consistent, %v", from, to, err)
		}
		if changed := alter(t, path); tree.GoesOn(before, from, after, to, changed) {
			t.Fatalf("%d to %d: consistent by another path", from, to)
		}
		for _, root := range []*chain.Hash{&before, &after} {
			root[5] ^= 8
			if tree.GoesOn(before, from, after, to, path) {
				t.Fatalf("%d to %d: consistent with another root", from, to)
			}
			root[5] ^= 8
		}
		leaves[rapid.Uint64Range(0, from-1).Draw(t, "rewritten")][0] ^= 1
		forged, _ := tree.Consistency(from, to, nodesOf(tree, leaves))
		if tree.GoesOn(before, from, mth(tree, leaves), to, forged) {
			t.Fatalf("%d to %d: a rewritten tree is consistent", from, to)
		}
	})
	empty, _ := tree.Root(0, nil)
	if !tree.GoesOn(empty, 0, chain.Hash{1}, 7, nil) || tree.GoesOn(chain.Hash{}, 0, chain.Hash{1}, 7, nil) || tree.GoesOn(chain.Hash{1}, 7, empty, 0, nil) {
		t.Error("everything goes on from the empty tree, and it from nothing")
	}
	if _, err := tree.Consistency(0, 3, nil); err == nil {
		t.Error("a path from nothing")
	}
	lost := errors.New("lost")
	if _, err := tree.Consistency(2, 3, func(int, uint64) (chain.Hash, error) { return chain.Hash{}, lost }); !errors.Is(err, lost) {
		t.Errorf("got %v, want the error of what holds the nodes", err)
	}
}

// The heads tree in memory is the tree over its leaves, whatever changes.
func TestHeads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var heads chain.Heads
		var leaves []chain.Hash
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				l := chain.Leaf{Index: uint32(rapid.IntRange(0, len(leaves)).Draw(t, "index")), Next: rapid.Uint64().Draw(t, "next")}
				if !heads.Set(l) {
					t.Fatalf("leaf %d of %d was refused", l.Index, len(leaves))
				}
				if int(l.Index) == len(leaves) {
					leaves = append(leaves, chain.Hash{})
				}
				leaves[l.Index] = l.TreeHash()
			},
			"": func(t *rapid.T) {
				if heads.Len() != uint64(len(leaves)) || heads.Set(chain.Leaf{Index: uint32(len(leaves) + 1)}) {
					t.Fatalf("%d leaves, want %d, and none behind a gap", heads.Len(), len(leaves))
				}
				if len(leaves) == 0 {
					return
				}
				index := rapid.IntRange(0, len(leaves)-1).Draw(t, "looked at")
				root := heads.Root()
				if root != mth(chain.HeadsTree, leaves) ||
					!chain.HeadsTree.Includes(root, leaves[index], uint64(index), heads.Len(), heads.Path(uint32(index))) {
					t.Fatalf("of %d leaves %d is not in its place", len(leaves), index)
				}
			},
		})
	})
}
