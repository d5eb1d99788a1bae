package eventstore

import (
	"sync"
)

// tailSize is how many recent facts a node remembers. Its own projections read
// what it has just appended from here, already verified and decoded.
const tailSize = 4096

// tail remembers recent facts by position and wakes whoever waits for more.
type tail struct {
	mu    sync.Mutex
	ring  []Recorded
	last  Position
	added chan struct{} // closed and replaced when something was added
}

func (t *tail) init() {
	t.ring = make([]Recorded, tailSize)
	t.added = make(chan struct{})
}

// add remembers facts that stand at consecutive positions.
func (t *tail) add(facts []Recorded) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range facts {
		t.ring[r.Position%tailSize] = r
		t.last = max(t.last, r.Position)
	}
	close(t.added)
	t.added = make(chan struct{})
}

// clear forgets every fact. What was in memory is read from the store again.
func (t *tail) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.ring)
}

// after returns up to limit remembered facts that follow position p without a gap.
func (t *tail) after(p Position, limit int) []Recorded {
	t.mu.Lock()
	defer t.mu.Unlock()
	var facts []Recorded
	for len(facts) < limit {
		p++
		r := t.ring[p%tailSize]
		if r.Position != p {
			break
		}
		facts = append(facts, r)
	}
	return facts
}

// beyond reports whether something after p was added, and else the channel that
// closes when the next thing is.
func (t *tail) beyond(p Position) (bool, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last > p, t.added
}

// holds reports whether the fact at p is remembered: this process appended it.
func (t *tail) holds(p Position) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ring[p%tailSize].Position == p
}
