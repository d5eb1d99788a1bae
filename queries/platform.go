package queries

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/compliance"
)

// platform is what the system chain says, as far as it was read. What is given out
// never changes.
type platform struct {
	mu    sync.Mutex
	known *compliance.Platform // nil: nothing was read
}

// platformNow returns what the system chain says up to its end. If that does not
// verify it says nothing, and is read anew the next time.
func (s *Scores) platformNow(ctx context.Context) (*compliance.Platform, error) {
	s.platform.mu.Lock()
	defer s.platform.mu.Unlock()
	next := compliance.NewPlatform()
	if s.platform.known != nil && !s.platform.known.Broken() {
		next = s.platform.known.Clone()
	}
	err := s.fold(ctx, domain.TenantID{}, next, throughout)
	if errors.Is(err, errMoved) {
		next.Break("what was read before is no longer there")
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("folding the system chain for a score: %w", err)
	}
	s.platform.known = next
	return next, nil
}
