package eventstore

import "github.com/quantaseal/quantaseal/domain"

// ErrRolledBack refuses every append to a log that has lost what was anchored, or
// continues another one: to go on would hide that.
var ErrRolledBack = &domain.Error{Kind: domain.Unavailable, Message: "ROLLBACK_DETECTED: nothing is recorded until the operator decides"}

// Halt makes l refuse every append from now on with ErrRolledBack. What is being
// written is finished. It cannot be taken back: the operator decides, and starts anew.
func (l *Log) Halt() { l.halted.Store(true) }

// Halted returns ErrRolledBack after Halt, and before it nil.
func (l *Log) Halted() error {
	if l.halted.Load() {
		return ErrRolledBack
	}
	return nil
}
