package http

import (
	"crypto/sha3"
	"sync"
	"time"
)

// pinned is how long after one page the next one by offset still goes with it.
const pinned = 5 * time.Minute

// maxPins is how many pins a generation has at most.
const maxPins = 4096

// pins remember where the log ended when somebody looked at its newest page, in
// two generations, so that they never grow beyond twice maxPins. The zero value
// is ready for use.
type pins struct {
	mu         sync.Mutex
	young, old map[[32]byte]pin
}

type pin struct {
	before uint64 // the sequence number after the newest that was shown
	at     time.Time
}

// put remembers for whom and which question a first page ended where it did.
func (p *pins) put(question string, before uint64, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keep(sha3.Sum256([]byte(question)), pin{before, now})
}

func (p *pins) keep(key [32]byte, kept pin) {
	if p.young == nil || len(p.young) >= maxPins {
		p.young, p.old = map[[32]byte]pin{}, p.young
	}
	p.young[key] = kept
}

// get returns it, for as long again, or 0 if nobody asked within the time.
func (p *pins) get(question string, now time.Time) uint64 {
	key := sha3.Sum256([]byte(question))
	p.mu.Lock()
	defer p.mu.Unlock()
	found, ok := p.young[key]
	if !ok {
		found, ok = p.old[key]
	}
	if !ok || now.Sub(found.at) > pinned {
		return 0
	}
	p.keep(key, pin{found.before, now})
	return found.before
}
