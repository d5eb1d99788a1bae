package commands

import (
	"context"
	"errors"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// useFactor returns what follows from a code that the user shows. It refuses with
// ErrCodeRefused one that is wrong, was used, or is none.
func (i *Identity) useFactor(u domain.User, code, backup Secret) ([]domain.UserEvent, error) {
	if len(backup) == 0 {
		return u.UseCode(i.Factors.Match(u.MFA.Seed, code, i.Now(), u.MFA.LastStep))
	}
	digest, err := i.Factors.DigestCode(u.ID, backup)
	if err != nil {
		return nil, err
	}
	return u.UseBackupCode(digest)
}

// reasonOf says on the record which code failed.
func reasonOf(backup Secret) string {
	if len(backup) > 0 {
		return "backup_code"
	}
	return "totp"
}

// SetUpMFA draws a second factor for the user that the actor acts for. It counts
// once EnableMFA was shown a code of it; asked again before that, the one before
// is void. Access requirement: keys:manage for an API key. It refuses with
// ErrDenied, and with domain.ErrMFAEnabled.
func (i *Identity) SetUpMFA(ctx context.Context, by domain.Actor) (Enrolment, eventstore.Receipt, error) {
	if err := i.ownFactor(ctx, by, "auth.mfa.setup"); err != nil {
		return Enrolment{}, eventstore.Receipt{}, err
	}
	user, err := i.userOf(ctx, by.Tenant, by.User)
	if err != nil {
		return Enrolment{}, eventstore.Receipt{}, err
	}
	enrolment, secrets, err := i.Factors.New(user.ID, user.Email)
	if err != nil {
		return Enrolment{}, eventstore.Receipt{}, fmt.Errorf("drawing a second factor: %w", err)
	}
	_, receipt, err := transact(ctx, i.Log, by, userAggregate(by.User), terms[domain.User]{},
		func(u domain.User) ([]domain.UserEvent, error) { return u.StartMFA(secrets) })
	return enrolment, receipt, err
}

// ownFactor refuses with ErrDenied, on the record, an API key that does not
// manage what its owner has.
func (i *Identity) ownFactor(ctx context.Context, by domain.Actor, route string) error {
	if by.Kind == domain.ActorUser {
		return i.passes(ctx, by, route)
	}
	return authorize(ctx, i.Log, by, domain.ScopeKeysManage, route)
}

// ShowCode shows a code of the second factor of the user that the actor acts for.
type ShowCode struct {
	Actor domain.Actor
	Code  Secret
}

// Shown is what came of a code.
type Shown struct {
	Session Session  // with an access token as the user is now, for the caller of a session
	Codes   []Secret // backup codes, once more, when the code enabled the factor
}

// ShowCode enables the factor that was set up, by its first code. Where one is
// enabled, the code proves once more who the user is. Access requirement:
// keys:manage for an API key. It refuses with ErrDenied, with
// domain.ErrNoEnrolment, and on the record with ErrDenied a wrong code.
func (i *Identity) ShowCode(ctx context.Context, cmd ShowCode) (Shown, error) {
	by := cmd.Actor
	if err := i.ownFactor(ctx, by, "auth.mfa.verify"); err != nil {
		return Shown{}, err
	}
	user, err := i.userOf(ctx, by.Tenant, by.User)
	if err != nil {
		return Shown{}, err
	}
	if err := i.mayProve(ctx, by, user); err != nil {
		return Shown{}, err
	}
	enabling := false
	after, receipt, err := transact(ctx, i.Log, by, userAggregate(by.User), terms[domain.User]{lost: domain.ErrDenied},
		func(u domain.User) ([]domain.UserEvent, error) {
			if enabling = !u.MFA.Enabled; !enabling {
				return i.useFactor(u, cmd.Code, nil)
			}
			step := i.Factors.Match(u.MFA.Seed, cmd.Code, i.Now(), u.MFA.LastStep)
			if len(u.MFA.Seed) > 0 && step == 0 {
				return nil, domain.ErrCodeRefused
			}
			return u.EnableMFA(step)
		})
	if errors.Is(err, domain.ErrCodeRefused) {
		return Shown{}, i.refuseCode(ctx, by, after, "totp")
	}
	if err != nil {
		return Shown{}, err
	}
	var shown Shown
	if enabling {
		shown.Codes = i.Factors.Codes(by.User, after.MFA.Seed)
	}
	shown.Session, err = i.renew(ctx, by, after, true, receipt)
	return shown, err
}

// refuseCode puts a wrong code of a known user on the record and returns ErrDenied.
func (i *Identity) refuseCode(ctx context.Context, by domain.Actor, user domain.User, reason string) error {
	return forbidden(i.failed(ctx, by, user, reason))
}

// FinishLogin brings back an MFA token with a code.
type FinishLogin struct {
	Actor      domain.Actor // anonymous: the request and where it came from
	Token      Secret
	Code       Secret // of the authenticator app
	BackupCode Secret // in its stead
	Device     Secret // as in Login
}

// FinishLogin opens the session of a login that lacked the second factor. It
// refuses with ErrUnauthenticated a token that is not ours, is too old, or was
// made before the user's password or factor changed, and on the record a code
// that is wrong or was used.
func (i *Identity) FinishLogin(ctx context.Context, cmd FinishLogin) (Session, error) {
	half, err := i.Tokens.ReadMFA(cmd.Token, i.Now())
	if err != nil {
		return Session{}, domain.ErrUnauthenticated
	}
	by := cmd.Actor
	by.Tenant = half.Tenant
	user, err := i.userOf(ctx, half.Tenant, half.User)
	if err != nil {
		return Session{}, err
	}
	if user.AuthVersion != half.AuthVersion || user.Status != domain.Active || !user.MFA.Enabled {
		return Session{}, domain.ErrUnauthenticated
	}
	return i.enter(ctx, by, user, entry{cmd.Code, cmd.BackupCode, cmd.Device, i.spared(ctx, user, cmd.Device)}, nothingMore)
}

// DisableMFA asks for a second factor to be taken away.
type DisableMFA struct {
	Actor      domain.Actor
	Password   Secret
	Code       Secret // of the authenticator app
	BackupCode Secret // in its stead
}

// DisableMFA takes the second factor away from a user who proves both. It refuses
// with ErrDenied an API key and, on the record, a wrong proof, and with
// domain.ErrNoEnrolment where there is none.
func (i *Identity) DisableMFA(ctx context.Context, cmd DisableMFA) (Session, error) {
	by := cmd.Actor
	if err := i.passes(ctx, by, "auth.mfa.disable"); err != nil {
		return Session{}, err
	}
	user, err := i.userOf(ctx, by.Tenant, by.User)
	if err != nil {
		return Session{}, err
	}
	if !user.MFA.Enabled {
		return Session{}, domain.ErrNoEnrolment
	}
	if err := i.proves(ctx, by, user, cmd.Password); err != nil {
		return Session{}, err
	}
	after, receipt, err := transact(ctx, i.Log, by, userAggregate(by.User), terms[domain.User]{lost: domain.ErrDenied},
		func(u domain.User) ([]domain.UserEvent, error) {
			used, err := i.useFactor(u, cmd.Code, cmd.BackupCode)
			if err != nil {
				return nil, err
			}
			off, err := u.DisableMFA()
			return append(used, off...), err
		})
	if errors.Is(err, domain.ErrCodeRefused) {
		return Session{}, i.refuseCode(ctx, by, user, reasonOf(cmd.BackupCode))
	}
	if err != nil {
		return Session{}, err
	}
	return i.renew(ctx, by, after, true, receipt)
}
