package chain_test

import (
	"bytes"
	"testing"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// A bundle that ReadBundle takes is written again byte for byte, but for its anchor
// and a newline lost at the end, and whatever it is given VerifyBundle comes to an end.
func FuzzBundle(f *testing.F) {
	s := sample(f)
	good := bundle(f, bundle0, s.records[:3])
	a := &anchoring{t: f}
	a.anchor(chain.Leaf{Next: 3, Hash: chain.Hash{1}})
	a.anchor(headOf(s, 3))
	f.Add(anchoredBundle(f, s.records[:3], a.proof(1, 1)))
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add(bytes.Replace(good, []byte(`"detached":null`), []byte(`"detached":""`), 1))
	f.Add(append(bytes.Clone(good), `{"type":"anchor","record":"AA=="}`...))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := chain.VerifyBundle(t.Context(), bytes.NewReader(b), chain.Options{LogID: &logID, Now: today})
		if err == nil && s.Findings == 0 && !bytes.HasPrefix(b, good[:len(good)-1]) {
			t.Fatalf("%q verifies", b)
		}
		h, records, err := chain.ReadBundle(bytes.NewReader(b))
		if err != nil {
			return
		}
		var again bytes.Buffer
		w, err := chain.NewBundleWriter(&again, h)
		if err != nil {
			t.Fatal(err)
		}
		seq := h.FromSeq
		for r, err := range records {
			if err != nil {
				return
			}
			if err := w.WriteEvent(seq, r); err != nil {
				t.Fatal(err)
			}
			seq++
		}
		b, _, _ = bytes.Cut(b, []byte(`{"type":"anchor",`))
		if got := again.Bytes(); !bytes.Equal(bytes.TrimSuffix(b, []byte("\n")), bytes.TrimSuffix(got, []byte("\n"))) {
			t.Fatalf("%q is written as %q", b, got)
		}
	})
}
