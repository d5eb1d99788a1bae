package commands

import (
	"context"
	"errors"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// StepUp proves once more who the user of a session is.
type StepUp struct {
	Actor      domain.Actor
	Password   Secret // of a user without a second factor
	Code       Secret // of the authenticator app
	BackupCode Secret // in its stead
}

// StepUp returns an access token that opens, for domain.StepUpTTL, what an old
// proof does not. A user who has a second factor shows it; one who has not gives
// the password. It refuses with ErrDenied an API key and, on the record, a wrong
// proof.
func (i *Identity) StepUp(ctx context.Context, cmd StepUp) (Session, error) {
	by := cmd.Actor
	if err := i.passes(ctx, by, "auth.step_up"); err != nil {
		return Session{}, err
	}
	user, err := i.userOf(ctx, by.Tenant, by.User)
	if err != nil {
		return Session{}, err
	}
	if !user.MFA.Enabled {
		if err := i.proves(ctx, by, user, cmd.Password); err != nil {
			return Session{}, err
		}
		return i.renew(ctx, by, user, false, eventstore.Receipt{})
	}
	if err := i.mayProve(ctx, by, user); err != nil {
		return Session{}, err
	}
	after, receipt, err := transact(ctx, i.Log, by, userAggregate(by.User), terms[domain.User]{lost: domain.ErrDenied},
		func(u domain.User) ([]domain.UserEvent, error) { return i.useFactor(u, cmd.Code, cmd.BackupCode) })
	if errors.Is(err, domain.ErrCodeRefused) {
		return Session{}, i.refuseCode(ctx, by, user, reasonOf(cmd.BackupCode))
	}
	if err != nil {
		return Session{}, err
	}
	return i.renew(ctx, by, after, true, receipt)
}

// renew records that the caller's session was proven anew and returns a fresh
// access token of it. For an API key, which has no session, it does nothing.
// receipt is of what was recorded before.
func (i *Identity) renew(ctx context.Context, by domain.Actor, user domain.User, mfa bool, receipt eventstore.Receipt) (Session, error) {
	if by.Session.IsZero() {
		return Session{Tenant: by.Tenant, User: by.User, Receipt: receipt}, nil
	}
	s, stepped, err := transact(ctx, i.Log, by, sessionAggregate(by.Session), terms[domain.Session]{notAfter: lastUse},
		func(s domain.Session) ([]domain.SessionEvent, error) { return s.StepUp(mfa, i.Now()) })
	if err != nil && receipt != (eventstore.Receipt{}) {
		err = unfinished{err}
	}
	if err != nil {
		return Session{}, err
	}
	if stepped != (eventstore.Receipt{}) {
		receipt = stepped
	}
	return i.again(ctx, by, user, s.ProvenAt, receipt)
}
