package queries

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
)

// Version is one sealed version of a credential, without its value.
type Version struct {
	Entry      domain.EntryID
	RecordHash domain.Digest
	KEMKeyID   domain.Digest
	SealedAt   int64 // Unix microseconds, here and below; 0 = none
	ExpiresAt  int64
	Current    bool
	ShreddedAt int64 // when its destruction went on record
}

const versionsOf = `SELECT version, 0 AS state, record_hash, kem_key_id, sealed_at, expires_at, 0 AS shredded_at FROM credentials
		WHERE tenant_id = $1 AND credential_id = $2 AND status < 2
	UNION ALL SELECT version, state, record_hash, kem_key_id, sealed_at, expires_at, shredded_at FROM credential_versions
		WHERE tenant_id = $1 AND credential_id = $2
	ORDER BY version DESC`

// CredentialVersions returns the versions of a credential of tenant, the newest
// first: none for one that tenant does not have.
func (q *Queries) CredentialVersions(ctx context.Context, tenant domain.TenantID, id domain.CredentialID) ([]Version, error) {
	versions, err := list(ctx, q.DB, func(rows *sql.Rows) (v Version, err error) {
		var version uint16
		var state int
		err = rows.Scan(&version, &state, fixed(v.RecordHash[:]), fixed(v.KEMKeyID[:]), &v.SealedAt, &v.ExpiresAt, &v.ShreddedAt)
		v.Entry, v.Current = id.Entry(version), state == 0
		return v, err
	}, versionsOf, tenant.ID[:], id.ID[:])
	if err != nil {
		return nil, fmt.Errorf("listing versions: %w", err)
	}
	return versions, nil
}
