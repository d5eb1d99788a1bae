package commands

import (
	"context"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// EraseUser asks for a person to be forgotten.
type EraseUser struct {
	Actor domain.Actor
	User  domain.UserID
}

// ErrOneself refuses to erase whoever asks: the fact that says so could hold
// nothing about where it came from.
var ErrOneself = &domain.Error{Kind: domain.Conflict, Message: "somebody else has to erase you"}

// EraseUser ends what a user may do, destroys the keys under which their address,
// their hashes and where they came from are kept, and frees the address. The
// events stay, and verify. What a fault interrupts is finished by asking again.
// Access requirement: admin, and owner where it is one. It refuses with Denied,
// ErrUserNotFound, ErrLastOwner and ErrOneself.
func (i *Identity) EraseUser(ctx context.Context, cmd EraseUser) (domain.User, eventstore.Receipt, error) {
	const route = "privacy.erase"
	by := cmd.Actor
	if err := i.Admit(ctx, by, route); err != nil {
		return domain.User{}, eventstore.Receipt{}, err
	}
	if by.User == cmd.User {
		return domain.User{}, eventstore.Receipt{}, ErrOneself
	}
	// First nobody can act as the user any more: nothing new is kept under the keys.
	before, _, err := i.administer(ctx, by, route, cmd.User, domain.ID{},
		func(m domain.Member) (domain.MemberFacts, error) { return m.Deactivate(by) })
	if err != nil {
		return domain.User{}, eventstore.Receipt{}, err
	}
	ctx = context.WithoutCancel(ctx)
	ranges, err := i.about(ctx, by.Tenant, cmd.User)
	if err != nil {
		return domain.User{}, eventstore.Receipt{}, unfinished{err}
	}
	for _, tenant := range []domain.TenantID{by.Tenant, {}} { // the address was claimed on the system chain
		if err := i.Keys.EraseSubject(ctx, tenant, cmd.User); err != nil {
			return domain.User{}, eventstore.Receipt{}, unfinished{fmt.Errorf("destroying a subject key: %w", err)}
		}
	}
	if err := i.Mail.Forget(ctx, cmd.User); err != nil {
		return domain.User{}, eventstore.Receipt{}, unfinished{fmt.Errorf("forgetting letters: %w", err)}
	}
	m, receipt, err := i.member(ctx, by, cmd.User, domain.ID{},
		func(m domain.Member) (domain.MemberFacts, error) { return m.Erase(ranges, by) })
	if err != nil {
		return domain.User{}, eventstore.Receipt{}, unfinished{err}
	}
	if err := i.release(ctx, by, before.User); err != nil {
		return domain.User{}, eventstore.Receipt{}, unfinished{err}
	}
	return m.User, receipt, nil
}

// about returns where on tenant's chain something is kept under a user's key: what
// is said of them, and where they and their API keys acted from.
func (i *Identity) about(ctx context.Context, tenant domain.TenantID, user domain.UserID) (ranges []domain.SeqRange, err error) {
	keys := map[domain.ID]bool{}
	for r, err := range i.Log.History(ctx, tenant, 0) {
		if err != nil {
			return nil, fmt.Errorf("reading a chain: %w", err)
		}
		if e, ok := r.Event.(domain.APIKeyCreated); ok && e.Owner == user {
			keys[e.KeyID.ID] = true
		}
		p, personal := r.Event.(domain.Personal)
		acted := domain.ID(r.Header.ActorID) == user.ID || keys[domain.ID(r.Header.ActorID)]
		if r.Record.Detached == nil || !acted && (!personal || p.Subject() != user) {
			continue
		}
		if last := len(ranges) - 1; last >= 0 && ranges[last].To+1 == r.Header.Seq {
			ranges[last].To = r.Header.Seq
			continue
		}
		ranges = append(ranges, domain.SeqRange{From: r.Header.Seq, To: r.Header.Seq})
	}
	return ranges, nil
}

// release frees the address of a user, unless it is somebody else's by now.
func (i *Identity) release(ctx context.Context, by domain.Actor, user domain.User) error {
	by.Kind, by.ID, by.User, by.Origin = domain.ActorSystem, domain.ID{}, domain.UserID{}, domain.Origin{}
	by.Tenant = domain.TenantID{}
	_, _, err := transact(ctx, i.Log, by, accountAggregate(user.AccountRef), terms[domain.Account]{},
		func(a domain.Account) ([]domain.AccountEvent, error) { return a.Release(user.ID) })
	return err
}
