package commands

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Register asks for a new tenant with its first user.
type Register struct {
	Actor    domain.Actor // anonymous: the request and where it came from
	Email    string
	Password Secret
	Tenant   string // the tenant's name
}

// Register makes a tenant, its chain and its owner.
//
// Where mail stays on this machine the owner is logged in, and an address that
// has an account is refused with ErrAddressTaken: that is a documented way to
// learn of accounts. Where mail leaves it, the answer holds ids and no tokens and
// is the same for every address, not given before twice Hold: a letter tells the
// reader of the address what there is to tell. The ids of an address that has an
// account lead nowhere.
//
// It refuses with Invalid an address, a name or a password that does not do, and
// with ErrContended. A fault may leave a claimed address behind: whoever then asks
// again, with the same password where mail stays, gets what was claimed before, and if
// nobody does the reconciler finishes it. The password is hashed once, whatever
// comes of it.
func (i *Identity) Register(ctx context.Context, cmd Register) (Session, error) {
	begun := i.Now()
	normal, ref, err := i.Tokens.Address(cmd.Email)
	if err != nil {
		return Session{}, err
	}
	if err := domain.CheckName("tenant_name", cmd.Tenant); err != nil {
		return Session{}, err
	}
	local, _, _ := strings.Cut(normal, "@")
	if err := i.Passwords.Check(cmd.Password, local, normal, cmd.Tenant); err != nil {
		return Session{}, err
	}
	account, err := i.account(ctx, ref)
	if err != nil {
		return Session{}, err
	}
	if !account.User.IsZero() && !i.Mail.Leaves() {
		return i.resume(ctx, cmd, account)
	}
	hash, err := i.Passwords.Hash(ctx, cmd.Password)
	if err != nil {
		return Session{}, err
	}
	claimed := domain.AccountClaimed{
		AccountRef: ref, TenantID: domain.TenantID{ID: i.Log.NewID()}, UserID: domain.UserID{ID: i.Log.NewID()},
		Personal: domain.Registration{Email: normal, PasswordHash: hash, TenantName: cmd.Tenant, Verified: !i.Mail.Leaves()},
	}
	if i.Trial > 0 {
		claimed.Personal.TrialEndsAt = i.Now().Add(i.Trial).UnixMicro()
	}
	by := cmd.Actor
	by.Tenant = claimed.TenantID
	if i.Mail.Leaves() {
		defer i.hold(ctx, begun, 2*i.Hold)
		return Session{Tenant: by.Tenant, User: claimed.UserID, TrialEndsAt: claimed.Personal.TrialEndsAt}, i.welcome(ctx, by, claimed)
	}
	done, err := i.turns.take(ctx, domain.TenantID{}, ref) // who asks meanwhile is no retry
	if err != nil {
		return Session{}, err
	}
	defer done()
	index, err := i.claim(ctx, by, claimed)
	if err != nil {
		return Session{}, err
	}
	user, err := i.begin(ctx, by, claimed, index)
	if err != nil {
		return Session{}, err
	}
	return i.issue(ctx, by, user.ID, false, nil, nothingMore)
}

// welcome registers an address that is yet to be proven, and sends its reader the
// proof. To the reader of an address that has an account it says so, or sends the
// proof again if it never came back. A registration that broke off it finishes as it
// was begun: whoever reads the proof began it, or may set another password.
func (i *Identity) welcome(ctx context.Context, by domain.Actor, claimed domain.AccountClaimed) error {
	index, err := i.claim(ctx, by, claimed)
	if errors.Is(err, domain.ErrAddressTaken) {
		return i.remind(ctx, by, claimed.AccountRef)
	}
	if err != nil {
		return err
	}
	user, err := i.begin(ctx, by, claimed, index)
	if err != nil {
		return err
	}
	return i.prove(ctx, by, user, domain.ProvesAddress)
}

// remind tells the reader of an address that it has an account. An account is
// told of at most once a minute, on the record or not.
func (i *Identity) remind(ctx context.Context, by domain.Actor, ref domain.ID) error {
	account, err := i.account(ctx, ref)
	if err != nil {
		return err
	}
	by.Tenant = account.Tenant
	user, err := i.begun(ctx, by, account)
	if err != nil {
		return err
	}
	switch {
	case user.Status == domain.Active && !user.Verified:
		return i.prove(ctx, by, user, domain.ProvesAddress)
	case user.Email != "" && i.reminded.once(user.ID, i.Now()):
		l := Letter{ID: i.Log.NewID(), Kind: LetterExists, User: user.ID, To: user.Email}
		if err := i.Mail.Send(context.WithoutCancel(ctx), l); err != nil { // undoes nothing
			i.Logger.ErrorContext(ctx, "a letter could not be sent", "request_id", by.Request.String(), "letter", l.ID.String(), "err", err)
		}
	}
	return nil
}

// begun returns the user who has an account, once the tenant's chain has begun: of a
// registration that broke off it begins it. Of a person who was erased it begins
// nothing.
func (i *Identity) begun(ctx context.Context, by domain.Actor, account domain.Account) (domain.User, error) {
	head, err := i.Log.Head(ctx, account.Tenant)
	if err != nil {
		return domain.User{}, err
	}
	if head.Next > 0 || account.Registration.TenantName == "" {
		return i.userOf(ctx, account.Tenant, account.User)
	}
	index, err := i.indexOf(ctx, account)
	if err != nil {
		return domain.User{}, err
	}
	return i.begin(ctx, by, claimOf(account), index)
}

