package chain_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// However many shares a chain's ids and versions are remembered in, together they find
// what is repeated and what is left out, each once.
func TestSharesFindEveryRepeat(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var headers []chain.Header
		ids, versions := map[byte]bool{}, map[byte]uint64{}
		var want []string
		for n := range rapid.IntRange(0, 60).Draw(t, "records") {
			h := chain.Header{Seq: uint64(n), EventID: [16]byte{byte(n)}, AggregateKind: 4}
			if rapid.IntRange(0, 9).Draw(t, "again") == 0 {
				h.EventID[0] = byte(rapid.IntRange(0, 60).Draw(t, "id"))
			}
			if ids[h.EventID[0]] {
				want = append(want, fmt.Sprintf("%d V8", n))
			}
			ids[h.EventID[0]] = true
			if a := rapid.ByteRange(0, 5).Draw(t, "aggregate"); a > 0 {
				h.AggregateID[15], h.AggregateVersion = a, versions[a]+1
				if rapid.IntRange(0, 9).Draw(t, "skips") == 0 {
					h.AggregateVersion++
					want = append(want, fmt.Sprintf("%d V11", n))
				}
				versions[a] = h.AggregateVersion
			}
			headers = append(headers, h)
		}
		of := uint32(rapid.IntRange(1, 7).Draw(t, "shares"))
		var got []string
		for share := range of {
			repeats := chain.NewRepeats(share, of)
			for i := range headers {
				for _, f := range repeats.Check(&headers[i]) {
					got = append(got, fmt.Sprintf("%d %s", f.Seq, f.Check))
				}
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("%d shares find %v, want %v", of, got, want)
		}
	})
}
