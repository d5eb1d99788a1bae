package vaulttest_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

const checkpointPath = "/api/v2/audit/checkpoint"

type checkpointRow struct {
	Checkpoint, Origin, Status string
	LogID                      string `json:"log_id"`
	RootHash                   string `json:"root_hash"`
	Size                       uint64
	LagMS                      int64  `json:"lag_ms"`
	WitnessedSize              uint64 `json:"witnessed_size"`
}

// checkpoint returns the newest checkpoint as a client is told of it, whose signature
// it verifies.
func checkpoint(t *testing.T, v *vaulttest.Vault, c *vaulttest.Client) (checkpointRow, chain.Checkpoint) {
	t.Helper()
	var row checkpointRow
	c.Must(t, http.StatusOK, http.MethodGet, checkpointPath, nil).Into(t, &row)
	signed, err := chain.OpenCheckpoint(row.Checkpoint, v.Server.Bundle.Origin, v.Ring.Root())
	if err != nil || signed.Size != row.Size || signed.Root.String() != row.RootHash || row.LogID != v.Ring.LogID().String() {
		t.Fatalf("the checkpoint %+v says %+v, %v", row, signed, err)
	}
	return row, signed
}

func decodePath(t *testing.T, path []string) []chain.Hash {
	t.Helper()
	all := make([]chain.Hash, len(path))
	for i, s := range path {
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil || copy(all[i][:], b) != chain.HashSize {
			t.Fatalf("%q is no hash, %v", s, err)
		}
	}
	return all
}

// A client follows checkpoints, and what was in one is in all that come after it.
func TestTourCheckpoints(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		a, _ := story(t, v, "owner@example.com")
		first, _ := verify(t, export(t, a.Client), chain.Options{})
		if first.Anchored.Checkpoint.Size == 0 || first.Anchored.Anchor.LogID != v.Ring.LogID() {
			t.Fatalf("the export is not anchored: %+v", first)
		}
		w := watch(t, v, a.TenantID)
		row, before := checkpoint(t, v, a.Client)
		if before.Size < first.Anchored.Checkpoint.Size || row.Status != "unwitnessed" || row.WitnessedSize != 0 {
			t.Errorf("got %+v after a checkpoint of %d", row, first.Anchored.Checkpoint.Size)
		}
		w.saw(t) // who asks leaves no fact, or asking would never come to an end

		v.Register(t, "other@example.com")
		a.Seal(t, "late", `{"k":"v"}`)
		body := fmt.Sprintf(`{"format":"bundle","checkpoint_size":%d}`, first.Anchored.Checkpoint.Size)
		bundle := a.Must(t, http.StatusOK, http.MethodPost, "/api/v2/audit/export", body).Body
		second, found := verify(t, bundle, chain.Options{From: &first.End})
		if len(found) > 0 || second.Unlinked || second.Anchored.Checkpoint.Size <= before.Size || second.End.Checkpoint != second.Anchored.Checkpoint {
			t.Errorf("the next export: %+v, %v", second, found)
		}
		if again, found := verify(t, export(t, a.Client), chain.Options{From: &first.End}); len(found) > 0 || !again.Unlinked {
			t.Errorf("an export for which no checkpoint was named: %+v, %v", again, found)
		}

		var answer struct {
			From, To   uint64
			Path       []string
			Checkpoint string
		}
		query := fmt.Sprintf("/api/v2/audit/proof/consistency?from=%d&to=%d", before.Size, second.Anchored.Checkpoint.Size)
		a.Must(t, http.StatusOK, http.MethodGet, query, nil).Into(t, &answer)
		if after := second.Anchored.Checkpoint; !chain.AnchorsTree.GoesOn(before.Root, before.Size, after.Root, after.Size, decodePath(t, answer.Path)) {
			t.Errorf("%+v does not lead from %+v to %+v", answer, before, after)
		}
		for path, want := range map[string]int{
			"audit/proof/consistency":                http.StatusUnprocessableEntity,
			"audit/proof/consistency?from=0":         http.StatusUnprocessableEntity,
			"audit/proof/consistency?from=2&to=1":    http.StatusUnprocessableEntity,
			"audit/proof/consistency?from=1&to=9999": http.StatusUnprocessableEntity,
			"audit/proof/9999":                       http.StatusNotFound,
			"audit/proof/last":                       http.StatusNotFound,
			"tile/0/000.p/255":                       http.StatusNotFound,
			"tile/entries/000":                       http.StatusNotFound,
			"tile/../checkpoint":                     http.StatusNotFound,
			"tile/0":                                 http.StatusNotFound,
		} {
			a.Must(t, want, http.MethodGet, "/api/v2/"+path, nil)
		}
		blind, _ := key(t, v, a, map[string]any{"name": "blind", "scopes": []string{"vault:list"}})
		for _, path := range []string{"audit/checkpoint", "audit/proof/0", "audit/proof/consistency?from=1", "checkpoint", "tile/0/000.p/1"} {
			blind.Must(t, http.StatusForbidden, http.MethodGet, "/api/v2/"+path, nil)
			v.As("").Must(t, http.StatusUnauthorized, http.MethodGet, "/api/v2/"+path, nil)
		}
	})
}

