package domain_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
)

type (
	sessionRule     = func(domain.Session) ([]domain.SessionEvent, error)
	sessionDecision = decision[domain.Session, domain.SessionEvent]
)

var issued = domain.SessionIssued{
	ExpiresAt: now.Add(domain.RefreshTTL).UnixMicro(), SessionID: session, TokenDigest: digest(0), UserID: userID,
}

// login is a session beside its tokens: digest(n) is the MAC of the n-th, which
// leads to digest(n+1) and nothing else.
type login struct {
	domain.Session
	now     time.Time
	current int
	usedAt  time.Time // when current-1 was
	over    bool
}

func (l *login) live() bool {
	return !l.ID.IsZero() && !l.over && l.now.Before(now.Add(domain.RefreshTTL))
}

// issue logs in, once.
func (l *login) issue(*rapid.T) {
	if l.ID.IsZero() {
		l.Session, l.now = l.Evolve(issued), now
	}
}

// use presents the current token, one that was used before, or a stranger's.
func (l *login) use(t *rapid.T) {
	n := max(0, l.current-rapid.SampledFrom([]int{0, 0, 0, 1, 1, 2, 3}).Draw(t, "back"))
	next, facts, err := decide(t, l.Session, func(s domain.Session) ([]domain.SessionEvent, error) {
		return s.Refresh(digest(n), digest(n+1), l.now)
	})
	var want []domain.SessionEvent
	refused := true
	switch {
	case !l.live():
	case n == l.current:
		want, refused = []domain.SessionEvent{domain.SessionRefreshed{SessionID: session, TokenDigest: digest(n + 1), UsedAt: l.now.UnixMicro()}}, false
		l.current, l.usedAt = n+1, l.now
	case n == l.current-1 && l.now.Sub(l.usedAt) < domain.RefreshGrace:
		refused = false
	default:
		want = []domain.SessionEvent{domain.RefreshTokenReused{SessionID: session}, domain.SessionRevoked{Reason: "token_reuse", SessionID: session}}
		l.over = true
	}
	if diff := cmp.Diff(want, facts); diff != "" || refused != errors.Is(err, domain.ErrSessionEnded) {
		t.Fatalf("token %d of %d: %v (-want +got):\n%s", n, l.current, err, diff)
	}
	l.Session = next
}

func (l *login) stranger(t *rapid.T) {
	token := digest(-1 - rapid.IntRange(0, 9).Draw(t, "token"))
	facts, err := l.Refresh(token, digest(l.current), l.now)
	if facts != nil || !errors.Is(err, domain.ErrSessionEnded) || l.Knows(token) {
		t.Fatalf("a stranger's token gives %v, %v", facts, err)
	}
}

func (l *login) revoke(t *rapid.T) {
	next, facts, err := decide(t, l.Session, func(s domain.Session) ([]domain.SessionEvent, error) { return s.Revoke("logout") })
	if err != nil || (len(facts) == 1) != (!l.ID.IsZero() && !l.over) {
		t.Fatalf("revoked by %v, %v", facts, err)
	}
	l.Session, l.over = next, !l.ID.IsZero()
}

func (l *login) wait(t *rapid.T) {
	steps := []time.Duration{time.Microsecond, domain.RefreshGrace - time.Microsecond, domain.RefreshGrace, time.Hour}
	if end := now.Add(domain.RefreshTTL); l.now.Before(end) {
		steps = append(steps, end.Sub(l.now)-time.Microsecond, end.Sub(l.now))
	}
	l.now = l.now.Add(rapid.SampledFrom(steps).Draw(t, "step"))
}

// check holds after every step: one token at most can be replaced, and the
// session knows its own tokens and no others.
func (l *login) check(t *rapid.T) {
	replaceable := 0
	for n := range l.current + 2 {
		facts, err := l.Refresh(digest(n), digest(n+1), l.now)
		if err == nil && len(facts) > 0 {
			replaceable++
			if n != l.current {
				t.Fatalf("token %d of %d can be replaced", n, l.current)
			}
		}
		if known := !l.ID.IsZero() && n <= l.current; l.Knows(digest(n)) != known {
			t.Fatalf("token %d of %d is known: %v", n, l.current, !known)
		}
	}
	if live := l.live(); l.Live(l.now) != live || live != (replaceable == 1) {
		t.Fatalf("live: %v, tokens that can be replaced: %d", l.Live(l.now), replaceable)
	}
	if !l.ID.IsZero() && (l.ID != session || l.User != userID || l.ExpiresAt != issued.ExpiresAt) {
		t.Fatalf("%+v is another session", l.Session)
	}
}

