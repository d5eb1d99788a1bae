package compliance

import (
	"math/big"

	"github.com/quantaseal/quantaseal/domain"
)

// judgeUsers judges the active users that are wanted.
func (p *people) judgeUsers(wanted func(*user) bool, inOrder func(*user) (bool, Ref)) (good, of int, failing []Ref) {
	for _, u := range p.users {
		if !u.active || !wanted(u) {
			continue
		}
		of++
		if ok, ref := inOrder(u); ok {
			good++
		} else {
			failing = append(failing, ref)
		}
	}
	return good, of, failing
}

func everyUser(*user) bool { return true }

// adminFactors is QS-IAM-01.
func (s *State) adminFactors(q question) finding {
	good, of, failing := s.people.judgeUsers((*user).administers, func(u *user) (bool, Ref) {
		switch {
		case u.factor && u.bareLogin.cited() && u.bareLogin.Time > q.since("login_window_days"):
			return false, u.bareLogin
		case !u.factor && u.factorSet.cited():
			return false, u.factorSet
		case !u.factor:
			return false, u.registered
		}
		return true, Ref{}
	})
	if of == 0 {
		return rated(zero, 0, nil)
	}
	return share(good, of, failing)
}

// unenforced is the most that factors nobody has to have are worth.
var unenforced = big.NewRat(9, 10)

// userFactors is QS-IAM-02.
func (s *State) userFactors(question) finding {
	good, of, failing := s.people.judgeUsers(everyUser, func(u *user) (bool, Ref) { return u.factor, u.registered })
	if of == 0 {
		return rated(zero, 0, nil)
	}
	f := share(good, of, failing)
	if !s.settings.MFAEnforced && f.ratio.Cmp(unenforced) > 0 {
		return rated(unenforced, of, failing)
	}
	return f
}

// passwordHistory is how many former passwords a user's policy bars. No fact says
// that it bars any.
const passwordHistory = 0

// passwords is QS-IAM-04.
func (s *State) passwords(q question) finding {
	strong := int64(s.settings.PasswordMinLength) >= q.count("min_length") && passwordHistory >= q.count("history")
	good, of, failing := s.people.judgeUsers(
		func(u *user) bool { return u.password.cited() },
		func(u *user) (bool, Ref) { return strong && u.policy >= s.settings.PasswordPolicy, u.password },
	)
	return share(good, of, failing)
}

// attributable is QS-IAM-12.
func (s *State) attributable(q question) finding {
	good, of, failing := s.people.judgeUsers(everyUser, func(u *user) (bool, Ref) { return u.verified && !u.shared, u.registered })
	goodKeys, keys, orphans := s.people.judgeKeys(q.at, func(k *apiKey) (bool, Ref) {
		owner := s.people.users[k.owner]
		return owner != nil && owner.active, k.created
	})
	if of+keys == 0 {
		return rated(zero, 0, nil)
	}
	return share(good+goodKeys, of+keys, append(failing, orphans...))
}

// sessionLimits are what a session was issued under, in seconds; an idle limit of
// 0 is none.
type sessionLimits struct{ access, refresh, idle int }

// logins are what the facts about logins and sessions fold to.
type logins struct {
	sessions map[sessionLimits]*tally // sessions issued; there are few limits
	inRange  tally                    // logins, in order from a declared range
	accounts map[domain.ID]*account
	rows     []*row // in order
}

func newLogins() logins {
	return logins{sessions: map[sessionLimits]*tally{}, accounts: map[domain.ID]*account{}}
}

func (l *logins) apply(f *Fact, s *State) {
	switch e := f.Event.(type) {
	case domain.SessionIssued:
		limits := sessionLimits{e.AccessTTLSeconds, e.RefreshTTLSeconds, e.IdleLimitSeconds}
		if l.sessions[limits] == nil {
			l.sessions[limits] = &tally{}
		}
		l.sessions[limits].add(f.Ref, false) // whether it is in order depends on who asks
	case domain.LoginSucceeded:
		l.inRange.add(f.Ref, e.InDeclaredRange == domain.InRange)
	}
	l.attempt(f, s)
}

// sessionLife is QS-IAM-05.
func (s *State) sessionLife(q question) finding {
	good, of := 0, 0
	var failing []Ref
	for limits, issued := range s.logins.sessions {
		n, _, refs := issued.since(q.since("window_days"))
		of += n
		if int64(limits.access) <= q.count("access_max_s") && int64(limits.refresh) <= q.count("refresh_max_s") &&
			limits.idle > 0 && int64(limits.idle) <= q.count("idle_max_s") {
			good += n
		} else {
			failing = append(failing, refs...)
		}
	}
	return share(good, of, failing)
}

// networks is QS-NET-01.
func (s *State) networks(q question) finding {
	total, bad, failing := s.logins.inRange.since(q.since("window_days"))
	if !s.ranges.narrow(q) {
		if set := s.settingRefs[domain.SettingRanges]; set.cited() {
			return rated(zero, total, []Ref{set})
		}
		return rated(zero, total, nil)
	}
	if total == 0 {
		return rated(one, 0, nil)
	}
	return share(total-bad, total, failing)
}
