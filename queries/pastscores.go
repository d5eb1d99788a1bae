package queries

import (
	"math"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/compliance"
)

// pastStates are states of the past that a fold can begin with: those after every so
// many facts, and those of instants that were asked for. The ones used last stay, as
// many as their sizes allow.
type pastStates struct {
	mu   sync.Mutex
	kept *simplelru.LRU[pastKey, *compliance.State]
	size int
}

// extent is how much of a chain counts: the facts until an instant, included, and of
// these the ones before a sequence number.
type extent struct {
	at   int64
	next uint64
}

// throughout is the extent of a whole chain.
var throughout = extent{math.MaxInt64, math.MaxUint64}

func until(at int64) extent { return extent{at, math.MaxUint64} }

func through(seq uint64) extent { return extent{math.MaxInt64, seq + 1} }

// key returns what the state after all of it is kept by.
func (e extent) key(tenant domain.TenantID) pastKey {
	if e.next != math.MaxUint64 {
		return pastKey{tenant: tenant, next: e.next}
	}
	return pastKey{tenant: tenant, at: e.at}
}

// pastKey names a state, by the fact that comes next or by the instant.
type pastKey struct {
	tenant domain.TenantID
	next   uint64 // 0 = it is of an instant
	at     int64
}

const (
	between  = 10_000  // facts from one state that is kept to the next
	pastSize = 500_000 // of all that are kept, see State.Size
	maxPast  = 4096
)

func (p *pastStates) open() (err error) {
	p.kept, err = simplelru.NewLRU(maxPast, func(_ pastKey, s *compliance.State) { p.size -= s.Size() })
	return err
}

// keep keeps a state that nobody goes on with.
func (p *pastStates) keep(key pastKey, s *compliance.State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kept.Remove(key)
	p.size += s.Size()
	p.kept.Add(key, s)
	for p.size > pastSize && p.kept.Len() > 1 {
		p.kept.RemoveOldest()
	}
}

// before returns the state after an extent, which nobody may change, or, not exact, a
// state within it to go on with.
func (p *pastStates) before(tenant domain.TenantID, to extent) (s *compliance.State, exact bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s, ok := p.kept.Get(to.key(tenant)); ok {
		return s, true
	}
	var latest pastKey
	for _, key := range p.kept.Keys() {
		if key.tenant != tenant {
			continue
		}
		if kept, _ := p.kept.Peek(key); key.at <= to.at && kept.Last() <= to.at && kept.Next() <= to.next && (s == nil || kept.Next() > s.Next()) {
			s, latest = kept, key
		}
	}
	if s == nil {
		return compliance.NewState(), false
	}
	p.kept.Get(latest) // it was just used
	return s.Clone(), false
}

// forget drops what is kept of a tenant.
func (p *pastStates) forget(tenant domain.TenantID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, key := range p.kept.Keys() {
		if key.tenant == tenant {
			p.kept.Remove(key)
		}
	}
}
