package queries

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/quantaseal/quantaseal/domain"
)

// APIKey is one API key, without what proves it.
type APIKey struct {
	ID          domain.KeyID
	Name        string
	Prefix      string
	Owner       domain.UserID
	Scopes      []domain.Scope
	Environment domain.Environment
	CreatedAt   int64 // Unix microseconds, here and below; 0 = none
	ExpiresAt   int64
	RevokedAt   int64
	LastUsedAt  int64
}

const (
	keysOf = `SELECT key_id, name, prefix, owner_id, scopes, environment, created_at, expires_at, revoked_at, last_used_at
		FROM api_keys WHERE tenant_id = $1 ORDER BY created_seq`
	keyByLookup = `SELECT tenant_id, key_id FROM api_keys WHERE lookup = $1`
)

// APIKeys returns every API key that tenant ever had, in the order of their creation.
func (q *Queries) APIKeys(ctx context.Context, tenant domain.TenantID) ([]APIKey, error) {
	keys, err := list(ctx, q.DB, func(rows *sql.Rows) (k APIKey, err error) {
		var scopes string
		err = rows.Scan(fixed(k.ID.ID[:]), &k.Name, &k.Prefix, fixed(k.Owner.ID[:]), &scopes, &k.Environment,
			&k.CreatedAt, &k.ExpiresAt, &k.RevokedAt, &k.LastUsedAt)
		for _, scope := range strings.Fields(scopes) {
			k.Scopes = append(k.Scopes, domain.Scope(scope))
		}
		return k, err
	}, keysOf, tenant.ID[:])
	if err != nil {
		return nil, fmt.Errorf("listing API keys: %w", err)
	}
	return keys, nil
}

// APIKeyByLookup returns where the key with a public part is recorded, or zero
// ids if there is none.
func (q *Queries) APIKeyByLookup(ctx context.Context, lookup string) (tenant domain.TenantID, key domain.KeyID, err error) {
	err = q.DB.QueryRowContext(ctx, keyByLookup, lookup).Scan(fixed(tenant.ID[:]), fixed(key.ID[:]))
	if errors.Is(err, sql.ErrNoRows) {
		return domain.TenantID{}, domain.KeyID{}, nil
	}
	if err != nil {
		return domain.TenantID{}, domain.KeyID{}, fmt.Errorf("looking up an API key: %w", err)
	}
	return tenant, key, nil
}