// claim reserves the address and the tenant's place among the chains, in one
// append to the system chain. From here on the registration will be finished.
func (i *Identity) claim(ctx context.Context, by domain.Actor, claimed domain.AccountClaimed) (uint32, error) {
	by.Tenant = domain.TenantID{}
	done, err := i.turns.take(ctx, by.Tenant, domain.DirectoryAggregate.ID)
	if err != nil {
		return 0, err
	}
	defer done()
	account := accountAggregate(claimed.AccountRef)
	for races := 0; ; races++ {
		a, accountVersion, err := eventstore.Fold[domain.Account](ctx, i.Log, by.Tenant, account)
		if err != nil {
			return 0, err
		}
		claims, err := a.Claim(claimed)
		if err != nil {
			return 0, err
		}
		if races == 0 { // for an address that is taken no key is made
			if err := i.Keys.CreateSubject(ctx, by.Tenant, claimed.UserID); err != nil {
				return 0, fmt.Errorf("creating a subject key: %w", err)
			}
		}
		d, err := i.directory(ctx)
		if err != nil {
			return 0, err
		}
		added := domain.TenantAdded{TenantID: claimed.TenantID, TenantIndex: d.Tenants + 1}
		_, err = i.Log.Append(ctx, by,
			eventstore.Fact{Event: claims[0], Aggregate: account, Changes: true, Version: accountVersion},
			eventstore.Fact{Event: added, Aggregate: domain.DirectoryAggregate, Changes: true, Version: uint64(d.Tenants)})
		if errors.Is(err, eventstore.ErrStale) {
			if i.Log.Forget(by.Tenant, account); races < maxRaces {
				continue
			}
			return 0, domain.ErrContended
		}
		if err != nil {
			return 0, fmt.Errorf("claiming an address: %w", err)
		}
		return added.TenantIndex, nil
	}
}

// directory reads how many tenants there are from the last one that was added, or lost.
func (i *Identity) directory(ctx context.Context) (domain.Directory, error) {
	r, err := i.Log.Latest(ctx, domain.TenantID{}, domain.DirectoryAggregate)
	if errors.Is(err, eventstore.ErrNotFound) {
		return domain.Directory{}, nil
	}
	if err != nil {
		return domain.Directory{}, err
	}
	last, ok := r.Event.(domain.DirectoryEvent)
	if !ok {
		return domain.Directory{}, fmt.Errorf("%w: %s in the directory", eventstore.ErrTampered, r.Header.EventType)
	}
	return domain.Directory{}.Evolve(last), nil
}

// begin opens the tenant's chain with its registration, unless it was opened
// before, and returns its owner.
func (i *Identity) begin(ctx context.Context, by domain.Actor, claimed domain.AccountClaimed, index uint32) (domain.User, error) {
	genesis, err := i.Keys.CreateTenant(ctx, by.Tenant, index)
	if err != nil {
		return domain.User{}, fmt.Errorf("creating a tenant's keys: %w", err)
	}
	if err := i.Keys.CreateSubject(ctx, by.Tenant, claimed.UserID); err != nil {
		return domain.User{}, fmt.Errorf("creating a subject key: %w", err)
	}
	head, err := i.Log.Head(ctx, by.Tenant)
	if err != nil {
		return domain.User{}, err
	}
	if head.Next == 0 {
		if err := i.open(ctx, by, claimed, genesis); err != nil {
			return domain.User{}, err
		}
	}
	user, _, err := eventstore.Fold[domain.User](ctx, i.Log, by.Tenant, userAggregate(claimed.UserID))
	return user, err
}

func (i *Identity) open(ctx context.Context, by domain.Actor, claimed domain.AccountClaimed, genesis domain.ChainGenesis) error {
	tenants, err := domain.Tenant{}.Register(by.Tenant, claimed.UserID, claimed.Personal.TenantName, claimed.Personal.TrialEndsAt)
	if err != nil {
		return err
	}
	users, err := domain.User{}.Register(
		domain.UserRegistered{
			AccountRef: claimed.AccountRef, Role: domain.RoleOwner, UserID: claimed.UserID,
			Verified: claimed.Personal.Verified, Personal: domain.UserAddress{Email: claimed.Personal.Email},
		},
		domain.PasswordSet{
			KDF: i.Passwords.KDF(), PolicyVersion: 1, UserID: claimed.UserID,
			Personal: domain.PasswordHash{Hash: claimed.Personal.PasswordHash},
		})
	if err != nil {
		return err
	}
	facts := []eventstore.Fact{{Event: genesis, Aggregate: tenantAggregate(by.Tenant)}}
	_, _, tenantFacts := place(domain.Tenant{}, 0, tenantAggregate(by.Tenant), terms[domain.Tenant]{}, tenants)
	_, _, userFacts := place(domain.User{}, 0, userAggregate(claimed.UserID), terms[domain.User]{}, users)
	facts = append(append(facts, tenantFacts...), userFacts...)
	if _, err := i.Log.Append(ctx, by, facts...); err != nil {
		if head, headErr := i.Log.Head(ctx, by.Tenant); headErr == nil && head.Next > 0 {
			return nil // the reconciler of another node was first
		}
		return fmt.Errorf("opening a tenant's chain: %w", err)
	}
	return nil
}
