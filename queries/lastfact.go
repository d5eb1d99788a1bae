package queries

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/quantaseal/quantaseal/domain"
)

const lastFact = `SELECT time_us FROM audit_index WHERE tenant_id = $1 AND event_type = $2 ORDER BY seq DESC LIMIT 1`

// LastFact returns when a fact of a type was recorded last on tenant's chain; the
// zero time if never.
func (q *Queries) LastFact(ctx context.Context, tenant domain.TenantID, eventType string) (time.Time, error) {
	var at int64
	err := q.DB.QueryRowContext(ctx, lastFact, tenant.ID[:], eventType).Scan(&at)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return time.Time{}, nil
	case err != nil:
		return time.Time{}, fmt.Errorf("looking for the last %s: %w", eventType, err)
	}
	return time.UnixMicro(at), nil
}
