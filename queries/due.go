package queries

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/quantaseal/quantaseal/domain"
)

const (
	overdue = `SELECT due, tenant_id, credential_id FROM (SELECT expires_at AS due, tenant_id, credential_id FROM credentials
			WHERE expires_at > 0 AND status < 2 AND expires_at <= $1 AND (expires_at, tenant_id, credential_id) > ($2, $3, $4)
			ORDER BY expires_at, tenant_id, credential_id LIMIT $5) AS expired
		UNION SELECT due, tenant_id, credential_id FROM (SELECT restore_until AS due, tenant_id, credential_id FROM credentials
			WHERE status = 1 AND restore_until <= $1 AND (restore_until, tenant_id, credential_id) > ($2, $3, $4)
			ORDER BY restore_until, tenant_id, credential_id LIMIT $5) AS retired
		ORDER BY due, tenant_id, credential_id LIMIT $5`
	unshredded = `SELECT tenant_id, credential_id, version, record_hash, state FROM credential_versions
		WHERE shredded_at = 0 AND (tenant_id, credential_id, version) > ($1, $2, $3)
		ORDER BY tenant_id, credential_id, version LIMIT $4`
	namedHash = `SELECT EXISTS (SELECT 1 FROM credentials WHERE tenant_id = $1 AND credential_id = $2 AND record_hash = $3)
		OR EXISTS (SELECT 1 FROM credential_versions WHERE tenant_id = $1 AND credential_id = $2 AND record_hash = $3)`
	unregistered = `SELECT tenant_id, tenant_index, account_ref FROM tenants
		WHERE registered_at = 0 AND tenant_index > $1 ORDER BY tenant_index LIMIT $2`
	invitees = `SELECT tenant_id, user_id, account_ref FROM users
		WHERE registered_at = 0 AND (tenant_id, user_id) > ($1, $2) ORDER BY tenant_id, user_id LIMIT $3`
)

// Overdue returns up to limit credentials whose lifetime or restore window ended
// before now, and that nobody ended yet: those that follow after, in the order in
// which they ended. One may come twice, if both ended.
func (q *Queries) Overdue(ctx context.Context, now time.Time, after domain.DueCredential, limit int) ([]domain.DueCredential, error) {
	due, err := list(ctx, q.DB, func(rows *sql.Rows) (d domain.DueCredential, err error) {
		err = rows.Scan(&d.At, fixed(d.Tenant.ID[:]), fixed(d.Credential.ID[:]))
		return d, err
	}, overdue, now.UnixMicro(), after.At, after.Tenant.ID[:], after.Credential.ID[:], limit)
	if err != nil {
		return nil, fmt.Errorf("looking for what has expired: %w", err)
	}
	return due, nil
}

// Unshredded returns up to limit versions that are over and whose destruction is
// not on record: those that follow after, in the order of their ids.
func (q *Queries) Unshredded(ctx context.Context, after domain.DueVersion, limit int) ([]domain.DueVersion, error) {
	last := after.Entry.Credential()
	due, err := list(ctx, q.DB, func(rows *sql.Rows) (d domain.DueVersion, err error) {
		var credential domain.CredentialID
		var version uint16
		var state int
		err = rows.Scan(fixed(d.Tenant.ID[:]), fixed(credential.ID[:]), &version, fixed(d.RecordHash[:]), &state)
		d.Entry, d.Ended = credential.Entry(version), state == 2
		return d, err
	}, unshredded, after.Tenant.ID[:], last.ID[:], after.Entry.Version(), limit)
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

// Unregistered returns up to limit tenants that were added and have not registered,
// unless their first user was erased: those that follow after, in the order of
// their indexes.
func (q *Queries) Unregistered(ctx context.Context, after domain.DueRegistration, limit int) ([]domain.DueRegistration, error) {
	due, err := list(ctx, q.DB, func(rows *sql.Rows) (d domain.DueRegistration, err error) {
		err = rows.Scan(fixed(d.Tenant.ID[:]), &d.Index, fixed(d.AccountRef[:]))
		return d, err
	}, unregistered, after.Index, limit)
	if err != nil {
		return nil, fmt.Errorf("looking for interrupted registrations: %w", err)
	}
	return due, nil
}

// Invitees returns up to limit people who were invited and are no users: those that
// follow after, in the order of their ids.
func (q *Queries) Invitees(ctx context.Context, after domain.DueInvitee, limit int) ([]domain.DueInvitee, error) {
	due, err := list(ctx, q.DB, func(rows *sql.Rows) (d domain.DueInvitee, err error) {
		err = rows.Scan(fixed(d.Tenant.ID[:]), fixed(d.User.ID[:]), fixed(d.AccountRef[:]))
		return d, err
	}, invitees, after.Tenant.ID[:], after.User.ID[:], limit)
	if err != nil {
		return nil, fmt.Errorf("looking for invitees: %w", err)
	}
	return due, nil
}
