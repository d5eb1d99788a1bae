package commands

import (
	"context"
	"errors"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

func accountAggregate(ref domain.ID) domain.AggregateID {
	return domain.AggregateID{Kind: domain.KindUser, ID: ref}
}

// resume finishes, for whoever knows its password, a registration that broke off
// before the tenant's chain began. Any other is refused with ErrAddressTaken, after
// the same work, and one that is still going on once that is over.
func (i *Identity) resume(ctx context.Context, cmd Register, account domain.Account) (Session, error) {
	done, err := i.turns.take(ctx, domain.TenantID{}, account.Ref)
	if err != nil {
		return Session{}, err
	}
	defer done()
	head, err := i.Log.Head(ctx, account.Tenant)
	if err != nil {
		return Session{}, err
	}
	hash := ""
	if head.Next == 0 {
		hash = account.Registration.PasswordHash
	}
	proven, err := i.Passwords.Verify(ctx, cmd.Password, hash)
	if err != nil {
		return Session{}, err
	}
	if !proven {
		return Session{}, domain.ErrAddressTaken
	}
	index, err := i.indexOf(ctx, account)
	if err != nil {
		return Session{}, err
	}
	by := cmd.Actor
	by.Tenant = account.Tenant
	user, err := i.begin(ctx, by, claimOf(account), index)
	if err != nil {
		return Session{}, err
	}
	return i.issue(ctx, by, user.ID, false, nil, nothingMore)
}

// claimOf returns the fact that account was folded from.
func claimOf(a domain.Account) domain.AccountClaimed {
	return domain.AccountClaimed{AccountRef: a.Ref, TenantID: a.Tenant, UserID: a.User, Personal: a.Registration}
}

// indexOf returns the place among the chains of the tenant that was added with
// account's claim.
func (i *Identity) indexOf(ctx context.Context, account domain.Account) (uint32, error) {
	claim, err := i.Log.Latest(ctx, domain.TenantID{}, accountAggregate(account.Ref))
	if err != nil {
		return 0, fmt.Errorf("looking for a claim: %w", err)
	}
	next, err := i.Log.At(ctx, domain.TenantID{}, claim.Header.Seq+1)
	if err != nil && !errors.Is(err, eventstore.ErrNotFound) {
		return 0, fmt.Errorf("looking for a tenant's index: %w", err)
	}
	added, ok := next.Event.(domain.TenantAdded)
	if !ok || added.TenantID != account.Tenant {
		return 0, fmt.Errorf("%w: a claim without its tenant", eventstore.ErrTampered)
	}
	return added.TenantIndex, nil
}

// finish begins the tenant of a registration that broke off, unless its first
// user was erased meanwhile: then the address becomes free.
func (i *Identity) finish(ctx context.Context, request domain.RequestID, due domain.DueRegistration) error {
	account, _, err := eventstore.Fold[domain.Account](ctx, i.Log, domain.TenantID{}, accountAggregate(due.AccountRef))
	if err != nil {
		return err
	}
	if account.Tenant != due.Tenant {
		return nil // the read models have not heard of it yet
	}
	if account.Registration.TenantName == "" {
		_, _, err := transact(ctx, i.Log, domain.System(domain.TenantID{}, request), accountAggregate(due.AccountRef), terms[domain.Account]{},
			func(a domain.Account) ([]domain.AccountEvent, error) { return a.Release(account.User) })
		return err
	}
	_, err = i.begin(ctx, domain.System(account.Tenant, request), claimOf(account), due.Index)
	return err
}
