package eventstore

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// TestTailRemembersWithoutGaps adds batches of facts in any order, as sequencers of
// many chains do: what follows a position is the run of facts that begins there,
// of those not yet overwritten.
func TestTailRemembersWithoutGaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var tl tail
		tl.init()
		known := map[Position]bool{}
		last := Position(0)
		for range rapid.IntRange(1, 20).Draw(t, "batches") {
			first := Position(rapid.SampledFrom([]int{1, 100, tailSize - 10, tailSize, 2 * tailSize}).Draw(t, "around") + rapid.IntRange(0, 20).Draw(t, "at"))
			var batch []Recorded
			for i := range rapid.IntRange(1, 30).Draw(t, "facts") {
				p := first + Position(i)
				batch = append(batch, Recorded{Position: p})
				known[p], last = true, max(last, p)
				delete(known, p-tailSize)
				delete(known, p+tailSize)
				delete(known, p-2*tailSize)
				delete(known, p+2*tailSize)
			}
			_, added := tl.beyond(last)
			tl.add(batch)
			select {
			case <-added:
			default:
				t.Fatal("nobody was woken")
			}
		}
		for after := range known {
			limit := rapid.IntRange(1, 50).Draw(t, "limit")
			got := tl.after(after, limit)
			for i, r := range got {
				if r.Position != after+Position(i)+1 {
					t.Fatalf("after %d came %d", after, r.Position)
				}
			}
			if next := after + Position(len(got)) + 1; len(got) < limit && known[next] {
				t.Fatalf("after %d: %d facts, and %d is known", after, len(got), next)
			}
			if !tl.holds(after) {
				t.Fatalf("%d is known", after)
			}
		}
		if more, _ := tl.beyond(last - 1); !more {
			t.Fatalf("%d was added", last)
		}
		if more, _ := tl.beyond(last); more {
			t.Fatalf("nothing was added after %d", last)
		}
	})
}

// What is forgotten takes no room from what comes after it.
func TestTailForgetsWhole(t *testing.T) {
	var tl tail
	tl.init()
	payload := make([]byte, 1<<20) // one for all of them
	for first := Position(1); first < 90; first += 30 {
		var batch []Recorded
		for p := first; p < first+30; p++ {
			batch = append(batch, Recorded{Position: p, Record: chain.Record{Payload: payload}})
		}
		tl.add(batch)
		for p := first; p < first+30; p++ {
			if !tl.holds(p) {
				t.Fatalf("%d is not remembered", p)
			}
		}
		tl.clear()
		if got := tl.after(first-1, 30); len(got) > 0 || tl.holds(first) {
			t.Fatalf("%d facts are remembered", len(got))
		}
		if more, _ := tl.beyond(first); !more {
			t.Fatal("that there is more is forgotten too")
		}
	}
}

// TestTailIsBoundedByBytes remembers less of what is large, and the latest always.
func TestTailIsBoundedByBytes(t *testing.T) {
	var tl tail
	tl.init()
	payload := make([]byte, chain.MaxPayload)
	for p := Position(1); p < 3*tailSize; p++ {
		if p > 2*tailSize {
			payload = payload[:100]
		}
		tl.add([]Recorded{{Position: p, Record: chain.Record{Payload: payload}}})
		if p%200 != 0 && p != 2*tailSize {
			continue
		}
		held := 0
		for i := range tl.ring {
			held += taken(&tl.ring[i])
		}
		if held != tl.bytes || held > tailBytes || !tl.holds(p) {
			t.Fatalf("at %d it holds %d bytes, counts %d, and the latest: %v", p, held, tl.bytes, tl.holds(p))
		}
		if p == 2*tailSize && len(tl.after(p-200, 1000)) != 200 {
			t.Fatalf("after %d there are %d", p-200, len(tl.after(p-200, 1000)))
		}
	}
	if n := len(tl.after(2*tailSize, tailSize)); n != tailSize-1 {
		t.Errorf("of small facts it holds %d, want %d", n, tailSize-1)
	}
}
