package projections

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Identity keeps tenants, users, sessions and API keys, with neither addresses
// nor anything that proves who somebody is.
type Identity struct {
	claimed, added, registered *sql.Stmt // tenants
	released                   *sql.Stmt
	user, role, verified       *sql.Stmt
	issued, refreshed, ended   *sql.Stmt // sessions
	endedOf                    *sql.Stmt
	key, revoked, used         *sql.Stmt // api_keys
	revokedOf                  *sql.Stmt
}

// insertTenant is ready for whatever of a tenant is learnt first.
const insertTenant = `INSERT INTO tenants (tenant_id, tenant_index, account_ref, owner_id, name, plan, trial_ends_at, added_at, registered_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (tenant_id) `

func newIdentity(ctx context.Context, p *preparer) *Identity {
	return &Identity{
		claimed: p.stmt(ctx, insertTenant+`DO NOTHING`),
		added:   p.stmt(ctx, insertTenant+`DO UPDATE SET tenant_index = excluded.tenant_index, added_at = excluded.added_at`),
		registered: p.stmt(ctx, insertTenant+`DO UPDATE SET name = excluded.name, plan = excluded.plan,
			trial_ends_at = excluded.trial_ends_at, registered_at = excluded.registered_at`),
		released: p.stmt(ctx, `DELETE FROM tenants WHERE registered_at = 0 AND account_ref = $1 AND owner_id = $2`),
		user: p.stmt(ctx, `INSERT INTO users (tenant_id, user_id, account_ref, role, verified, registered_seq, registered_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant_id, user_id) DO UPDATE SET role = excluded.role,
			verified = excluded.verified, registered_seq = excluded.registered_seq, registered_at = excluded.registered_at`),
		role:     p.stmt(ctx, `UPDATE users SET role = $3 WHERE tenant_id = $1 AND user_id = $2`),
		verified: p.stmt(ctx, `UPDATE users SET verified = 1 WHERE tenant_id = $1 AND user_id = $2`),
		issued: p.stmt(ctx, `INSERT INTO sessions (tenant_id, session_id, user_id, created_at, refreshed_at, expires_at, revoked_at)
			VALUES ($1, $2, $3, $4, 0, $5, 0)`),
		refreshed: p.stmt(ctx, `UPDATE sessions SET refreshed_at = $3 WHERE tenant_id = $1 AND session_id = $2`),
		ended:     p.stmt(ctx, `UPDATE sessions SET revoked_at = $3 WHERE tenant_id = $1 AND session_id = $2 AND revoked_at = 0`),
		endedOf: p.stmt(ctx, `UPDATE sessions SET revoked_at = $4
			WHERE tenant_id = $1 AND user_id = $2 AND session_id <> $3 AND revoked_at = 0`),
		key: p.stmt(ctx, `INSERT INTO api_keys (tenant_id, key_id, lookup, name, prefix, owner_id, scopes, environment,
			created_seq, created_at, expires_at, revoked_at, last_used_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0)`),
		revoked:   p.stmt(ctx, `UPDATE api_keys SET revoked_at = $3 WHERE tenant_id = $1 AND key_id = $2 AND revoked_at = 0`),
		revokedOf: p.stmt(ctx, `UPDATE api_keys SET revoked_at = $3 WHERE tenant_id = $1 AND owner_id = $2 AND revoked_at = 0`),
		used:      p.stmt(ctx, `UPDATE api_keys SET last_used_at = $3 WHERE tenant_id = $1 AND key_id = $2`),
	}
}

// Name implements Projection.
func (*Identity) Name() string { return "identity/3" }

// Tables implements Projection.
func (*Identity) Tables() []string { return []string{"tenants", "users", "sessions", "api_keys"} }

// object names a thing of a tenant.
type object struct {
	tenant [16]byte
	id     domain.ID
}

