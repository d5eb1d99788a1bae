package queries

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/quantaseal/quantaseal/domain"
)

const (
	overdue = `SELECT tenant_id, credential_id FROM (SELECT tenant_id, credential_id FROM credentials
			WHERE expires_at > 0 AND status < 2 AND expires_at <= $1 ORDER BY expires_at LIMIT $2) AS expired
		UNION SELECT tenant_id, credential_id FROM (SELECT tenant_id, credential_id FROM credentials
			WHERE status = 1 AND restore_until <= $1 ORDER BY restore_until LIMIT $2) AS retired
		LIMIT $2`
	unshredded = `SELECT tenant_id, credential_id, version, record_hash, state FROM credential_versions
		WHERE shredded_at = 0 LIMIT $1`
	namedHash = `SELECT EXISTS (SELECT 1 FROM credentials WHERE tenant_id = $1 AND credential_id = $2 AND record_hash = $3)
		OR EXISTS (SELECT 1 FROM credential_versions WHERE tenant_id = $1 AND credential_id = $2 AND record_hash = $3)`
	unregistered = `SELECT tenant_id, tenant_index, account_ref FROM tenants
		WHERE registered_at = 0 AND tenant_index > 0 ORDER BY tenant_index LIMIT $1`
)

// Overdue returns up to limit credentials whose lifetime or restore window ended
// before now, and that nobody ended yet.
func (q *Queries) Overdue(ctx context.Context, now time.Time, limit int) ([]domain.DueCredential, error) {
	due, err := list(ctx, q.DB, func(rows *sql.Rows) (d domain.DueCredential, err error) {
		err = rows.Scan(fixed(d.Tenant.ID[:]), fixed(d.Credential.ID[:]))
		return d, err
	}, overdue, now.UnixMicro(), limit)
	if err != nil {
		return nil, fmt.Errorf("looking for what has expired: %w", err)
	}
	return due, nil
}

// Unshredded returns up to limit versions that are over and whose destruction is
// not on record.
func (q *Queries) Unshredded(ctx context.Context, limit int) ([]domain.DueVersion, error) {
	due, err := list(ctx, q.DB, func(rows *sql.Rows) (d domain.DueVersion, err error) {
		var credential domain.CredentialID
		var version uint16
		var state int
		err = rows.Scan(fixed(d.Tenant.ID[:]), fixed(credential.ID[:]), &version, fixed(d.RecordHash[:]), &state)
		d.Entry, d.Ended = credential.Entry(version), state == 2
		return d, err
	}, unshredded, limit)
	if err != nil {
		return nil, fmt.Errorf("looking for what is not destroyed: %w", err)
	}
	return due, nil
}

// Named reports whether a fact about a credential of tenant names the record hash.
func (q *Queries) Named(ctx context.Context, tenant domain.TenantID, credential domain.CredentialID, hash domain.Digest) (named bool, err error) {
	err = q.DB.QueryRowContext(ctx, namedHash, tenant.ID[:], credential.ID[:], hash[:]).Scan(&named)
	if err != nil {
		return false, fmt.Errorf("looking for the fact of a record: %w", err)
	}
	return named, nil
}

// Unregistered returns up to limit tenants that were added and have not
// registered, in the order of their indexes.
func (q *Queries) Unregistered(ctx context.Context, limit int) ([]domain.DueRegistration, error) {
	due, err := list(ctx, q.DB, func(rows *sql.Rows) (d domain.DueRegistration, err error) {
		err = rows.Scan(fixed(d.Tenant.ID[:]), &d.Index, fixed(d.AccountRef[:]))
		return d, err
	}, unregistered, limit)
	if err != nil {
		return nil, fmt.Errorf("looking for interrupted registrations: %w", err)
	}
	return due, nil
}
