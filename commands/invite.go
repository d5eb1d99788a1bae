package commands

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Invite asks for a person to become a user of the tenant.
type Invite struct {
	Actor domain.Actor
	Email string
	Role  string
}

// CheckInvite refuses with Invalid, as Invite does first of all, what is no address
// or no role.
func (i *Identity) CheckInvite(cmd Invite) error {
	_, _, err := i.Tokens.Address(cmd.Email)
	if err == nil {
		_, err = domain.ParseRole(cmd.Role)
	}
	return err
}

// Invite issues the reader of an address a token that makes them a user, good for
// 7 days, which a letter carries (LettersOf). Whoever is invited again gets a new token and role, and so does who was
// deactivated. Nothing tells whether another tenant has a user with the address:
// that comes out where the token is brought back. Access requirement: admin, and
// owner for an owner. It refuses with Invalid what is no address or no role, with
// Denied, and with ErrUserExists.
func (i *Identity) Invite(ctx context.Context, cmd Invite) (domain.User, eventstore.Receipt, error) {
	by := cmd.Actor
	if err := i.CheckInvite(cmd); err != nil {
		return domain.User{}, eventstore.Receipt{}, err
	}
	normal, ref, err := i.Tokens.Address(cmd.Email)
	if err != nil {
		return domain.User{}, eventstore.Receipt{}, err
	}
	if err := i.Admit(ctx, by, "user.invite"); err != nil {
		return domain.User{}, eventstore.Receipt{}, err
	}
	id, err := i.invitee(ctx, by.Tenant, ref)
	if err != nil {
		return domain.User{}, eventstore.Receipt{}, err
	}
	if err := i.Keys.CreateSubject(ctx, by.Tenant, id); err != nil {
		return domain.User{}, eventstore.Receipt{}, fmt.Errorf("creating a subject key: %w", err)
	}
	fact := domain.UserInvited{AccountRef: ref, Role: domain.Role(cmd.Role), UserID: id, Personal: domain.UserAddress{Email: normal}}
	now, eventID := i.Now(), i.Log.NewID()
	token := i.Tokens.NewProof(domain.ProvesInvitation, by.Tenant, id, eventID)
	defer clear(token)
	m, receipt, err := i.administer(ctx, by, "user.invite", id, eventID,
		func(m domain.Member) (domain.MemberFacts, error) {
			return m.Invite(fact, i.Tokens.Digest(token), by, now)
		})
	return m.User, receipt, err
}

// invitee returns the id of whoever has, or is to have, an address in tenant. One
// address leads to one id, so that two invitations at once are one user's; a
// person who was erased does not come back as who they were.
func (i *Identity) invitee(ctx context.Context, tenant domain.TenantID, ref domain.ID) (domain.UserID, error) {
	account, err := i.account(ctx, ref)
	if err != nil {
		return domain.UserID{}, err
	}
	if account.Tenant == tenant && !account.User.IsZero() {
		return account.User, nil
	}
	for n := 0; ; n++ {
		digest, err := i.Keys.Blind(ctx, tenant, []byte("invitee"), ref[:], fmt.Append(nil, n))
		if err != nil {
			return domain.UserID{}, err
		}
		id := domain.UserID{ID: domain.DerivedID(digest)}
		user, err := i.userOf(ctx, tenant, id)
		if err != nil || user.Status != domain.Erased {
			return id, err
		}
	}
}

// AcceptInvitation brings back the token of an invitation.
type AcceptInvitation struct {
	Actor    domain.Actor // anonymous: the request and where it came from
	Token    Secret
	Password Secret
}

