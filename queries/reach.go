package queries

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
)

// Reach is what an API key did, and could do: what is at stake if somebody else has it.
type Reach struct {
	Events      []Deeds   // what it did, by kind of fact
	Credentials []Touched // whose values it read, the latest first
	Reachable   int       // credentials that it could read now
	More        bool      // Credentials are the latest MaxTouched only
}

// Deeds are facts of one type.
type Deeds struct {
	Type        string
	Times       int
	First, Last int64 // Unix microseconds
}

// Touched is a credential whose value an actor read.
type Touched struct {
	ID          domain.CredentialID
	Name        string
	Type        string
	Times       int
	First, Last int64 // Unix microseconds
	LastSeq     uint64
	Exposed     bool // it is in use, with the value that was read
	Active      bool
}

// MaxTouched is how many credentials an answer lists.
const MaxTouched = 1000

const (
	deedsOf = `SELECT event_type, COUNT(*), MIN(time_us), MAX(time_us) FROM audit_index
		WHERE tenant_id = $1 AND actor_id = $2 AND seq >= $3 AND seq < $4 GROUP BY event_type ORDER BY event_type`
	touchedBy = `SELECT aggregate_id, COUNT(*), MIN(time_us), MAX(time_us), MAX(seq) AS latest FROM audit_index
		WHERE tenant_id = $1 AND actor_id = $2 AND event_type = 'CREDENTIAL_UNSEALED' AND seq >= $3 AND seq < $4
		GROUP BY aggregate_id ORDER BY latest DESC LIMIT $5`
	activeIn = `SELECT COUNT(*) FROM credentials WHERE tenant_id = $1 AND environment = $2 AND status = 0 AND (expires_at = 0 OR expires_at > $3)`
)

// Reach returns what an API key of tenant did from since to until, both included, and
// what of it matters now: what is exposed, and what the key can read. All three are
// Unix microseconds. It costs what the key did.
func (p *Past) Reach(ctx context.Context, tenant domain.TenantID, key domain.APIKey, since, until, now int64) (r Reach, err error) {
	q := p.Queries
	from, err := q.firstAt(ctx, tenant, since)
	if err != nil {
		return r, fmt.Errorf("what a key reached: %w", err)
	}
	before, err := q.firstAt(ctx, tenant, until+1)
	if err != nil {
		return r, fmt.Errorf("what a key reached: %w", err)
	}
	r.Events, err = list(ctx, q.DB, func(rows *sql.Rows) (d Deeds, err error) {
		err = rows.Scan(&d.Type, &d.Times, &d.First, &d.Last)
		return d, err
	}, deedsOf, tenant.ID[:], key.ID.ID[:], from, before)
	if err != nil {
		return r, fmt.Errorf("what a key did: %w", err)
	}
	r.Credentials, err = list(ctx, q.DB, func(rows *sql.Rows) (t Touched, err error) {
		err = rows.Scan(fixed(t.ID.ID[:]), &t.Times, &t.First, &t.Last, &t.LastSeq)
		return t, err
	}, touchedBy, tenant.ID[:], key.ID.ID[:], from, before, MaxTouched+1)
	if err != nil {
		return r, fmt.Errorf("what a key read: %w", err)
	}
	if r.More = len(r.Credentials) > MaxTouched; r.More {
		r.Credentials = r.Credentials[:MaxTouched]
	}
	for i := range r.Credentials {
		if err := p.expose(ctx, tenant, &r.Credentials[i], now); err != nil {
			return r, err
		}
	}
	if key.Works(now) {
		err = q.DB.QueryRowContext(ctx, activeIn, tenant.ID[:], string(key.Environment), now).Scan(&r.Reachable)
	}
	return r, err
}

// expose says of a credential that was read whether the value is still in use: facts
// say whether it was replaced since.
func (p *Past) expose(ctx context.Context, tenant domain.TenantID, t *Touched, now int64) error {
	row, found, err := p.Queries.Credential(ctx, tenant, t.ID)
	if err != nil || !found {
		return err
	}
	c, err := p.Credential(ctx, tenant, t.ID, now)
	if err != nil {
		return err
	}
	t.Name, t.Type, t.Active = row.Name, row.Type, usable(c, now)
	if t.Exposed = t.Active; !t.Active {
		return nil
	}
	seqs, err := p.Queries.AuditIndex(ctx, AuditFilter{
		Tenant: tenant, Types: []string{(domain.CredentialRotated{}).EventType().Name},
		Aggregates: []domain.AggregateID{{Kind: domain.KindCredential, ID: t.ID.ID}}, From: t.LastSeq, Limit: MaxTouched,
	})
	if err != nil {
		return err
	}
	facts, err := p.Queries.AuditLog(ctx, tenant, seqs)
	for i := range facts {
		if rotated, ok := facts[i].Event.(domain.CredentialRotated); ok && rotated.ValueChanged {
			t.Exposed = false
		}
	}
	return err
}
