package queries

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
)

// User is one user or invitee. What else there is to know of them, their address
// above all, is in the log.
type User struct {
	ID           domain.UserID
	RegisteredAt int64  // Unix microseconds; 0 = was invited
	Cursor       uint64 // the place to go on from
}

const usersOf = `SELECT user_id, registered_at, registered_seq FROM users
	WHERE tenant_id = $1 AND registered_seq > $2 ORDER BY registered_seq LIMIT $3`

// Users returns up to limit users of tenant that follow the cursor after, which
// starts at zero, in the order in which they came.
func (q *Queries) Users(ctx context.Context, tenant domain.TenantID, after uint64, limit int) ([]User, error) {
	users, err := list(ctx, q.DB, func(rows *sql.Rows) (u User, err error) {
		err = rows.Scan(fixed(u.ID.ID[:]), &u.RegisteredAt, &u.Cursor)
		return u, err
	}, usersOf, tenant.ID[:], column(after), limit)
	if err != nil {
		return nil, fmt.Errorf("listing users: %w", err)
	}
	return users, nil
}
