package domain

import (
	"slices"
	"time"
)

// SessionEvent is a fact about one login and its refresh tokens.
//
//sumtype:decl
type SessionEvent interface {
	Event
	session()
}

// Field names are the stored schema: add, never rename, keep them sorted.
type (
	// SessionIssued opens a session.
	SessionIssued struct {
		AccessTTLSeconds  int       `json:"access_ttl_s"`
		AuthVersion       uint32    `json:"auth_version"` // the user's, when the session began
		ExpiresAt         int64     `json:"expires_at"`   // Unix microseconds; no use of a token moves it
		IdleLimitSeconds  int       `json:"idle_limit_s"` // 0 = none
		RefreshTTLSeconds int       `json:"refresh_ttl_s"`
		SessionID         SessionID `json:"session_id"`
		TokenDigest       Digest    `json:"token_digest"` // peppered MAC of the first refresh token
		UserID            UserID    `json:"user_id"`
	}
	// SessionRefreshed replaces the session's refresh token.
	SessionRefreshed struct {
		SessionID   SessionID `json:"session_id"`
		TokenDigest Digest    `json:"token_digest"` // peppered MAC of the new one
		UsedAt      int64     `json:"used_at"`      // when the one before was used, Unix microseconds
	}
	// SessionSteppedUp says that the session's user proved once more who they are.
	SessionSteppedUp struct {
		MFA       bool      `json:"mfa"`       // with a second factor too
		ProvenAt  int64     `json:"proven_at"` // Unix microseconds
		SessionID SessionID `json:"session_id"`
	}
	// SessionRevoked ends the session and every token that descends from it.
	SessionRevoked struct {
		Reason    string    `json:"reason"` // a word: see the reasons for a session's end
		SessionID SessionID `json:"session_id"`
	}
	// RefreshTokenReused is the use of a refresh token that had been replaced:
	// somebody holds a copy. The session's end follows it.
	RefreshTokenReused struct {
		SessionID SessionID `json:"session_id"`
	}
)

// EventType implements Event.
func (SessionIssued) EventType() EventType { return EventType{"SESSION_ISSUED", 1} }

// EventType implements Event.
func (SessionRefreshed) EventType() EventType { return EventType{"SESSION_REFRESHED", 1} }

// EventType implements Event.
func (SessionSteppedUp) EventType() EventType { return EventType{"SESSION_STEPPED_UP", 1} }

// EventType implements Event.
func (SessionRevoked) EventType() EventType { return EventType{"SESSION_REVOKED", 1} }

// EventType implements Event.
func (RefreshTokenReused) EventType() EventType {
	return EventType{"REFRESH_TOKEN_REUSE_DETECTED", 1}
}

func (SessionIssued) session()      {}
func (SessionRefreshed) session()   {}
func (SessionSteppedUp) session()   {}
func (SessionRevoked) session()     {}
func (RefreshTokenReused) session() {}

// Why a session ended. The words are stored.
const (
	EndedByLogout     = "logout"
	EndedByReuse      = "token_reuse"
	EndedByUser       = "revoked"          // from the list of sessions
	EndedByPassword   = "password_changed" // the user set a new one elsewhere
	EndedByMFA        = "mfa_changed"
	EndedByDeparture  = "deactivated" // the user's account ended
	EndedByInactivity = "idle"
)

// The lifetimes of tokens.
const (
	AccessTTL    = 30 * time.Minute   // of an access token
	RefreshTTL   = 7 * 24 * time.Hour // of a session, from its login on
	StepUpTTL    = 5 * time.Minute    // how long after a proof the most sensitive actions are open
	RefreshGrace = 10 * time.Second   // how long a used refresh token leads to its successor, for a client whose answer was lost
)

// maxUsed bounds how many used tokens a session remembers. The use of an older
// one is refused too, only without ending the session.
const maxUsed = 512

// Session is what the facts about one session fold to. The zero Session was
// never issued.
type Session struct {
	ID        SessionID
	User      UserID
	Current   Digest   // MAC of the one refresh token that may be used next
	Used      []Digest // MACs of those it replaced, the latest last, maxUsed at most
	UsedAt    int64    // when the latest was used, Unix microseconds
	ExpiresAt int64    // Unix microseconds
	Revoked   bool

	AuthVersion uint32        // the user's, when the session began
	Idle        time.Duration // how long it may go without a refresh; 0 = until ExpiresAt
	SeenAt      int64         // when it began or was last refreshed, Unix microseconds
	ProvenAt    int64         // when the user last proved who they are, Unix microseconds
}