// Whatever tokens are presented in whatever order: one at most leads on; a used
// one ends the session, except just after it was used, when it leads to the
// successor it has; and no use moves the session's end.
func TestSessionProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &login{now: now}
		t.Repeat(map[string]func(*rapid.T){
			"issue": l.issue, "use": l.use, "stranger": l.stranger, "revoke": l.revoke, "wait": l.wait, "": l.check,
		})
	})
}

// A session remembers a bounded number of used tokens: each of them ends it, and
// one that it has forgotten is refused and ends nothing.
func TestSessionForgetsOldTokens(t *testing.T) {
	s := given[domain.Session](domain.SessionEvent(issued))
	last := domain.MaxUsed + 100
	for n := range last {
		s = s.Evolve(domain.SessionRefreshed{SessionID: session, TokenDigest: digest(n + 1), UsedAt: now.UnixMicro()})
	}
	if len(s.Used) != domain.MaxUsed {
		t.Fatalf("%d used tokens are remembered", len(s.Used))
	}
	for n := range last - 1 {
		facts, err := s.Refresh(digest(n), digest(n+1), now)
		remembered := n >= last-domain.MaxUsed
		if (len(facts) == 2) != remembered || !errors.Is(err, domain.ErrSessionEnded) {
			t.Fatalf("used token %d of %d gives %v, %v", n, last, facts, err)
		}
	}
}

// A state stays as it was when facts follow it: two that follow the same one
// share nothing.
func TestSessionEvolveSharesNothing(t *testing.T) {
	s := domain.Session{}.Evolve(issued)
	for n := range 20 {
		one, two := s.Evolve(refreshed(100)).Evolve(refreshed(101)), s.Evolve(refreshed(200)).Evolve(refreshed(201))
		for last, branch := range map[int]domain.Session{100: one, 200: two} {
			if diff := cmp.Diff(append(s.Used[:n:n], digest(n), digest(last)), branch.Used); diff != "" {
				t.Fatalf("after %d tokens (-want +got):\n%s", n, diff)
			}
		}
		s = s.Evolve(refreshed(n + 1))
	}
}

func refreshed(n int) domain.SessionEvent {
	return domain.SessionRefreshed{SessionID: session, TokenDigest: digest(n), UsedAt: now.UnixMicro()}
}

func TestSessionRefusals(t *testing.T) {
	use := func(token, successor int, at time.Time) sessionRule {
		return func(s domain.Session) ([]domain.SessionEvent, error) {
			return s.Refresh(digest(token), digest(successor), at)
		}
	}
	reuse := []domain.SessionEvent{
		domain.RefreshTokenReused{SessionID: session}, domain.SessionRevoked{Reason: "token_reuse", SessionID: session},
	}
	once := []domain.SessionEvent{issued, refreshed(1)}
	over := append(once, domain.SessionRevoked{Reason: "logout", SessionID: session})
	end, ended := now.Add(domain.RefreshTTL), domain.ErrSessionEnded
	testDecisions(t, map[string]sessionDecision{
		"never issued": {nil, use(0, 1, now), nil, ended},
		"never issued, no token": {nil, func(s domain.Session) ([]domain.SessionEvent, error) {
			return s.Refresh(domain.Digest{}, digest(1), now)
		}, nil, ended},
		"at its end":                         {once, use(1, 2, end), nil, ended},
		"used token at its end":              {once, use(0, 1, end), nil, ended},
		"after logout":                       {over, use(1, 2, now), nil, ended},
		"used token after logout":            {over, use(0, 1, now), nil, ended},
		"a stranger's token":                 {once, use(9, 10, now), nil, ended},
		"used again at once":                 {once, use(0, 1, now), nil, nil},
		"used again by a clock behind":       {once, use(0, 1, now.Add(-time.Second)), nil, nil},
		"used again at the last moment":      {once, use(0, 1, now.Add(domain.RefreshGrace-time.Microsecond)), nil, nil},
		"used again too late":                {once, use(0, 1, now.Add(domain.RefreshGrace)), reuse, ended},
		"used again for another successor":   {once, use(0, 7, now), reuse, ended},
		"the one before the last used again": {append(once, refreshed(2)), use(0, 1, now), reuse, ended},
	})
}
