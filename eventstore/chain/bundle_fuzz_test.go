package chain_test

import (
	"bytes"
	"testing"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// A bundle that ReadBundle takes is written again byte for byte, but for a newline
// lost at the end, and whatever it is given VerifyBundle comes to an end.
func FuzzBundle(f *testing.F) {
	good := bundle(f, bundle0, sample(f).records[:3])
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
		if got := again.Bytes(); !bytes.Equal(bytes.TrimSuffix(b, []byte("\n")), bytes.TrimSuffix(got, []byte("\n"))) {
			t.Fatalf("%q is written as %q", b, got)
		}
	})
}