// Every record is shown to be in the log by its header and two paths.
func TestTourProofs(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		v.Register(t, "other@example.com")
		a, _ := story(t, v, "owner@example.com")
		sealed := receiptsOf(t, a.Must(t, http.StatusCreated, http.MethodPost, sealPath, `{"name":"n","secret":"s"}`).Receipt(t))[0]
		for seq := range sealed.Seq + 1 {
			var p struct {
				EventHash  string `json:"event_hash"`
				Index      uint32 `json:"tenant_index"`
				Anchored   uint64 `json:"anchored_seq"`
				Place      uint64 `json:"tlog_index"`
				Headers    [][]byte
				Record     []byte
				HeadsPath  []string `json:"heads_path"`
				TlogPath   []string `json:"tlog_path"`
				Checkpoint string
			}
			a.Must(t, http.StatusOK, http.MethodGet, fmt.Sprintf("/api/v2/audit/proof/%d", seq), nil).Into(t, &p)
			c, err := chain.OpenCheckpoint(p.Checkpoint, v.Server.Bundle.Origin, v.Ring.Root())
			if err != nil {
				t.Fatal(err)
			}
			anchor, err := chain.ParseAnchor(p.Record)
			if err != nil {
				t.Fatal(err)
			}
			last := chain.Hash{}
			for i, b := range p.Headers {
				h, err := chain.ParseHeader(b)
				if err != nil || h.Seq != seq+uint64(i) || i > 0 && h.Prev != last {
					t.Fatalf("header %d of the proof of %d: %+v, %v", i, seq, h, err)
				}
				if last = (chain.Record{Header: b}).Hash(); i == 0 && (last.String() != p.EventHash || seq == sealed.Seq && last != sealed.Hash) {
					t.Errorf("the proof of %d is of %s, and says %s", seq, last, p.EventHash)
				}
			}
			leaf := chain.Leaf{Index: p.Index, Tenant: tenantID(t, a.TenantID).ID, Next: p.Anchored + 1, Hash: last}
			if !chain.HeadsTree.Includes(anchor.HeadsRoot, leaf.TreeHash(), uint64(p.Index), uint64(anchor.Tenants), decodePath(t, p.HeadsPath)) ||
				!chain.AnchorsTree.Includes(c.Root, anchor.TreeHash(), p.Place, c.Size, decodePath(t, p.TlogPath)) {
				t.Errorf("the proof of %d leads nowhere: %+v", seq, p)
			}
		}
	})
}

// The tiles are the tree that the checkpoint is signed over.
func TestTourTiles(t *testing.T) {
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		a := v.Register(t, "owner@example.com")
		export(t, a.Client)
		a.Seal(t, "late", `{"k":"v"}`)
		export(t, a.Client)
		note := a.Must(t, http.StatusOK, http.MethodGet, "/api/v2/checkpoint", nil)
		c, err := chain.OpenCheckpoint(string(note.Body), v.Server.Bundle.Origin, v.Ring.Root())
		if err != nil || note.Header.Get("Content-Type") != "text/plain; charset=utf-8" || note.Header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%v, %v", note.Header, err)
		}
		width := fmt.Sprintf("000.p/%d", c.Size)
		hashes := a.Must(t, http.StatusOK, http.MethodGet, "/api/v2/tile/0/"+width, nil)
		if !strings.Contains(hashes.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("a tile may change: %v", hashes.Header)
		}
		entries := a.Must(t, http.StatusOK, http.MethodGet, "/api/v2/tile/entries/"+width, nil).Body
		var leaves []chain.Hash
		for i := range c.Size {
			h := chain.Hash(hashes.Body[i*chain.HashSize:])
			entry := entries[i*(chain.AnchorSize+2):]
			anchor, err := chain.ParseAnchor(entry[2 : 2+chain.AnchorSize])
			if err != nil || string(entry[:2]) != "\x00\x84" || anchor.TreeHash() != h || anchor.Number != i {
				t.Errorf("entry %d is %+v, %v", i, anchor, err)
			}
			leaves = append(leaves, h)
		}
		root, err := chain.AnchorsTree.Root(c.Size, func(level int, index uint64) (chain.Hash, error) {
			return subtree(leaves, level, index), nil
		})
		if c.Size < 2 || err != nil || root != c.Root {
			t.Errorf("the tiles give %s, %v, and the checkpoint of %d says %s", root, err, c.Size, c.Root)
		}
	})
}

// subtree returns the complete subtree over leaves at a level.
func subtree(leaves []chain.Hash, level int, index uint64) chain.Hash {
	if level == 0 {
		return leaves[index]
	}
	return chain.AnchorsTree.Node(subtree(leaves, level-1, 2*index), subtree(leaves, level-1, 2*index+1))
}
