package eventstore

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// BatchSizes are the upper bounds, in facts, by which Figures counts batches.
var BatchSizes = [...]int{1, 2, 4, 8, 16, 32, 64, 128, maxBatch}

// Figures are what a Log did since it was opened.
type Figures struct {
	Appended map[string]uint64       // facts of this node, by event type
	Batches  [len(BatchSizes)]uint64 // batches of at most so many facts, and more than the bound before
	Waiting  int                     // appends whose callers wait
	Chains   int                     // kept at hand
}

// figures counts as it goes: a few additions for each fact.
type figures struct {
	appended sync.Map // event type to *atomic.Uint64
	batches  [len(BatchSizes)]atomic.Uint64
	waiting  atomic.Int64
}

// count takes in a batch that was written.
func (f *figures) count(batch []Recorded) {
	size := min(bits.Len(uint(len(batch)-1)), len(f.batches)-1)
	f.batches[size].Add(1)
	for i := range batch {
		name := batch[i].Header.EventType
		n, ok := f.appended.Load(name)
		if !ok {
			n, _ = f.appended.LoadOrStore(name, new(atomic.Uint64))
		}
		n.(*atomic.Uint64).Add(1)
	}
}

// Figures returns what l did so far.
func (l *Log) Figures() Figures {
	now := Figures{Appended: map[string]uint64{}, Waiting: int(l.figures.waiting.Load()), Chains: l.chains.len()}
	for i := range now.Batches {
		now.Batches[i] = l.figures.batches[i].Load()
	}
	l.figures.appended.Range(func(name, n any) bool {
		now.Appended[name.(string)] = n.(*atomic.Uint64).Load()
		return true
	})
	return now
}
