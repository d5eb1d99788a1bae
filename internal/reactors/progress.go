package reactors

import (
	"sync"

	"github.com/quantaseal/quantaseal/eventstore"
)

// progress is how far a reactor has come: up to where every effect was had.
type progress struct {
	mu   sync.Mutex
	read eventstore.Position
	open map[eventstore.Position]struct{} // whose effect was not had yet
}

func newProgress(at eventstore.Position) *progress {
	return &progress{read: at, open: map[eventstore.Position]struct{}{}}
}

// pass says that the fact at a position has no effect.
func (p *progress) pass(at eventstore.Position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.read = at
}

// begin says that the fact at a position waits for its effect.
func (p *progress) begin(at eventstore.Position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.read = at
	p.open[at] = struct{}{}
}

// end says that its effect was had.
func (p *progress) end(at eventstore.Position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, at)
}

// mark returns the last position that is done with all before it.
func (p *progress) mark() eventstore.Position {
	p.mu.Lock()
	defer p.mu.Unlock()
	mark := p.read
	for at := range p.open {
		mark = min(mark, at-1)
	}
	return mark
}
