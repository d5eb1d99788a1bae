package queries

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/quantaseal/quantaseal/domain"
)

// CredentialPage asks for a page of credentials.
type CredentialPage struct {
	Tenant      domain.TenantID
	Environment domain.Environment
	Inactive    bool      // those that cannot be used too: retired, ended, expired
	Now         time.Time // what has expired by then is inactive
	Limit       int
	Cursor      uint64 // the last one of the page before; 0 = the first page
}

// Credential is one credential, without its value.
type Credential struct {
	ID           domain.CredentialID
	Version      uint16
	Environment  domain.Environment
	Name         string
	Type         string
	Class        string
	Algorithm    string
	Owner        domain.UserID
	RecordHash   domain.Digest // of the current version
	KEMKeyID     domain.Digest // of the current version
	Metadata     []byte        // a JSON object, or nil
	TTLDays      int
	CreatedAt    int64 // Unix microseconds, here and below; 0 = none
	UpdatedAt    int64 // sealed, rotated, retired, restored or ended
	AccessedAt   int64 // unsealed
	ExpiresAt    int64
	RestoreUntil int64
	Retired      bool
	Ended        bool
	Cursor       uint64
}

// Active reports whether the credential can be used at now.
func (c Credential) Active(now time.Time) bool {
	return !c.Retired && !c.Ended && (c.ExpiresAt == 0 || now.UnixMicro() < c.ExpiresAt)
}

const (
	// The last unsealing is found by the index of facts about a credential (kind 4),
	// so that an unsealing writes no row here.
	lastUnsealed = `(SELECT time_us FROM audit_index WHERE tenant_id = c.tenant_id AND seq = (SELECT MAX(seq) FROM audit_index
		WHERE tenant_id = c.tenant_id AND aggregate_kind = 4 AND aggregate_id = c.credential_id AND event_type = 'CREDENTIAL_UNSEALED'))`
	credentialColumns = `c.credential_id, c.version, c.environment, c.name, c.type, c.class, c.algorithm, c.owner_id,
		c.record_hash, c.kem_key_id, c.metadata, c.ttl_days, c.created_at, c.updated_at, COALESCE(` + lastUnsealed + `, 0),
		c.expires_at, c.restore_until, c.status, c.created_seq`

	credentialByID = `SELECT ` + credentialColumns + ` FROM credentials c WHERE c.tenant_id = $1 AND c.credential_id = $2`

	activePage = `SELECT ` + credentialColumns + ` FROM credentials c
		WHERE c.tenant_id = $1 AND c.environment = $2 AND c.status = 0 AND c.created_seq < $3
			AND (c.expires_at = 0 OR c.expires_at > $4)
		ORDER BY c.created_seq DESC LIMIT $5`
)

// everyPage merges the pages of each status, so that an index yields each of
// them in order.
var everyPage = func() string {
	var parts []string
	for _, status := range []string{"0", "1", "2"} {
		parts = append(parts, `SELECT id, seq FROM (SELECT credential_id AS id, created_seq AS seq FROM credentials
			WHERE tenant_id = $1 AND environment = $2 AND status = `+status+` AND created_seq < $3
			ORDER BY created_seq DESC LIMIT $4) AS status_`+status)
	}
	return `SELECT ` + credentialColumns + ` FROM (` + strings.Join(parts, " UNION ALL ") + ` ORDER BY seq DESC LIMIT $4) AS page
		JOIN credentials c ON c.tenant_id = $1 AND c.credential_id = page.id ORDER BY page.seq DESC`
}()

// ListCredentials returns a page of credentials, the newest first. Fewer than
// Limit mean that there are no more. A page costs the same however many there are.
func (q *Queries) ListCredentials(ctx context.Context, p CredentialPage) ([]Credential, error) {
	below := int64(math.MaxInt64)
	if p.Cursor > 0 {
		below = column(p.Cursor)
	}
	query, args := activePage, []any{p.Tenant.ID[:], string(p.Environment), below, p.Now.UnixMicro(), p.Limit}
	if p.Inactive {
		query, args = everyPage, []any{p.Tenant.ID[:], string(p.Environment), below, p.Limit}
	}
	page, err := list(ctx, q.DB, scanCredential, query, args...)
	if err != nil {
		return nil, fmt.Errorf("listing credentials: %w", err)
	}
	return page, nil
}

// Credential returns a credential of tenant, and whether there is one.
func (q *Queries) Credential(ctx context.Context, tenant domain.TenantID, id domain.CredentialID) (Credential, bool, error) {
	found, err := list(ctx, q.DB, scanCredential, credentialByID, tenant.ID[:], id.ID[:])
	if err != nil {
		return Credential{}, false, fmt.Errorf("looking up a credential: %w", err)
	}
	if len(found) == 0 {
		return Credential{}, false, nil
	}
	return found[0], true, nil
}

func scanCredential(rows *sql.Rows) (c Credential, err error) {
	var status int
	err = rows.Scan(fixed(c.ID.ID[:]), &c.Version, &c.Environment, &c.Name, &c.Type, &c.Class, &c.Algorithm, fixed(c.Owner.ID[:]),
		fixed(c.RecordHash[:]), fixed(c.KEMKeyID[:]), &c.Metadata, &c.TTLDays, &c.CreatedAt, &c.UpdatedAt, &c.AccessedAt,
		&c.ExpiresAt, &c.RestoreUntil, &status, &c.Cursor)
	c.Retired, c.Ended = status == 1, status == 2
	return c, err
}
