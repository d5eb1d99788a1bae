package eventstore

import (
	"sync"
)

// How many recent facts a node remembers, and how many bytes of them. Its own
// projections read what it has just appended from here, already verified and decoded.
const (
	tailSize  = 4096
	tailBytes = 64 << 20
)

// tail remembers recent facts by position and wakes whoever waits for more.
type tail struct {
	mu     sync.Mutex
	ring   []Recorded
	oldest Position // nothing before it is remembered
	last   Position
	bytes  int
	added  chan struct{} // closed and replaced when something was added
}

// taken returns about how many bytes a fact takes: as a record, and decoded.
func taken(r *Recorded) int {
	return 2 * (len(r.Record.Header) + len(r.Record.Payload) + len(r.Record.Detached) + len(r.Record.Signature))
}

func (t *tail) init() {
	t.ring = make([]Recorded, tailSize)
	t.added = make(chan struct{})
}

// add remembers facts that stand at consecutive positions.
func (t *tail) add(facts []Recorded) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range facts {
		r := &facts[i]
		place := &t.ring[r.Position%tailSize]
		t.bytes += taken(r) - taken(place)
		*place = *r
		t.oldest, t.last = min(t.oldest, r.Position), max(t.last, r.Position)
	}
	t.forget()
	close(t.added)
	t.added = make(chan struct{})
}

// clear forgets every fact. What was in memory is read from the store again.
func (t *tail) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.ring)
	t.bytes = 0
}

// forget makes room, beginning with the oldest. The caller holds mu.
func (t *tail) forget() {
	t.oldest = max(t.oldest, t.last-tailSize+1)
	for ; t.bytes > tailBytes && t.oldest < t.last; t.oldest++ {
		if place := &t.ring[t.oldest%tailSize]; place.Position <= t.oldest {
			t.bytes -= taken(place)
			*place = Recorded{}
		}
	}
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
