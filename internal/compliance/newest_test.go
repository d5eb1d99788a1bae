package compliance_test

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/internal/compliance"
)

// The newest of many facts are cited in the order of the chain, whatever the order in
// which they come; of two at one place the one that came last is the first.
func TestNewestFacts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 5*compliance.MaxCited).Draw(t, "n")
		up := rapid.Uint64Range(0, 2).Draw(t, "up") // 0 comes in no order, others do
		refs := make([]compliance.Ref, n)
		for i, seq := range rapid.SliceOfN(rapid.Uint64Range(0, 800), n, n).Draw(t, "seqs") {
			refs[i] = compliance.Ref{Seq: seq + up*uint64(i)*400, Time: int64(i)}
		}
		want := slices.Clone(refs)
		slices.Reverse(want)
		slices.SortStableFunc(want, func(a, b compliance.Ref) int { return cmp.Compare(a.Seq, b.Seq) })
		dropped := max(0, n-compliance.MaxCited)
		got, more := compliance.Newest(refs)
		if !slices.Equal(got, want[dropped:]) || more != dropped {
			t.Fatalf("of %d facts %d are cited and %d are not", n, len(got), more)
		}
	})
}
