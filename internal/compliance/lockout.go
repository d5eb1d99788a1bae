package compliance

import (
	"strconv"
	"strings"

	"github.com/quantaseal/quantaseal/domain"
)

// account is how logins of one account fail.
type account struct {
	failures []int64 // recent ones in a row
	until    int64   // no password opens it until then
	open     *row    // reached the limit, and nothing followed yet
	locked   *row    // that the lock which stands answered
}

// row is a row of failures that reached the limit.
type row struct {
	ref     Ref
	handled bool
}

// rowSpan is within what a row reaches the limit; it is fixed (run_minutes).
const rowSpan = 15 * minute

// attempt folds how a login ended, and what followed.
func (l *logins) attempt(f *Fact, s *State) {
	switch e := f.Event.(type) {
	case domain.LoginFailed:
		l.account(e.AccountRef).fail(l, f, s.settings.LockoutAttempts)
	case domain.AccountLocked:
		a := l.account(e.AccountRef)
		a.until, a.failures = e.LockedUntil, nil
		if a.open != nil {
			a.open.handled, a.locked, a.open = true, a.open, nil
		}
	case domain.AccountUnlocked:
		a := l.account(e.AccountRef)
		a.until, a.failures, a.locked = 0, nil, nil
	case domain.LoginSucceeded:
		u := s.people.users[e.UserID]
		if u == nil {
			return
		}
		a := l.account(u.account)
		if a.locked != nil && f.Time < a.until {
			a.locked.handled = false // let in through a lock
		}
		a.failures, a.open = nil, nil
	case domain.PasswordSet:
		if u := s.people.users[e.UserID]; u != nil && !e.Rehashed {
			l.account(u.account).failures = nil
		}
	}
}

func (l *logins) account(ref domain.ID) *account {
	if l.accounts[ref] == nil {
		l.accounts[ref] = &account{}
	}
	return l.accounts[ref]
}

func (a *account) fail(l *logins, f *Fact, limit int) {
	if f.Time < a.until || a.open != nil {
		return
	}
	for len(a.failures) > 0 && f.Time-a.failures[0] >= rowSpan {
		a.failures = a.failures[1:]
	}
	if a.failures = append(a.failures, f.Time); len(a.failures) < limit {
		return
	}
	a.failures, a.open = nil, &row{ref: f.Ref}
	l.rows = append(l.rows, a.open)
	for f.Time-l.rows[0].ref.Time > horizon {
		l.rows = l.rows[1:]
	}
}

// lockout is QS-IAM-03.
func (s *State) lockout(q question) finding {
	set := []Ref{}
	for _, key := range []domain.SettingKey{domain.SettingLockoutAttempts, domain.SettingLockoutMinutes} {
		if ref := s.settingRefs[key]; ref.cited() {
			set = append(set, ref)
		}
	}
	if int64(s.settings.LockoutAttempts) > q.count("max_attempts") || int64(s.settings.LockoutMinutes) < q.count("min_lock_minutes") {
		return rated(zero, 0, set)
	}
	good, of := 0, 0
	var failing []Ref
	for _, r := range s.logins.rows {
		if r.ref.Time <= q.since("window_days") {
			continue
		}
		if of++; r.handled {
			good++
		} else {
			failing = append(failing, r.ref)
		}
	}
	if of == 0 {
		f := rated(one, 0, nil)
		f.strength = "configuration"
		return f
	}
	return share(good, of, failing)
}

// outline is what a payload says of declared ranges: how many there are, and the
// shortest prefix of each family, 0 where there is none.
type outline struct{ n, v4, v6 int }

func outlineOf(text string) (o outline) {
	for _, word := range strings.Fields(text) {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "n":
			o.n = number(value)
		case "v4":
			o.v4 = max(1, number(value)) // a prefix of no bits is as wide as one of one, and not none
		case "v6":
			o.v6 = max(1, number(value))
		}
	}
	return o
}

// narrow reports whether ranges are declared and none is too wide.
func (o outline) narrow(q question) bool {
	wide := func(bits int, least string) bool { return bits != 0 && int64(bits) < q.count(least) }
	return o.n > 0 && !wide(o.v4, "min_prefix_v4") && !wide(o.v6, "min_prefix_v6")
}

// number returns a whole number, or 0 for text that is none.
func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}