// ErrSessionEnded refuses a token whose session is over, unknown or not its own.
var ErrSessionEnded = &Error{Unauthenticated, "authentication required"}

// Evolve returns the session as it is after e. It is total.
func (s Session) Evolve(e SessionEvent) Session {
	switch e := e.(type) {
	case SessionIssued:
		begun := e.ExpiresAt - int64(e.RefreshTTLSeconds)*time.Second.Microseconds()
		return Session{
			ID: e.SessionID, User: e.UserID, Current: e.TokenDigest, ExpiresAt: e.ExpiresAt, AuthVersion: e.AuthVersion,
			Idle: time.Duration(e.IdleLimitSeconds) * time.Second, SeenAt: begun, ProvenAt: begun,
		}
	case SessionRefreshed:
		used := s.Used[max(0, len(s.Used)-maxUsed+1):]
		s.Used = append(slices.Clone(used), s.Current)
		s.Current, s.UsedAt, s.SeenAt = e.TokenDigest, e.UsedAt, e.UsedAt
	case SessionSteppedUp:
		s.ProvenAt = max(s.ProvenAt, e.ProvenAt)
	case SessionRevoked:
		s.Revoked = true
	case RefreshTokenReused:
		// The revocation that comes with it is what counts.
	}
	return s
}

// Knows reports whether a token with this MAC is, or was, the session's.
func (s Session) Knows(token Digest) bool {
	return !s.ID.IsZero() && (token.same(s.Current) || slices.ContainsFunc(s.Used, token.same))
}

// Live reports whether the session goes on at now: its access tokens are good,
// and its current refresh token may be used. Whether its user still stands behind
// it is for User.AdmitsSession.
func (s Session) Live(now time.Time) bool {
	return !s.ID.IsZero() && !s.Revoked && now.UnixMicro() < s.End()
}

// End returns when the session is over by itself unless it is refreshed, Unix
// microseconds.
func (s Session) End() int64 {
	if s.Idle <= 0 {
		return s.ExpiresAt
	}
	return min(s.ExpiresAt, s.SeenAt+s.Idle.Microseconds())
}

// StepUp records that the user proved once more, at now, who they are. It refuses
// with ErrSessionEnded.
func (s Session) StepUp(mfa bool, now time.Time) ([]SessionEvent, error) {
	switch {
	case !s.Live(now):
		return nil, ErrSessionEnded
	case s.ProvenAt >= now.UnixMicro():
		return nil, nil
	}
	return []SessionEvent{SessionSteppedUp{mfa, now.UnixMicro(), s.ID}}, nil
}

// Refresh decides what the use of a token at now means. The current one is
// replaced by successor. The one before it, within RefreshGrace, is no news: its
// successor is the current one, and may be given once more. Any other used token
// ends the session, on the record. That, a token that never was the session's,
// and any token of a session that is over are refused with ErrSessionEnded.
//
// Tokens are named by their MACs, and successor follows from token alone.
func (s Session) Refresh(token, successor Digest, now time.Time) ([]SessionEvent, error) {
	switch {
	case !s.Live(now):
		return nil, ErrSessionEnded
	case token.same(s.Current):
		return []SessionEvent{SessionRefreshed{s.ID, successor, now.UnixMicro()}}, nil
	case s.justUsed(token, now) && successor.same(s.Current):
		return nil, nil
	case !s.Knows(token):
		return nil, ErrSessionEnded
	}
	return []SessionEvent{RefreshTokenReused{s.ID}, SessionRevoked{EndedByReuse, s.ID}}, ErrSessionEnded
}

// justUsed reports whether token is the last that was replaced, within RefreshGrace.
func (s Session) justUsed(token Digest, now time.Time) bool {
	last := len(s.Used) - 1
	return last >= 0 && token.same(s.Used[last]) && now.UnixMicro()-s.UsedAt < RefreshGrace.Microseconds()
}

// Revoke ends the session, for a reason that is a word of ours and never a
// caller's text. Ending it twice, or ending what never began, is no news.
func (s Session) Revoke(reason string) ([]SessionEvent, error) {
	if s.ID.IsZero() || s.Revoked {
		return nil, nil
	}
	return []SessionEvent{SessionRevoked{reason, s.ID}}, nil
}