// AcceptInvitation makes the invitee a user with a password, and logs them in. It
// refuses with domain.ErrProofRefused, with Invalid a password that does not do,
// and with ErrAddressTaken an address that has an account meanwhile.
func (i *Identity) AcceptInvitation(ctx context.Context, cmd AcceptInvitation) (Session, error) {
	tenant, id, err := i.Tokens.ReadProof(cmd.Token, domain.ProvesInvitation)
	if err != nil {
		return Session{}, err
	}
	by, digest := cmd.Actor, i.Tokens.Digest(cmd.Token)
	by.Tenant, by.Kind, by.ID, by.User = tenant, domain.ActorUser, id.ID, id
	var m domain.Member
	if m.Tenant, err = i.tenant(ctx, tenant); err != nil {
		return Session{}, err
	}
	if m.User, err = i.userOf(ctx, tenant, id); err != nil {
		return Session{}, err
	}
	if _, err := m.Accept(digest, domain.PasswordSet{}, i.Now()); err != nil { // before anything is hashed
		return Session{}, err
	}
	if err := i.suits(cmd.Password, m.Tenant, m.User); err != nil {
		return Session{}, err
	}
	hash, err := i.Passwords.Hash(ctx, cmd.Password)
	if err != nil {
		return Session{}, err
	}
	if err := i.occupy(ctx, by, m.User, hash); err != nil {
		return Session{}, err
	}
	set := i.newPassword(m.Tenant, id, hash)
	if _, _, err = i.member(ctx, by, id, domain.ID{},
		func(m domain.Member) (domain.MemberFacts, error) { return m.Accept(digest, set, i.Now()) }); err != nil {
		return Session{}, errors.Join(err, i.vacate(ctx, by, m.User))
	}
	s, err := i.issue(ctx, by, id, false, nil, nothingMore)
	if err != nil {
		err = unfinished{err}
	}
	return s, err
}

// occupy claims the invitee's address. Asked again, for a token that is brought
// back once more after a fault, it does nothing. With the claim goes what it takes to
// finish the acceptance if it breaks off now.
func (i *Identity) occupy(ctx context.Context, by domain.Actor, user domain.User, hash string) error {
	claimed := domain.AccountClaimed{
		AccountRef: user.AccountRef, TenantID: by.Tenant, UserID: user.ID,
		Personal: domain.Registration{Email: user.Email, PasswordHash: hash, Verified: true},
	}
	by.Tenant = domain.TenantID{}
	if err := i.Keys.CreateSubject(ctx, by.Tenant, user.ID); err != nil {
		return fmt.Errorf("creating a subject key: %w", err)
	}
	_, _, err := transact(ctx, i.Log, by, accountAggregate(user.AccountRef), terms[domain.Account]{},
		func(a domain.Account) ([]domain.AccountEvent, error) {
			if a.User == claimed.UserID && a.Tenant == claimed.TenantID {
				return nil, nil
			}
			return a.Claim(claimed)
		})
	return err
}

// acceptFor is how long an acceptance may take before it counts as broken off.
const acceptFor = time.Minute

// finishInvitee makes an invitee a user who brought the token back and claimed the
// address, and whose acceptance then broke off. The address of one who was not to
// become a user after all it frees.
func (i *Identity) finishInvitee(ctx context.Context, request domain.RequestID, due domain.DueInvitee) error {
	claim, err := i.Log.Latest(ctx, domain.TenantID{}, accountAggregate(due.AccountRef))
	if errors.Is(err, eventstore.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for a claim: %w", err)
	}
	claimed, ok := claim.Event.(domain.AccountClaimed)
	at := time.UnixMicro(int64(claim.Header.TimeUS))
	if !ok || claimed.TenantID != due.Tenant || claimed.UserID != due.User || i.Now().Sub(at) < acceptFor {
		return nil
	}
	by := domain.System(due.Tenant, request)
	tenant, err := i.tenant(ctx, due.Tenant)
	if err != nil {
		return err
	}
	set, finished := i.newPassword(tenant, due.User, claimed.Personal.PasswordHash), false
	m, _, err := i.member(ctx, by, due.User, domain.ID{}, func(m domain.Member) (facts domain.MemberFacts, err error) {
		if set.Personal.Hash != "" {
			facts, finished = m.Finish(at, set)
		}
		return facts, nil
	})
	if err != nil || finished {
		return err
	}
	if m.User.AccountRef.IsZero() {
		m.User.ID, m.User.AccountRef = due.User, due.AccountRef
	}
	return i.vacate(ctx, by, m.User)
}

// vacate frees the invitee's address again, where they did not become a user
// after all.
func (i *Identity) vacate(ctx context.Context, by domain.Actor, invitee domain.User) error {
	ctx = context.WithoutCancel(ctx)
	user, err := i.userOf(ctx, by.Tenant, invitee.ID)
	if err != nil || user.Status == domain.Active {
		return err
	}
	return i.release(ctx, by, invitee)
}
