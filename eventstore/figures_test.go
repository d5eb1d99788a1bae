package eventstore

import (
	"testing"

	"pgregory.net/rapid"
)

// A batch is counted under the smallest bound that holds it, and its facts once each.
func TestFiguresCountEveryBatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &Log{}
		l.chains.open(l)
		var batches [len(BatchSizes)]uint64
		facts := uint64(0)
		for _, size := range rapid.SliceOf(rapid.IntRange(1, maxBatch)).Draw(t, "sizes") {
			l.figures.count(make([]Recorded, size))
			facts += uint64(size)
			for i, bound := range BatchSizes {
				if size <= bound {
					batches[i]++
					break
				}
			}
		}
		if got := l.Figures(); got.Batches != batches || got.Appended[""] != facts {
			t.Errorf("got %v and %d facts, want %v and %d", got.Batches, got.Appended[""], batches, facts)
		}
	})
}
