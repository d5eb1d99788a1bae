package commands

import (
	"context"
	"errors"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Login asks for a session by password.
type Login struct {
	Actor    domain.Actor // anonymous: the request and where it came from
	Email    string
	Password Secret
}

// Login opens a session. It refuses with ErrUnauthenticated whatever was wrong,
// after hashing the password once; an attempt on an existing account is on the
// record, which an outsider may notice by the time that takes.
func (i *Identity) Login(ctx context.Context, cmd Login) (Session, error) {
	by := cmd.Actor
	var account domain.Account
	var user domain.User
	if _, ref, err := i.Tokens.Address(cmd.Email); err == nil {
		account, _, err = eventstore.Fold[domain.Account](ctx, i.Log, domain.TenantID{}, accountAggregate(ref))
		if err != nil {
			return Session{}, fmt.Errorf("loading an account: %w", err)
		}
	}
	by.Tenant = account.Tenant
	if !account.User.IsZero() {
		var err error
		if user, _, err = eventstore.Fold[domain.User](ctx, i.Log, account.Tenant, userAggregate(account.User)); err != nil {
			return Session{}, fmt.Errorf("loading a user: %w", err)
		}
	}
	proven, err := i.Passwords.Verify(ctx, cmd.Password, user.PasswordHash)
	switch {
	case err != nil:
		return Session{}, err
	case user.Status != domain.Active:
		return Session{}, domain.ErrUnauthenticated
	case !proven:
		failed := domain.LoginFailed{AccountRef: account.Ref, InDeclaredRange: domain.NoneDeclared, Reason: "password"}
		if _, err := observe(ctx, i.Log, by, userAggregate(user.ID), failed); err != nil {
			return Session{}, err
		}
		return Session{}, domain.ErrUnauthenticated
	}
	return i.issue(ctx, by, user)
}

// Refresh asks for new tokens in exchange for a refresh token.
type Refresh struct {
	Actor domain.Actor // anonymous: the request and where it came from
	Token Secret
}

// Refresh replaces the token, which is then used up, and issues a new access
// token. Within domain.RefreshGrace a used token leads to the same successor
// again, for a client whose answer was lost; later use of it ends the session,
// on the record. It refuses with ErrUnauthenticated.
func (i *Identity) Refresh(ctx context.Context, cmd Refresh) (Session, error) {
	tenant, session, err := i.Tokens.ReadRefresh(cmd.Token)
	if err != nil {
		return Session{}, domain.ErrUnauthenticated
	}
	successor, err := i.Tokens.Successor(cmd.Token)
	if err != nil {
		return Session{}, fmt.Errorf("deriving a refresh token: %w", err)
	}
	by := cmd.Actor
	by.Tenant = tenant
	before, _, err := eventstore.Fold[domain.Session](ctx, i.Log, tenant, sessionAggregate(session))
	if err != nil {
		return Session{}, fmt.Errorf("loading a session: %w", err)
	}
	if before.ID.IsZero() {
		return Session{}, domain.ErrUnauthenticated
	}
	by.Kind, by.ID, by.User, by.Session = domain.ActorUser, before.User.ID, before.User, session
	user, _, err := eventstore.Fold[domain.User](ctx, i.Log, tenant, userAggregate(before.User))
	if err != nil {
		return Session{}, fmt.Errorf("loading a user: %w", err)
	}
	fresh := Session{Tenant: tenant, User: before.User, ID: session, Refresh: successor, RefreshExpiry: microTime(before.ExpiresAt)}
	if err := i.prepare(ctx, &fresh, user.Role); err != nil {
		return Session{}, err
	}
	used, next := i.Tokens.Digest(cmd.Token), i.Tokens.Digest(successor)
	_, fresh.Receipt, err = transact(ctx, i.Log, by, sessionAggregate(session), terms[domain.Session]{notAfter: lastUse},
		func(s domain.Session) ([]domain.SessionEvent, error) { return s.Refresh(used, next, i.Now()) })
	if errors.Is(err, domain.ErrContended) {
		err = domain.ErrUnauthenticated
	}
	if err != nil {
		return Session{}, err
	}
	return fresh, nil
}

// lastUse is the last stamp at which the session is not over by itself.
func lastUse(s domain.Session) int64 { return s.ExpiresAt - 1 }

// Logout asks for a session to end.
type Logout struct {
	Actor domain.Actor // anonymous: the request and where it came from
	Token Secret       // a refresh token of the session
}

// Logout ends the session that the token belongs to. A token that leads nowhere
// is no error: there is nothing to end, and nothing to learn.
func (i *Identity) Logout(ctx context.Context, cmd Logout) (eventstore.Receipt, error) {
	tenant, session, err := i.Tokens.ReadRefresh(cmd.Token)
	if err != nil {
		return eventstore.Receipt{}, nil //nolint:nilerr // a token that is none ends nothing
	}
	by, digest := cmd.Actor, i.Tokens.Digest(cmd.Token)
	by.Tenant = tenant
	s, _, err := eventstore.Fold[domain.Session](ctx, i.Log, tenant, sessionAggregate(session))
	if err != nil || !s.Knows(digest) {
		return eventstore.Receipt{}, err
	}
	by.Kind, by.ID, by.User, by.Session = domain.ActorUser, s.User.ID, s.User, session
	_, receipt, err := transact(ctx, i.Log, by, sessionAggregate(session), terms[domain.Session]{},
		func(s domain.Session) ([]domain.SessionEvent, error) { return s.Revoke("logout") })
	return receipt, err
}

// UserOf returns the user of tenant with an e-mail address. It refuses with
// Invalid what is no address and with NotFound one that is not tenant's.
func (i *Identity) UserOf(ctx context.Context, tenant domain.TenantID, address string) (domain.UserID, error) {
	_, ref, err := i.Tokens.Address(address)
	if err != nil {
		return domain.UserID{}, err
	}
	account, _, err := eventstore.Fold[domain.Account](ctx, i.Log, domain.TenantID{}, accountAggregate(ref))
	if err != nil {
		return domain.UserID{}, fmt.Errorf("loading an account: %w", err)
	}
	if account.Tenant != tenant || account.User.IsZero() {
		return domain.UserID{}, &domain.Error{Kind: domain.NotFound, Message: "no such user"}
	}
	return account.User, nil
}