// Apply implements Projection. However often a key acts within a batch, its row
// is written once, with the last time.
func (i *Identity) Apply(ctx context.Context, tx *sql.Tx, facts []eventstore.Recorded) error {
	used := map[object]int64{}
	for n := range facts {
		f := &facts[n]
		if err := i.apply(ctx, tx, f); err != nil {
			return fmt.Errorf("applying %s: %w", f.Header.EventType, err)
		}
		if domain.ActorKind(f.Header.ActorKind) == domain.ActorKey {
			used[object{f.Header.Tenant, f.Header.ActorID}] = at(f)
		}
	}
	for key, last := range used {
		if err := exec(ctx, tx, i.used, key.tenant[:], key.id[:], last); err != nil {
			return fmt.Errorf("keeping when an API key was used: %w", err)
		}
	}
	return nil
}

func (i *Identity) apply(ctx context.Context, tx *sql.Tx, f *eventstore.Recorded) error {
	tenant := f.Header.Tenant[:]
	var none domain.ID
	switch e := f.Event.(type) {
	case domain.AccountClaimed:
		return exec(ctx, tx, i.claimed, e.TenantID.ID[:], int64(0), e.AccountRef[:], e.UserID.ID[:], "", "", int64(0), int64(0), int64(0))
	case domain.AccountReleased: // who was erased does not begin a tenant any more
		return exec(ctx, tx, i.released, e.AccountRef[:], e.UserID.ID[:])
	case domain.TenantAdded:
		return exec(ctx, tx, i.added, e.TenantID.ID[:], int64(e.TenantIndex), none[:], none[:], "", "", int64(0), at(f), int64(0))
	case domain.TenantRegistered:
		return exec(ctx, tx, i.registered, e.TenantID.ID[:], int64(0), none[:], none[:], e.Personal.Name, e.Plan, e.TrialEndsAt, int64(0), at(f))
	case domain.UserRegistered:
		return exec(ctx, tx, i.user, tenant, e.UserID.ID[:], e.AccountRef[:], string(e.Role), flag(e.Verified), seq(f), at(f))
	case domain.UserInvited:
		return exec(ctx, tx, i.user, tenant, e.UserID.ID[:], e.AccountRef[:], string(e.Role), flag(false), seq(f), int64(0))
	case domain.UserRoleChanged:
		return exec(ctx, tx, i.role, tenant, e.UserID.ID[:], string(e.NewRole))
	case domain.UserEmailVerified:
		return exec(ctx, tx, i.verified, tenant, e.UserID.ID[:])
	case domain.SessionIssued:
		return exec(ctx, tx, i.issued, tenant, e.SessionID.ID[:], e.UserID.ID[:], at(f), e.ExpiresAt)
	case domain.SessionRefreshed:
		return exec(ctx, tx, i.refreshed, tenant, e.SessionID.ID[:], at(f))
	case domain.SessionRevoked:
		return exec(ctx, tx, i.ended, tenant, e.SessionID.ID[:], at(f))
	case domain.PasswordSet:
		if e.Rehashed {
			return nil
		}
		return exec(ctx, tx, i.endedOf, tenant, e.UserID.ID[:], e.KeptSession.ID[:], at(f))
	case domain.UserDeactivated:
		if err := exec(ctx, tx, i.endedOf, tenant, e.UserID.ID[:], none[:], at(f)); err != nil {
			return err
		}
		return exec(ctx, tx, i.revokedOf, tenant, e.UserID.ID[:], at(f))
	case domain.APIKeyCreated:
		scopes := make([]string, len(e.Scopes))
		for n, scope := range e.Scopes {
			scopes[n] = string(scope)
		}
		return exec(ctx, tx, i.key, tenant, e.KeyID.ID[:], e.Lookup, e.Personal.Name, e.Prefix, e.Owner.ID[:],
			strings.Join(scopes, " "), string(e.Environment), seq(f), at(f), e.ExpiresAt)
	case domain.APIKeyRevoked:
		return exec(ctx, tx, i.revoked, tenant, e.KeyID.ID[:], at(f))
	}
	return nil
}

// flag returns b as tables keep it.
func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
