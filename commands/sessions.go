package commands

import (
	"context"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// RevokeSession asks for one of the actor's own sessions to end.
type RevokeSession struct {
	Actor   domain.Actor
	Session string // its id
}

// ErrSessionNotFound refuses to end a session that is not the actor's, or never was.
var ErrSessionNotFound = &domain.Error{Kind: domain.NotFound, Message: "no such session"}

// RevokeSession ends a session. Ending one that is over is no news. It refuses
// with ErrSessionNotFound one that is not of the user that the actor acts for.
func (i *Identity) RevokeSession(ctx context.Context, cmd RevokeSession) (eventstore.Receipt, error) {
	by := cmd.Actor
	if err := i.passes(ctx, by, "auth.session.revoke"); err != nil {
		return eventstore.Receipt{}, err
	}
	id, err := domain.ParseID(cmd.Session)
	if err != nil {
		return eventstore.Receipt{}, ErrSessionNotFound
	}
	_, receipt, err := transact(ctx, i.Log, by, sessionAggregate(domain.SessionID{ID: id}), terms[domain.Session]{},
		func(s domain.Session) ([]domain.SessionEvent, error) {
			if s.ID.IsZero() || s.User != by.User {
				return nil, ErrSessionNotFound
			}
			return s.Revoke(domain.EndedByUser)
		})
	return receipt, err
}

// AuthorizeSessions refuses with Denied, on the record, an actor who may not see
// the sessions of the user that it acts for.
func (i *Identity) AuthorizeSessions(ctx context.Context, by domain.Actor) error {
	return i.passes(ctx, by, "auth.session.list")
}

// Me is what an actor is told about itself and the user that it acts for.
type Me struct {
	Tenant domain.Tenant
	User   domain.User
}

// Me returns it, as it is now.
func (i *Identity) Me(ctx context.Context, by domain.Actor) (me Me, err error) {
	if err := i.passes(ctx, by, "auth.me"); err != nil {
		return Me{}, err
	}
	if me.Tenant, err = i.tenant(ctx, by.Tenant); err != nil {
		return Me{}, err
	}
	me.User, err = i.userOf(ctx, by.Tenant, by.User)
	return me, err
}
