package keyring

import "github.com/quantaseal/quantaseal/domain"

// MaxUses is how often a tenant's keys wrap between two loads.
const MaxUses = maxUses

// Use counts n uses of tenant's keys in memory.
func (r *Ring) Use(tenant domain.TenantID, n int64) {
	k, _ := r.tenants.Peek(tenant)
	k.uses.Add(n)
}

// CachedTenants returns how many tenants are in memory.
func (r *Ring) CachedTenants() int { return r.tenants.Len() }
