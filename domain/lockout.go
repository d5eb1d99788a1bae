package domain

import "time"

// Field names are the stored schema: add, never rename, keep them sorted.
type (
	// AccountLocked lets no password of the account pass until a moment.
	AccountLocked struct {
		AccountRef  ID    `json:"account_ref"`
		LockedUntil int64 `json:"locked_until"` // Unix microseconds
	}
	// AccountUnlocked ends a lock and the count of locks. It precedes the first login
	// after them.
	AccountUnlocked struct {
		AccountRef ID `json:"account_ref"`
	}
)

// EventType implements Event.
func (AccountLocked) EventType() EventType { return EventType{"ACCOUNT_LOCKED", 1} }

// EventType implements Event.
func (AccountUnlocked) EventType() EventType { return EventType{"ACCOUNT_UNLOCKED", 1} }

func (AccountLocked) user()   {}
func (AccountUnlocked) user() {}

// Limits of failed logins.
const (
	LockoutWindow  = 15 * time.Minute // failures older than that are not recent
	MaxFailures    = 100              // in a row; then only a new password opens (SP 800-63B §5.2.2)
	maxLockDoubles = 8                // the longest lock is 256 times the first
	lockedForGood  = 1<<53 - 1        // Unix microseconds that every JSON reader keeps
)

// Lock is what keeps an account's password from passing. The zero Lock is none.
type Lock struct {
	Until int64 // Unix microseconds
	Times uint32
}

// Failures are the failed logins of an account, as they are counted outside the
// log: no fact of another person's attempt makes a version of the user.
type Failures struct {
	Recent int // within LockoutWindow
	InARow int // since the last success
}

// Locked reports whether no password of the account passes at now. Sessions and
// API keys go on, and a device that logged in before may pass: a lock is no tool
// to keep somebody out.
func (u User) Locked(now time.Time) bool { return now.UnixMicro() < u.Lock.Until }

// LockedForGood reports whether only a reset of the password ends the lock.
func (u User) LockedForGood() bool { return u.Lock.Until == lockedForGood }

// LockOut decides whether failures lock the account: as many recent ones as the
// tenant's settings say, for a time that doubles with each lock in a row, or
// MaxFailures in a row, until the password is reset. While a lock lasts it is no
// news, unless it becomes one for good. It never refuses.
func (u User) LockOut(f Failures, s Settings, now time.Time) ([]UserEvent, error) {
	switch {
	case u.Status != Active, u.LockedForGood():
		return nil, nil
	case f.InARow >= MaxFailures:
		return []UserEvent{AccountLocked{u.AccountRef, lockedForGood}}, nil
	case u.Locked(now), f.Recent < s.LockoutAttempts:
		return nil, nil
	}
	first := time.Duration(s.LockoutMinutes) * time.Minute
	until := now.Add(first << min(u.Lock.Times, maxLockDoubles))
	return []UserEvent{AccountLocked{u.AccountRef, until.UnixMicro()}}, nil
}

// Unlock ends a lock and the count of locks, since the user proved who they are.
// Without either it is no news. It never refuses.
func (u User) Unlock() ([]UserEvent, error) {
	if u.Lock == (Lock{}) {
		return nil, nil
	}
	return []UserEvent{AccountUnlocked{u.AccountRef}}, nil
}
