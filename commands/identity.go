package commands

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Identity holds what the commands about people and keys need. All exported
// fields are required. Make one with Open.
type Identity struct {
	Log       *eventstore.Log
	Keys      Tenants
	Passwords Passwords
	Tokens    Tokens
	Lookups   Lookups
	Views     Views
	Attempts  Attempts
	Factors   Factors
	Mail      Mailer
	Trial     time.Duration // 0 = no trial clock
	Hold      time.Duration // how long answers take that must not tell whether an account exists
	Now       func() time.Time
	Logger    *slog.Logger

	turns    turns
	reminded reminders
	noticed  noticed
	found    *lru.Cache[string, keyPlace] // where an API key is recorded never changes
}

type keyPlace struct {
	tenant domain.TenantID
	key    domain.KeyID
}

const cachedKeyPlaces = 65536

// Open makes i ready for use.
func (i *Identity) Open() (*Identity, error) {
	var err error
	i.found, err = lru.New[string, keyPlace](cachedKeyPlaces)
	return i, err
}

func userAggregate(id domain.UserID) domain.AggregateID {
	return domain.AggregateID{Kind: domain.KindUser, ID: id.ID}
}

func sessionAggregate(id domain.SessionID) domain.AggregateID {
	return domain.AggregateID{Kind: domain.KindSession, ID: id.ID}
}

func keyAggregate(id domain.KeyID) domain.AggregateID {
	return domain.AggregateID{Kind: domain.KindKey, ID: id.ID}
}

func tenantAggregate(id domain.TenantID) domain.AggregateID {
	return domain.AggregateID{Kind: domain.KindTenant, ID: id.ID}
}

// AuthenticateKey returns who an API key acts for, with those of its scopes that
// its owner's role has now, and how they stand. What they ask for is yet to be
// judged. It refuses with ErrUnauthenticated a key that is
// malformed, unknown, revoked or expired, or whose owner left. What
// it believes it folds from the log; the read model only says where to look.
func (i *Identity) AuthenticateKey(ctx context.Context, key Secret) (domain.Actor, Standing, error) {
	lookup, env, err := i.Tokens.ReadKey(key)
	if err != nil {
		return domain.Actor{}, Standing{}, domain.ErrUnauthenticated
	}
	place, ok := i.found.Get(lookup)
	if !ok {
		if place.tenant, place.key, err = i.Lookups.APIKeyByLookup(ctx, lookup); err != nil {
			return domain.Actor{}, Standing{}, fmt.Errorf("looking up an API key: %w", err)
		}
		if !place.key.IsZero() {
			i.found.Add(lookup, place)
		}
	}
	k, _, err := eventstore.Fold[domain.APIKey](ctx, i.Log, place.tenant, keyAggregate(place.key))
	if err != nil {
		return domain.Actor{}, Standing{}, fmt.Errorf("loading an API key: %w", err)
	}
	if !k.Authenticates(i.Tokens.DigestKey(key), env, i.Now()) {
		return domain.Actor{}, Standing{}, domain.ErrUnauthenticated
	}
	owner, err := i.userOf(ctx, place.tenant, k.Owner)
	if err != nil {
		return domain.Actor{}, Standing{}, err
	}
	if !owner.AdmitsKey(k) {
		return domain.Actor{}, Standing{}, domain.ErrUnauthenticated
	}
	tenant, err := i.tenant(ctx, place.tenant)
	if err != nil {
		return domain.Actor{}, Standing{}, err
	}
	return domain.Actor{
		Tenant: place.tenant, Kind: domain.ActorKey, ID: k.ID.ID, User: k.Owner, Role: owner.Role,
		Scopes: owner.Role.Limit(k.Scopes), Environment: env,
	}, Standing{tenant, owner, k}, nil
}

// Strange reports whether nobody showed this node an API key with the public part of
// this one that exists, so that a read model is to be asked. It asks nothing, and
// says nothing about the key. What is no API key by its form is not strange.
func (i *Identity) Strange(key Secret) bool {
	lookup, _, err := i.Tokens.ReadKey(key)
	return err == nil && !i.found.Contains(lookup)
}

// Reference returns the name under which the account of an e-mail address would
// stand on the record, or the zero ID for what is no address.
func (i *Identity) Reference(address string) domain.ID {
	_, ref, err := i.Tokens.Address(address)
	if err != nil {
		return domain.ID{}
	}
	return ref
}

// AuthenticateAccess returns who an access token acts for, with the role that the
// user has now, and how they stand. What they ask for is yet to be judged. It refuses with ErrUnauthenticated a token that is not ours, has
// expired, whose session is over, or whose user it was made for has changed since
// in a way that makes it void.
func (i *Identity) AuthenticateAccess(ctx context.Context, token Secret) (domain.Actor, Standing, error) {
	now := i.Now()
	a, err := i.Tokens.ReadAccess(token, now)
	if err != nil {
		return domain.Actor{}, Standing{}, domain.ErrUnauthenticated
	}
	s, _, err := eventstore.Fold[domain.Session](ctx, i.Log, a.Tenant, sessionAggregate(a.Session))
	if err != nil {
		return domain.Actor{}, Standing{}, fmt.Errorf("loading a session: %w", err)
	}
	user, err := i.userOf(ctx, a.Tenant, a.User)
	if err != nil {
		return domain.Actor{}, Standing{}, err
	}
	if !s.Live(now) || !user.AdmitsSession(s) || a.AuthVersion != user.AuthVersion {
		return domain.Actor{}, Standing{}, domain.ErrUnauthenticated
	}
	tenant, err := i.tenant(ctx, a.Tenant)
	if err != nil {
		return domain.Actor{}, Standing{}, err
	}
	return domain.Actor{
		Tenant: a.Tenant, Kind: domain.ActorUser, ID: a.User.ID, User: a.User, Session: a.Session,
		Role: user.Role, Scopes: user.Role.Scopes(), Environment: domain.Live, ProvenAt: a.ProvenAt,
	}, Standing{Tenant: tenant, User: user}, nil
}

// userOf returns a user as the log says that it is.
func (i *Identity) userOf(ctx context.Context, tenant domain.TenantID, id domain.UserID) (domain.User, error) {
	user, _, err := eventstore.Fold[domain.User](ctx, i.Log, tenant, userAggregate(id))
	if err != nil {
		return user, fmt.Errorf("loading a user: %w", err)
	}
	return user, nil
}

// passes refuses, on the record, an actor whom something bars from what it asks.
// It is for what takes no scope.
func (i *Identity) passes(ctx context.Context, by domain.Actor, route string) error {
	if by.Bar() == "" {
		return nil
	}
	return deny(ctx, i.Log, by, "", route)
}

func (i *Identity) tenant(ctx context.Context, id domain.TenantID) (domain.Tenant, error) {
	tenant, _, err := eventstore.Fold[domain.Tenant](ctx, i.Log, id, tenantAggregate(id))
	if err != nil {
		return tenant, fmt.Errorf("loading a tenant: %w", err)
	}
	return tenant, nil
}

// account returns who has an address, by its MAC.
func (i *Identity) account(ctx context.Context, ref domain.ID) (domain.Account, error) {
	account, _, err := eventstore.Fold[domain.Account](ctx, i.Log, domain.TenantID{}, accountAggregate(ref))
	if err != nil {
		return account, fmt.Errorf("loading an account: %w", err)
	}
	return account, nil
}
