package queries

import (
	"context"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Past answers what was so at an instant, Unix microseconds. Read models say where to
// look, and the log what was so: whatever decides is folded from facts stamped no later.
// Both fields are required.
type Past struct {
	Queries *Queries
	Log     *eventstore.Log
}

// Tenant returns a tenant as it was, the zero Tenant if it was not yet.
func (p *Past) Tenant(ctx context.Context, id domain.TenantID, at int64) (domain.Tenant, error) {
	t, _, err := eventstore.FoldAt[domain.Tenant](ctx, p.Log, id, domain.AggregateID{Kind: domain.KindTenant, ID: id.ID}, at)
	if err != nil {
		return t, fmt.Errorf("a tenant of the past: %w", err)
	}
	return t, nil
}

// Credential returns a credential as it was, the zero Credential if it was not sealed yet.
func (p *Past) Credential(ctx context.Context, tenant domain.TenantID, id domain.CredentialID, at int64) (domain.Credential, error) {
	c, _, err := eventstore.FoldAt[domain.Credential](ctx, p.Log, tenant, domain.AggregateID{Kind: domain.KindCredential, ID: id.ID}, at)
	if err != nil {
		return c, fmt.Errorf("a credential of the past: %w", err)
	}
	return c, nil
}

// PastCredential is a credential with the row that it is found by.
type PastCredential struct {
	domain.Credential
	Row Credential // of today: what never changes of it, and Cursor
}

// usable reports whether a credential could be read at an instant.
func usable(c domain.Credential, at int64) bool {
	return c.Version > 0 && !c.Ended && c.RestoreUntil == 0 && (c.ExpiresAt == 0 || at < c.ExpiresAt)
}

// Active reports whether the credential could be used at an instant.
func (c PastCredential) Active(at int64) bool { return usable(c.Credential, at) }

// Credentials returns the credentials of a page as they were at an instant, the newest
// of then first, and the cursor of the page that follows, 0 if there is none. Those
// that could not be used then are left out unless the page asks for them: it may hold
// fewer than its limit and not be the last. It costs a fold for each row.
func (p *Past) Credentials(ctx context.Context, page CredentialPage, at int64) (found []PastCredential, next uint64, err error) {
	before, err := p.Queries.firstAt(ctx, page.Tenant, at+1)
	if err != nil {
		return nil, 0, fmt.Errorf("credentials of the past: %w", err)
	}
	if before == 0 {
		return nil, 0, nil
	}
	all := page
	all.Inactive = true
	if page.Cursor == 0 || uint64(before) < page.Cursor {
		all.Cursor = uint64(before)
	}
	rows, err := p.Queries.ListCredentials(ctx, all)
	if err != nil {
		return nil, 0, err
	}
	for _, row := range rows {
		c, err := p.Credential(ctx, page.Tenant, row.ID, at)
		if err != nil {
			return nil, 0, err
		}
		if past := (PastCredential{c, row}); page.Inactive || past.Active(at) {
			found = append(found, past)
		}
	}
	if len(rows) == page.Limit {
		next = rows[len(rows)-1].Cursor
	}
	return found, next, nil
}
