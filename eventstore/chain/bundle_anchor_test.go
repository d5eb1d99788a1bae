package chain_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// anchoredBundle returns records as a bundle that ends with a proof.
func anchoredBundle(tb testing.TB, records []chain.Record, p chain.Proof) []byte {
	tb.Helper()
	b := bytes.NewBuffer(bundle(tb, bundle0, records))
	b.Write(proofLine(tb, p))
	return b.Bytes()
}

func proofLine(tb testing.TB, p chain.Proof) []byte {
	tb.Helper()
	var b bytes.Buffer
	w, err := chain.NewBundleWriter(&b, bundle0)
	if err != nil {
		tb.Fatal(err)
	}
	b.Reset()
	if err := w.WriteAnchor(p); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// The exact form that third parties rely on.
func TestAnchorForm(t *testing.T) {
	p := chain.Proof{
		Record: []byte{1}, TenantIndex: 7, HeadsPath: []chain.Hash{{}, {0xff}}, TlogIndex: 9, TlogPath: []chain.Hash{},
		Checkpoint: "vault.example.com/audit\n1\nAA==\n\n— x AA==\n",
	}
	a, b := strings.Repeat("A", 43)+"=", "/w"+strings.Repeat("A", 41)+"="
	want := `{"type":"anchor","record":"AQ==","tenant_index":7,"heads_path":["` + a + `","` + b + `"],"tlog_index":9,"tlog_path":[],` +
		`"checkpoint":"vault.example.com/audit\n1\nAA==\n\n— x AA==\n"`
	if diff := cmp.Diff(want+"}\n", string(proofLine(t, p))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	p.ConsistencyFrom, p.ConsistencyPath = 3, []chain.Hash{{}}
	if diff := cmp.Diff(want+`,"consistency_from":3,"consistency_path":["`+a+`"]}`+"\n", string(proofLine(t, p))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAnchoredBundle(t *testing.T) {
	s := sample(t)
	a := anchored(t, s)
	good := anchoredBundle(t, s.records, a.proof(1, 0))
	want(t, verify(t, good, chain.Options{LogID: &logID}))
	summary, err := chain.VerifyBundle(t.Context(), bytes.NewReader(good), chain.Options{LogID: &logID, Now: today})
	if err != nil || summary.Anchored.Checkpoint != a.checkpoint(6) || summary.Anchored.Anchor != a.anchors[5] || summary.Events != 8 ||
		summary.End.Checkpoint != a.checkpoint(6) {
		t.Errorf("got %+v, %v", summary, err)
	}
	_, records, err := chain.ReadBundle(bytes.NewReader(good))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range records {
		if n++; err != nil {
			t.Error(err)
		}
	}
	if n != 8 {
		t.Errorf("read %d records, want 8", n)
	}

	elsewhere := anchored(t, s)
	elsewhere.anchors[5].LogID = chain.Hash{9}
	swapped := a.proof(1, 0)
	swapped.TlogIndex--
	moved := a.proof(2, 0)
	forged := a.proof(1, 0)
	forged.Checkpoint = a.note(6, other)
	short := a.proof(1, 0)
	short.TlogPath = short.TlogPath[1:]
	nothing := a.proof(1, 0)
	nothing.Record = nothing.Record[1:]
	grown := anchored(t, s)
	grown.anchor(chain.Leaf{Index: 1, Tenant: tenantA, Next: 9, Hash: chain.Hash{9}})
	for name, tt := range map[string]struct {
		bundle []byte
		want   []string
	}{
		"tail cut":        {anchoredBundle(t, s.records[:7], a.proof(1, 0)), []string{"6 V23"}},
		"all but genesis": {anchoredBundle(t, s.records[:1], a.proof(1, 0)), []string{"0 V23"}},
		"forked":          {anchoredBundle(t, append(s.records[:5:5], forkFrom(t, s, 5)...), a.proof(1, 0)), []string{"7 V23"}},
		"older than it":   {anchoredBundle(t, s.records, grown.proof(1, 0)), []string{"7 V23"}},
		"another log":     {anchoredBundle(t, s.records, elsewhere.proof(1, 0)), []string{"7 V3"}},
		"place":           {anchoredBundle(t, s.records, swapped), []string{"7 V21"}},
		"another chain's": {anchoredBundle(t, s.records, moved), []string{"7 V15", "7 V23"}},
		"another root":    {anchoredBundle(t, s.records, forged), []string{"7 V25"}},
		"no path":         {anchoredBundle(t, s.records, short), []string{"7 V24"}},
		"no anchor":       {anchoredBundle(t, s.records, nothing), []string{"7 V21"}},
		"twice":           {append(bytes.Clone(good), proofLine(t, a.proof(1, 0))...), []string{"8 V5"}},
		"in the middle": {func() []byte {
			lines := bytes.SplitAfter(good, []byte("\n"))
			return bytes.Join([][]byte{bytes.Join(lines[:8], nil), lines[9], lines[8]}, nil)
		}(), []string{"7 V5"}},
		"damaged": {swap(t, good, `"tlog_index":5`, `"tlog_index":05`), []string{"8 V1", "8 V5"}},
	} {
		t.Run(name, func(t *testing.T) { want(t, verify(t, tt.bundle, chain.Options{LogID: &logID}), tt.want...) })
	}
}

// Whatever bit of an anchor's line is turned, the bundle does not verify as before.
func TestEveryBitOfAnAnchor(t *testing.T) {
	s := newScribe(t)
	a := &anchoring{t: t}
	a.anchor(chain.Leaf{Next: 3, Hash: chain.Hash{1}})
	a.anchor(headOf(s, 1))
	good := anchoredBundle(t, s.records, a.proof(1, 1))
	start := bytes.Index(good, []byte(`{"type":"anchor"`))
	note := bytes.Index(good, []byte(`— `)) + 40 // the rest is a signature, which costs a verification
	before := chain.Verified{LogID: logID, Pinned: true, Tenant: tenantA, Checkpoint: a.checkpoint(1)}
	first, err := chain.VerifyBundle(t.Context(), bytes.NewReader(good), chain.Options{From: &before, Now: today, Workers: 1})
	if err != nil || first.Findings > 0 || first.Unlinked || first.End.Checkpoint.Size != 2 {
		t.Fatalf("untouched: %+v, %v", first, err)
	}
	rapid.Check(t, func(t *rapid.T) {
		b := bytes.Clone(good)
		at := rapid.IntRange(start, len(b)-1).Draw(t, "byte")
		if at > note && at < note+4000 {
			at -= 4000
		}
		b[max(at, start)] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if bytes.Equal(bytes.TrimSuffix(b, []byte("\n")), bytes.TrimSuffix(good, []byte("\n"))) {
			return
		}
		got, err := chain.VerifyBundle(t.Context(), bytes.NewReader(b), chain.Options{From: &before, Now: today, Workers: 1})
		if err == nil && got.Findings == 0 && !got.Unlinked {
			t.Fatalf("byte %d is %q, and it verifies", at-start, b[at])
		}
	})
}

// A checkpoint goes on from the one of the run before, or that is found (V27).
func TestCheckpointsGoOn(t *testing.T) {
	s := sample(t)
	a := anchored(t, s)
	fork := anchored(t, s)
	fork.anchors[2].TimeUS++
	for i := 3; i < len(fork.anchors); i++ {
		fork.anchors[i].Prev = fork.anchors[i-1].Hash()
	}
	for name, tt := range map[string]struct {
		before   chain.Checkpoint
		proof    chain.Proof
		want     []string
		unlinked bool
	}{
		"goes on":             {before: a.checkpoint(4), proof: a.proof(1, 4)},
		"the same":            {before: a.checkpoint(6), proof: a.proof(1, 0)},
		"not shown":           {before: a.checkpoint(4), proof: a.proof(1, 0), unlinked: true},
		"shown for another":   {before: a.checkpoint(4), proof: a.proof(1, 3), unlinked: true},
		"fewer":               {before: chain.Checkpoint{Origin: bundle0.Origin, Size: 7}, proof: a.proof(1, 0), want: []string{"7 V27"}},
		"another of its size": {before: fork.checkpoint(6), proof: a.proof(1, 0), want: []string{"7 V27"}},
		"forked":              {before: fork.checkpoint(4), proof: a.proof(1, 4), want: []string{"7 V27"}},
		"before the fork":     {before: fork.checkpoint(2), proof: a.proof(1, 2)},
	} {
		t.Run(name, func(t *testing.T) {
			var found []string
			o := chain.Options{
				From: &chain.Verified{LogID: logID, Tenant: tenantA, Checkpoint: tt.before}, Now: today,
				Report: func(f chain.Finding) { found = append(found, fmt.Sprintf("%d %s", f.Seq, f.Check)) },
			}
			got, err := chain.VerifyBundle(t.Context(), bytes.NewReader(anchoredBundle(t, s.records, tt.proof)), o)
			if err != nil || got.Unlinked != tt.unlinked {
				t.Errorf("got %+v, %v", got, err)
			}
			want(t, found, tt.want...)
			if end := got.End.Checkpoint; tt.unlinked && end != tt.before || !tt.unlinked && tt.want == nil && end.Size != 6 {
				t.Errorf("the next run begins with %+v", end)
			}
		})
	}
	o := chain.Options{From: &chain.Verified{LogID: logID, Tenant: tenantA, Checkpoint: a.checkpoint(4)}, Now: today}
	if got, err := chain.VerifyBundle(t.Context(), bytes.NewReader(bundle(t, bundle0, s.records)), o); err != nil || !got.Unlinked || got.End.Checkpoint != a.checkpoint(4) {
		t.Errorf("without an anchor: got %+v, %v", got, err)
	}
}
