package http

import (
	"sync"

	"github.com/quantaseal/quantaseal/domain"
)

// How many streams a node serves at a time, to one tenant and in all.
const (
	streamsPerTenant = 16
	streamsPerNode   = 512
)

// streams counts who reads streams. The zero value is ready for use.
type streams struct {
	mu   sync.Mutex
	open map[domain.TenantID]int
	all  int
	stop chan struct{} // closed once the server is about to stop
}

// join takes a place for a reader, or reports that there is none.
func (s *streams) join(tenant domain.TenantID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= streamsPerNode || s.open[tenant] >= streamsPerTenant {
		return false
	}
	if s.open == nil {
		s.open = map[domain.TenantID]int{}
	}
	s.open[tenant]++
	s.all++
	return true
}

// leave gives the place back.
func (s *streams) leave(tenant domain.TenantID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.open[tenant]--; s.open[tenant] == 0 {
		delete(s.open, tenant)
	}
}

// stopped returns what is closed once the server is about to stop.
func (s *streams) stopped() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopping()
}

// end has every stream end.
func (s *streams) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.stopping():
	default:
		close(s.stop)
	}
}

// stopping makes stop. The caller holds mu.
func (s *streams) stopping() chan struct{} {
	if s.stop == nil {
		s.stop = make(chan struct{})
	}
	return s.stop
}
