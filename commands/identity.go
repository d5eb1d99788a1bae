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
	Trial     time.Duration // 0 = no trial clock
	Now       func() time.Time
	Logger    *slog.Logger

	turns turns
	found *lru.Cache[string, keyPlace] // where an API key is recorded never changes
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

// Session is a login as its caller gets it: both tokens, once.
type Session struct {
	Tenant        domain.TenantID
	User          domain.UserID
	ID            domain.SessionID
	Access        Secret
	Refresh       Secret
	RefreshExpiry time.Time
	TrialEndsAt   int64 // Unix microseconds; 0 = no trial clock
	Receipt       eventstore.Receipt
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

// issue opens a session for a user who has proven who they are, beside the facts
// that say how.
func (i *Identity) issue(ctx context.Context, by domain.Actor, user domain.User, before ...eventstore.Fact) (Session, error) {
	now := i.Now()
	s := Session{
		Tenant: by.Tenant, User: user.ID, ID: domain.SessionID{ID: i.Log.NewID()},
		RefreshExpiry: now.Add(domain.RefreshTTL),
	}
	var err error
	if s.Refresh, err = i.Tokens.NewRefresh(s.Tenant, s.ID); err != nil {
		return Session{}, fmt.Errorf("drawing a refresh token: %w", err)
	}
	if err := i.prepare(ctx, &s, user.Role); err != nil {
		return Session{}, err
	}
	by.Kind, by.ID, by.User, by.Session = domain.ActorUser, user.ID.ID, user.ID, s.ID
	facts := append(before,
		eventstore.Fact{
			Event:     domain.LoginSucceeded{InDeclaredRange: domain.NoneDeclared, SessionID: s.ID, UserID: s.User},
			Aggregate: userAggregate(user.ID),
		},
		eventstore.Fact{
			Event: domain.SessionIssued{
				AccessTTLSeconds: int(domain.AccessTTL.Seconds()), RefreshTTLSeconds: int(domain.RefreshTTL.Seconds()),
				AuthVersion: user.AuthVersion, ExpiresAt: s.RefreshExpiry.UnixMicro(), SessionID: s.ID, TokenDigest: i.Tokens.Digest(s.Refresh), UserID: s.User,
			},
			Aggregate: sessionAggregate(s.ID), Changes: true,
		})
	if s.Receipt, err = i.Log.Append(ctx, by, facts...); err != nil {
		return Session{}, fmt.Errorf("recording a session: %w", err)
	}
	return s, nil
}

// prepare adds to s what its answer needs beside the refresh token. It comes
// before the session's fact, because nothing after that may fail.
func (i *Identity) prepare(ctx context.Context, s *Session, role domain.Role) error {
	tenant, _, err := eventstore.Fold[domain.Tenant](ctx, i.Log, s.Tenant, tenantAggregate(s.Tenant))
	if err != nil {
		return fmt.Errorf("loading a tenant: %w", err)
	}
	s.TrialEndsAt = tenant.TrialEndsAt
	s.Access, err = i.Tokens.IssueAccess(Access{Tenant: s.Tenant, User: s.User, Session: s.ID, Role: role}, i.Now())
	if err != nil {
		return fmt.Errorf("issuing an access token: %w", err)
	}
	return nil
}

// AuthenticateKey returns who an API key acts for, with those of its scopes that
// its owner's role has now. It refuses with ErrUnauthenticated a key that is
// malformed, unknown, revoked or expired, or whose owner left. What
// it believes it folds from the log; the read model only says where to look.
func (i *Identity) AuthenticateKey(ctx context.Context, key Secret) (domain.Actor, error) {
	lookup, env, err := i.Tokens.ReadKey(key)
	if err != nil {
		return domain.Actor{}, domain.ErrUnauthenticated
	}
	place, ok := i.found.Get(lookup)
	if !ok {
		if place.tenant, place.key, err = i.Lookups.APIKeyByLookup(ctx, lookup); err != nil {
			return domain.Actor{}, fmt.Errorf("looking up an API key: %w", err)
		}
		if !place.key.IsZero() {
			i.found.Add(lookup, place)
		}
	}
	k, _, err := eventstore.Fold[domain.APIKey](ctx, i.Log, place.tenant, keyAggregate(place.key))
	if err != nil {
		return domain.Actor{}, fmt.Errorf("loading an API key: %w", err)
	}
	if !k.Authenticates(i.Tokens.DigestKey(key), env, i.Now()) {
		return domain.Actor{}, domain.ErrUnauthenticated
	}
	owner, err := i.userOf(ctx, place.tenant, k.Owner)
	if err != nil {
		return domain.Actor{}, err
	}
	if !owner.AdmitsKey(k) {
		return domain.Actor{}, domain.ErrUnauthenticated
	}
	return domain.Actor{
		Tenant: place.tenant, Kind: domain.ActorKey, ID: k.ID.ID, User: k.Owner, Role: owner.Role,
		Scopes: owner.Role.Limit(k.Scopes), Environment: env,
	}, nil
}

// AuthenticateAccess returns who an access token acts for. It refuses with
// ErrUnauthenticated a token that is not ours, has expired, or whose session or
// user is over. What the token says of the user's role is not believed.
func (i *Identity) AuthenticateAccess(ctx context.Context, token Secret) (domain.Actor, error) {
	now := i.Now()
	a, err := i.Tokens.ReadAccess(token, now)
	if err != nil {
		return domain.Actor{}, domain.ErrUnauthenticated
	}
	s, _, err := eventstore.Fold[domain.Session](ctx, i.Log, a.Tenant, sessionAggregate(a.Session))
	if err != nil {
		return domain.Actor{}, fmt.Errorf("loading a session: %w", err)
	}
	user, err := i.userOf(ctx, a.Tenant, a.User)
	if err != nil {
		return domain.Actor{}, err
	}
	if !s.Live(now) || !user.AdmitsSession(s) {
		return domain.Actor{}, domain.ErrUnauthenticated
	}
	return domain.Actor{
		Tenant: a.Tenant, Kind: domain.ActorUser, ID: a.User.ID, User: a.User, Session: a.Session,
		Role: user.Role, Scopes: user.Role.Scopes(), Environment: domain.Live, ProvenAt: s.ProvenAt,
	}, nil
}

// userOf returns a user as the log says that it is.
func (i *Identity) userOf(ctx context.Context, tenant domain.TenantID, id domain.UserID) (domain.User, error) {
	user, _, err := eventstore.Fold[domain.User](ctx, i.Log, tenant, userAggregate(id))
	if err != nil {
		return user, fmt.Errorf("loading a user: %w", err)
	}
	return user, nil
}
