package commands

import (
	"sync"
	"time"

	"github.com/quantaseal/quantaseal/domain"
)

// reminders remembers whom a letter without a fact was sent to lately, so that
// nobody's mailbox is filled through us. It forgets with the process: the worst
// that follows is one letter more.
type reminders struct {
	mu   sync.Mutex
	last map[domain.UserID]time.Time
}

// maxReminders bounds what is remembered. Beyond it nobody is reminded until the
// oldest may be again.
const maxReminders = 65536

// once reports whether a user may be sent such a letter at now, and remembers it.
func (r *reminders) once(user domain.UserID, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil {
		r.last = map[domain.UserID]time.Time{}
	}
	if len(r.last) >= maxReminders {
		for id, at := range r.last {
			if now.Sub(at) >= domain.ProofInterval {
				delete(r.last, id)
			}
		}
	}
	if at, known := r.last[user]; known && now.Sub(at) < domain.ProofInterval || len(r.last) >= maxReminders {
		return false
	}
	r.last[user] = now
	return true
}
