package commands

import (
	"sync"

	"github.com/quantaseal/quantaseal/domain"
)

// recent remembers which coalesced facts stand already, in two generations so
// that it never grows beyond twice its size.
type recent struct {
	mu         sync.Mutex
	young, old map[domain.Digest]struct{}
}

const recentSize = 4096

func (r *recent) seen(d domain.Digest) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, young := r.young[d]
	_, old := r.old[d]
	return young || old
}

func (r *recent) add(d domain.Digest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.young == nil || len(r.young) >= recentSize {
		r.young, r.old = map[domain.Digest]struct{}{}, r.young
	}
	r.young[d] = struct{}{}
}
