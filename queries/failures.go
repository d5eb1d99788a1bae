package queries

import (
	"context"
	"fmt"
	"time"

	"github.com/quantaseal/quantaseal/domain"
)

// A login that succeeds and a new password end a row of failures. What ended the
// last one is found at one end of an index.
const failedLogins = `SELECT count(*), count(*) FILTER (WHERE time_us >= $3) FROM audit_index
	WHERE tenant_id = $1 AND aggregate_kind = 2 AND aggregate_id = $2 AND event_type = 'LOGIN_FAILED'
	AND seq > COALESCE((SELECT seq FROM audit_index
		WHERE tenant_id = $1 AND aggregate_kind = 2 AND aggregate_id = $2 AND event_type = 'LOGIN_SUCCEEDED'
		ORDER BY seq DESC LIMIT 1), -1)
	AND seq > COALESCE((SELECT seq FROM audit_index
		WHERE tenant_id = $1 AND aggregate_kind = 2 AND aggregate_id = $2 AND event_type = 'PASSWORD_SET'
		ORDER BY seq DESC LIMIT 1), -1)`

// FailedLogins counts the failed logins of a user since the last one that
// succeeded or the last new password, all of them and those from recent on.
func (q *Queries) FailedLogins(ctx context.Context, tenant domain.TenantID, user domain.UserID, recent time.Time) (f domain.Failures, err error) {
	err = q.DB.QueryRowContext(ctx, failedLogins, tenant.ID[:], user.ID[:], recent.UnixMicro()).Scan(&f.InARow, &f.Recent)
	if err != nil {
		return domain.Failures{}, fmt.Errorf("counting failed logins: %w", err)
	}
	return f, nil
}
