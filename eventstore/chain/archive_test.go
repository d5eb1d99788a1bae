package chain_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// realm is a log of three chains, anchored six times.
type realm struct {
	system, one, two *scribe
	anchors          []chain.Anchor
	leaves           [][]chain.Leaf // by anchor
	note             string
}

// newRealm writes one, in which the second tenant went on from an older copy if lossy.
func newRealm(t *testing.T, lossy bool) *realm {
	t.Helper()
	s := &scribe{t: t, logID: logID, root: root, key: audit3}
	s.genesis()
	for i, id := range [][16]byte{tenantA, tenantB} {
		s.write(event{
			Header:  chain.Header{AggregateKind: 1, AggregateVersion: uint64(i) + 1, EventType: "TENANT_ADDED"},
			payload: fmt.Appendf(nil, `{"tenant_id":"%s","tenant_index":%d}`, chain.FormatUUID(id), i+1),
		})
	}
	two := &scribe{t: t, logID: logID, root: root, key: audit2, tenant: tenantB, index: 2}
	two.genesis()
	two.unsealed()
	two.unsealed()
	r := &realm{system: s, one: sample(t), two: two}
	a := &anchoring{t: t}
	add := func(l chain.Leaf) {
		r.anchors = append(r.anchors, a.anchor(l))
		r.leaves = append(r.leaves, []chain.Leaf{l})
	}
	add(headOf(s, 1))
	add(headOf(r.one, 3))
	add(headOf(two, 1))
	add(headOf(two, 3))
	if lossy {
		two.restored(2, nil)
		last := two.records[len(two.records)-1]
		add(chain.Leaf{Index: 2, Tenant: tenantB, Next: two.head.Next, Hash: last.Hash()})
	}
	add(headOf(s, 3))
	add(headOf(r.one, 8))
	r.note = a.note(uint64(len(r.anchors)), root)
	return r
}

