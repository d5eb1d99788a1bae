package commands

import (
	"context"
	"errors"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// member decides about a user within the tenant, and appends what follows about
// both at once: what holds because of the tenant's owners is appended on the
// version of the tenant that knew them. proof is the id of the fact that
// issues a proof, if one does. A lost race starts again from what won.
func (i *Identity) member(ctx context.Context, by domain.Actor, id domain.UserID, proof domain.ID,
	decide func(domain.Member) (domain.MemberFacts, error),
) (domain.Member, eventstore.Receipt, error) {
	tenantID, userID := tenantAggregate(by.Tenant), userAggregate(id)
	for races := 0; ; races++ {
		as := i.Log.Generation()
		tenant, tenantVersion, err := eventstore.Fold[domain.Tenant](ctx, i.Log, by.Tenant, tenantID)
		if err != nil {
			return domain.Member{}, eventstore.Receipt{}, fmt.Errorf("loading a tenant: %w", err)
		}
		user, userVersion, err := eventstore.Fold[domain.User](ctx, i.Log, by.Tenant, userID)
		if err != nil {
			return domain.Member{}, eventstore.Receipt{}, fmt.Errorf("loading a user: %w", err)
		}
		m := domain.Member{Tenant: tenant, User: user}
		facts, err := decide(m)
		if err != nil || len(facts.Tenant)+len(facts.User) == 0 {
			return m, eventstore.Receipt{}, err
		}
		tenantAfter, tenantReached, list := place(tenant, tenantVersion, tenantID, terms[domain.Tenant]{}, facts.Tenant)
		userAfter, userReached, more := place(user, userVersion, userID, terms[domain.User]{proof: proof}, facts.User)
		receipt, err := i.Log.Append(ctx, by, append(list, more...)...)
		if errors.Is(err, eventstore.ErrStale) {
			i.Log.Forget(by.Tenant, tenantID)
			i.Log.Forget(by.Tenant, userID)
			if races < maxRaces {
				continue
			}
			return m, eventstore.Receipt{}, domain.ErrContended
		}
		if err != nil {
			return m, receipt, fmt.Errorf("recording: %w", err)
		}
		if tenantReached > tenantVersion {
			eventstore.Remember(i.Log, by.Tenant, tenantID, tenantAfter, tenantReached, as)
		}
		eventstore.Remember(i.Log, by.Tenant, userID, userAfter, userReached, as)
		return domain.Member{Tenant: tenantAfter, User: userAfter}, receipt, nil
	}
}

// administer is member for somebody who manages users. It refuses with Denied, on
// the record, whoever is barred, an API key, and what the actor's role may not do.
func (i *Identity) administer(ctx context.Context, by domain.Actor, route string, id domain.UserID, proof domain.ID,
	decide func(domain.Member) (domain.MemberFacts, error),
) (domain.Member, eventstore.Receipt, error) {
	if err := i.Admit(ctx, by, route); err != nil {
		return domain.Member{}, eventstore.Receipt{}, err
	}
	m, receipt, err := i.member(ctx, by, id, proof, decide)
	if errors.Is(err, domain.ErrDenied) {
		by.Verdict = domain.Judged(domain.BarredRole)
		err = deny(ctx, i.Log, by, "", route)
	}
	return m, receipt, err
}

// Admit refuses with Denied, on the record, whoever is barred from a route that
// takes no scope, and every API key: such routes are for people who manage others.
func (i *Identity) Admit(ctx context.Context, by domain.Actor, route string) error {
	if by.Kind != domain.ActorUser && by.Bar() == "" {
		by.Verdict = domain.Judged(domain.BarredKey)
	}
	if by.Bar() == "" && !by.Role.Administers() {
		by.Verdict = domain.Judged(domain.BarredRole)
	}
	if by.Bar() == "" {
		return nil
	}
	return deny(ctx, i.Log, by, "", route)
}

// ChangeRole asks for a user to be something else.
type ChangeRole struct {
	Actor domain.Actor
	User  domain.UserID
	Role  string
}

// ChangeRole gives a user, or an invitee, another role; the one it has is no news.
// Access requirement: admin, and owner where one is made or unmade. It refuses
// with Invalid what is no role, with Denied, with ErrUserNotFound, and with
// ErrLastOwner.
func (i *Identity) ChangeRole(ctx context.Context, cmd ChangeRole) (domain.User, eventstore.Receipt, error) {
	role, err := domain.ParseRole(cmd.Role)
	if err != nil {
		return domain.User{}, eventstore.Receipt{}, err
	}
	m, receipt, err := i.administer(ctx, cmd.Actor, "user.role", cmd.User, domain.ID{},
		func(m domain.Member) (domain.MemberFacts, error) { return m.ChangeRole(role, cmd.Actor) })
	return m.User, receipt, err
}

// DeactivateUser asks for a user to have no access any more.
type DeactivateUser struct {
	Actor domain.Actor
	User  domain.UserID
}

// DeactivateUser ends what a user may do, with all of their sessions and API keys,
// or takes an invitation back; twice is no news. Access requirement: admin, and
// owner where it is one. It refuses with Denied, ErrUserNotFound and ErrLastOwner.
func (i *Identity) DeactivateUser(ctx context.Context, cmd DeactivateUser) (domain.User, eventstore.Receipt, error) {
	m, receipt, err := i.administer(ctx, cmd.Actor, "user.deactivate", cmd.User, domain.ID{},
		func(m domain.Member) (domain.MemberFacts, error) { return m.Deactivate(cmd.Actor) })
	return m.User, receipt, err
}

// Users returns users of tenant as the log says that they are, in the given
// order. Whether the caller may see them is for Admit.
func (i *Identity) Users(ctx context.Context, tenant domain.TenantID, ids []domain.UserID) ([]domain.User, error) {
	users := make([]domain.User, 0, len(ids))
	for _, id := range ids {
		user, err := i.userOf(ctx, tenant, id)
		if err != nil {
			return nil, err
		}
		users = append(users, user)
	}
	return users, nil
}
