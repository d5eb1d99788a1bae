package queries

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/quantaseal/quantaseal/domain"
)

// Session is one login that goes on.
type Session struct {
	ID          domain.SessionID
	CreatedAt   int64 // Unix microseconds, here and below; 0 = never
	RefreshedAt int64
	ExpiresAt   int64
	Origin      domain.Origin // where its tokens were issued to last; zero once the person was erased
}

const sessionsOf = `SELECT session_id, created_at, refreshed_at, expires_at FROM sessions
	WHERE tenant_id = $1 AND user_id = $2 AND revoked_at = 0 AND expires_at > $3 ORDER BY created_at DESC, session_id LIMIT 1000`

// Sessions returns the sessions of a user that nothing has ended at now, the
// newest first, 1,000 at most. One that is over for want of use may be among them.
// Where they are used from stands in no table: it is read from the log, for the
// user alone.
func (q *Queries) Sessions(ctx context.Context, tenant domain.TenantID, user domain.UserID, now time.Time) ([]Session, error) {
	sessions, err := list(ctx, q.DB, func(rows *sql.Rows) (s Session, err error) {
		err = rows.Scan(fixed(s.ID.ID[:]), &s.CreatedAt, &s.RefreshedAt, &s.ExpiresAt)
		return s, err
	}, sessionsOf, tenant.ID[:], user.ID[:], now.UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("listing sessions: %w", err)
	}
	for i := range sessions {
		last, err := q.Log.Latest(ctx, tenant, domain.AggregateID{Kind: domain.KindSession, ID: sessions[i].ID.ID})
		if err != nil {
			return nil, fmt.Errorf("reading where a session is used from: %w", err)
		}
		sessions[i].Origin = last.Origin
	}
	return sessions, nil
}