// archive returns the realm as an archive.
func (r *realm) archive(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, s := range []*scribe{r.system, r.one, r.two} {
		if s == nil {
			continue
		}
		h := bundle0
		h.TenantID = s.tenant
		last, err := s.records[len(s.records)-1].Index()
		if err != nil {
			t.Fatal(err)
		}
		h.ToSeq = last.Seq
		w, err := chain.NewBundleWriter(&b, h)
		if err != nil {
			t.Fatal(err)
		}
		for _, record := range s.records {
			at, err := record.Index()
			if err != nil {
				t.Fatal(err)
			}
			if err := w.WriteEvent(at.Seq, record); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, a := range r.anchors {
		b.Write(chain.AppendHeads(nil, a, r.leaves[i]))
	}
	if r.note != "" {
		b.Write(chain.AppendCheckpoint(nil, r.note))
	}
	return b.Bytes()
}

func archiveFindings(t *testing.T, b []byte) (found []string, s chain.ArchiveSummary) {
	t.Helper()
	s, err := chain.VerifyArchive(t.Context(), bytes.NewReader(b), chain.ArchiveOptions{
		LogID: &logID, Now: today, Workers: 2, Report: func(f chain.Finding) {
			found = append(found, fmt.Sprintf("%x %d %s", f.Tenant[0], f.Seq, f.Check))
		},
	})
	if err != nil || len(found) != s.Findings {
		t.Fatalf("%d findings told of %d: %v", len(found), s.Findings, err)
	}
	return found, s
}

// An archive shows what no bundle of one chain can: that no anchor ever held anything
// else than what is there, of any chain.
func TestArchive(t *testing.T) {
	for name, test := range map[string]struct {
		lossy  bool
		change func(r *realm)
		want   []string
	}{
		"good":             {false, func(*realm) {}, nil},
		"a loss":           {true, func(*realm) {}, nil},
		"nothing anchored": {false, func(r *realm) { r.anchors, r.leaves, r.note = nil, nil, "" }, nil},
		"a chain cut":      {false, func(r *realm) { r.one.records = r.one.records[:7] }, []string{"aa 7 V23"}},
		"a chain removed":  {false, func(r *realm) { r.two = nil }, []string{"bb 0 V23", "bb 2 V23"}},
		"a fork behind an older anchor": {false, func(r *realm) {
			r.two.head, r.two.records = chain.Head{Next: 2, Hash: r.two.records[1].Hash()}, r.two.records[:2]
			r.two.changed(9, 1)
		}, []string{"bb 2 V19"}},
		"a tenant unknown to the system chain": {false, func(r *realm) {
			r.system.records = r.system.records[:2]
		}, []string{"bb 0 V22", "bb 2 V22", "0 2 V23"}},
		"an anchor dropped": {false, func(r *realm) { r.anchors, r.leaves = r.anchors[:5], r.leaves[:5] }, []string{"0 0 V24"}},
		"an anchor dropped in the middle": {false, func(r *realm) {
			r.anchors = append(r.anchors[:3:3], r.anchors[4:]...)
			r.leaves = append(r.leaves[:3:3], r.leaves[4:]...)
		}, []string{"0 4 V21", "0 4 V20", "0 4 V21", "0 5 V21", "0 5 V20", "0 5 V21", "0 0 V24"}},
		"the first anchor dropped": {false, func(r *realm) { r.anchors, r.leaves = r.anchors[1:], r.leaves[1:] }, []string{
			"0 1 V21", "aa 2 V20", "0 1 V20", "0 1 V21", "0 2 V21", "bb 0 V20", "0 2 V20", "0 2 V21", "0 3 V21", "bb 2 V20", "0 3 V20", "0 3 V21",
			"0 4 V21", "0 4 V20", "0 4 V21", "0 5 V21", "0 5 V20", "0 5 V21", "bb 0 V22", "0 0 V24",
		}},
		"a leaf that goes back": {false, func(r *realm) { r.leaves[5] = []chain.Leaf{headOf(r.one, 2)} }, []string{"aa 1 V20", "0 5 V20", "0 5 V21"}},
		"another checkpoint":    {false, func(r *realm) { r.note = "x" }, []string{"0 0 V25"}},
		"no checkpoint":         {false, func(r *realm) { r.note = "" }, []string{"0 0 V25"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRealm(t, test.lossy)
			test.change(r)
			found, s := archiveFindings(t, r.archive(t))
			if diff := cmp.Diff(test.want, found); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(test.want) == 0 && (s.Chains != 3 || s.Anchors != uint64(len(r.anchors)) || s.Checkpoint.Size != s.Anchors || test.lossy != (s.Lost == 1)) {
				t.Errorf("got %+v", s)
			}
		})
	}
}

// Whatever is damaged, the verifier comes to an end, and nothing that means something
// goes unnoticed.
func TestDamagedArchive(t *testing.T) {
	good := newRealm(t, false).archive(t)
	if _, err := chain.VerifyArchive(t.Context(), bytes.NewReader(nil), chain.ArchiveOptions{}); !errors.Is(err, chain.ErrUnreadable) {
		t.Errorf("nothing at all: got %v", err)
	}
	lines := bytes.SplitAfter(good, []byte("\n"))
	for i := range lines[:len(lines)-1] {
		without := append(bytes.Join(lines[:i], nil), bytes.Join(lines[i+1:], nil)...)
		s, err := chain.VerifyArchive(t.Context(), bytes.NewReader(without), chain.ArchiveOptions{LogID: &logID, Now: today})
		if err == nil && s.Findings == 0 {
			t.Errorf("without line %d it verifies", i)
		}
		for _, at := range []int{2, 12, len(lines[i]) / 2, len(lines[i]) - 3} {
			b := bytes.Clone(good)
			if at += len(bytes.Join(lines[:i], nil)); b[at] == 'x' {
				continue
			}
			b[at] = 'x'
			s, err := chain.VerifyArchive(t.Context(), bytes.NewReader(b), chain.ArchiveOptions{LogID: &logID, Now: today})
			if err == nil && s.Findings == 0 {
				t.Errorf("with line %d changed at %d it verifies", i, at)
			}
		}
	}
}
