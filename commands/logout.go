package commands

import (
	"context"
	"errors"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Logout asks for a session to end.
type Logout struct {
	Actor  domain.Actor // anonymous: the request and where it came from
	Token  Secret       // a refresh token of the session
	Access Secret       // an access token of it, which counts where Token leads nowhere
}

// Logout ends the session that the tokens belong to. Tokens that lead nowhere are no
// error: there is nothing to end, and nothing to learn.
func (i *Identity) Logout(ctx context.Context, cmd Logout) (eventstore.Receipt, error) {
	by, err := i.refreshed(ctx, cmd)
	if err == nil && by.Session.IsZero() {
		by, err = i.accessed(ctx, cmd)
	}
	if err != nil || by.Session.IsZero() {
		return eventstore.Receipt{}, err
	}
	_, receipt, err := transact(ctx, i.Log, by, sessionAggregate(by.Session), terms[domain.Session]{},
		func(s domain.Session) ([]domain.SessionEvent, error) { return s.Revoke(domain.EndedByLogout) })
	return receipt, err
}

// refreshed returns the actor with the session of a refresh token, if it has one.
func (i *Identity) refreshed(ctx context.Context, cmd Logout) (domain.Actor, error) {
	by := cmd.Actor
	tenant, session, err := i.Tokens.ReadRefresh(cmd.Token)
	if err != nil {
		return by, nil //nolint:nilerr // a token that is none ends nothing
	}
	s, _, err := eventstore.Fold[domain.Session](ctx, i.Log, tenant, sessionAggregate(session))
	if err != nil || !s.Knows(i.Tokens.Digest(cmd.Token)) {
		return by, err
	}
	by.Tenant, by.Kind, by.ID, by.User, by.Session = tenant, domain.ActorUser, s.User.ID, s.User, session
	return by, nil
}

// accessed returns the actor with the session of an access token, if it has one.
func (i *Identity) accessed(ctx context.Context, cmd Logout) (domain.Actor, error) {
	by := cmd.Actor
	if len(cmd.Access) == 0 {
		return by, nil
	}
	who, _, err := i.AuthenticateAccess(ctx, cmd.Access)
	if errors.Is(err, domain.ErrUnauthenticated) {
		return by, nil
	}
	by.Tenant, by.Kind, by.ID, by.User, by.Session = who.Tenant, who.Kind, who.ID, who.User, who.Session
	return by, err
}
