package http

import (
	"context"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
)

// liveSession is one login of the caller's user that goes on.
type liveSession struct {
	ID         domain.SessionID `json:"id"`
	Current    bool             `json:"current"`
	CreatedAt  instant          `json:"created_at"`
	LastUsedAt instant          `json:"last_used_at"`
	ExpiresAt  instant          `json:"expires_at"`
	IP         *string          `json:"ip_address"` // where the tokens were issued to last; null if that is not known
	UserAgent  *string          `json:"user_agent"`
}

// listSessions handles GET /auth/sessions.
func (s *Server) listSessions(ctx context.Context, in *call, _ none) (reply[[]liveSession], error) {
	if err := s.Identity.AuthorizeSessions(ctx, in.by); err != nil {
		return reply[[]liveSession]{}, err
	}
	rows, err := s.Queries.Sessions(ctx, in.by.Tenant, in.by.User, s.Now())
	if err != nil {
		return reply[[]liveSession]{}, err
	}
	sessions := make([]liveSession, 0, len(rows))
	for _, r := range rows {
		sessions = append(sessions, liveSession{
			ID: r.ID, Current: r.ID == in.by.Session, CreatedAt: instant(r.CreatedAt),
			LastUsedAt: instant(max(r.RefreshedAt, r.CreatedAt)), ExpiresAt: instant(r.ExpiresAt),
			IP: orNull(r.Origin.IP), UserAgent: orNull(r.Origin.UserAgent),
		})
	}
	return reply[[]liveSession]{data: sessions}, nil
}

// orNull returns text, or null in its place where there is none.
func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// revokeSession handles DELETE /auth/sessions/{id}.
func (s *Server) revokeSession(ctx context.Context, in *call, _ none) (reply[revoked], error) {
	id := in.param("id")
	receipt, err := s.Identity.RevokeSession(ctx, commands.RevokeSession{Actor: in.by, Session: id})
	return reply[revoked]{data: revoked{id, true}, receipt: receipt}, err
}
