package queries

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"time"

	"github.com/quantaseal/quantaseal/domain"
)

// FactCount is how many facts of a kind users and API keys left on one day.
type FactCount struct {
	Type    string
	Day     int64 // since 1970, UTC
	Outcome domain.Outcome
	Facts   int
}

const (
	microsOfDay = int64(24 * time.Hour / time.Microsecond)

	factCounts = `SELECT event_type, time_us / $4, outcome, COUNT(*) FROM audit_index
		WHERE tenant_id = $1 AND seq >= $2 AND seq < $3 AND actor_kind IN ($5, $6) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`
	requestCounts = `SELECT COUNT(DISTINCT request_id), COUNT(DISTINCT CASE WHEN outcome <> 0 THEN request_id END) FROM audit_index
		WHERE tenant_id = $1 AND seq >= $2 AND seq < $3 AND actor_kind IN ($4, $5)`
	entryCounts = `SELECT type, COUNT(*), COUNT(CASE WHEN status = 0 AND (expires_at = 0 OR expires_at > $3) THEN 1 END),
			COUNT(CASE WHEN status = 0 AND expires_at > $3 AND expires_at <= $4 THEN 1 END)
		FROM credentials WHERE tenant_id = $1 AND environment = $2 AND status <> 2 GROUP BY type ORDER BY type`
)

// Usage is what users and API keys did in a span of time, by the facts that they left.
type Usage struct {
	Requests int // that left a fact
	Failed   int // of them, by a rule or a fault
	Facts    []FactCount
}

// Usage counts a tenant's facts from since to until, Unix microseconds, until not
// included; 0 = up to now. It costs what lies between.
func (q *Queries) Usage(ctx context.Context, tenant domain.TenantID, since, until int64) (u Usage, err error) {
	from, before, err := q.bounds(ctx, AuditFilter{Tenant: tenant, Since: since, Until: until})
	if err != nil {
		return u, fmt.Errorf("counting facts: %w", err)
	}
	before = min(before, math.MaxInt64)
	user, key := int(domain.ActorUser), int(domain.ActorKey)
	if err := q.DB.QueryRowContext(ctx, requestCounts, tenant.ID[:], from, before, user, key).Scan(&u.Requests, &u.Failed); err != nil {
		return u, fmt.Errorf("counting requests: %w", err)
	}
	u.Facts, err = list(ctx, q.DB, func(rows *sql.Rows) (c FactCount, err error) {
		err = rows.Scan(&c.Type, &c.Day, &c.Outcome, &c.Facts)
		return c, err
	}, factCounts, tenant.ID[:], from, before, microsOfDay, user, key)
	if err != nil {
		return u, fmt.Errorf("counting facts: %w", err)
	}
	return u, nil
}

// CredentialCount is how many credentials there are of one type.
type CredentialCount struct {
	Type                    string
	Total, Active, Expiring int
}

// CredentialCounts counts the credentials of an environment that are not ended, by
// type. Expiring are those that can be used at now and no more at soon.
func (q *Queries) CredentialCounts(ctx context.Context, tenant domain.TenantID, env domain.Environment, now, soon time.Time) ([]CredentialCount, error) {
	counts, err := list(ctx, q.DB, func(rows *sql.Rows) (c CredentialCount, err error) {
		err = rows.Scan(&c.Type, &c.Total, &c.Active, &c.Expiring)
		return c, err
	}, entryCounts, tenant.ID[:], string(env), now.UnixMicro(), soon.UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("counting credentials: %w", err)
	}
	return counts, nil
}
