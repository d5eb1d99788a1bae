package commands

import (
	"context"
	"errors"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Login asks for a session by password and, where the user has one, a second
// factor.
type Login struct {
	Actor      domain.Actor // anonymous: the request and where it came from
	Email      string
	Password   Secret
	Code       Secret // of the authenticator app
	BackupCode Secret // in its stead
	Device     Secret // what an earlier login left in this browser; may be empty
}

// MFARequired refuses a login whose password was right and that lacks the second
// factor. Whoever brings the token back with a code within 5 minutes is let in
// (see VerifyMFA).
type MFARequired struct{ Token Secret }

// Error says what is missing.
func (*MFARequired) Error() string { return "a second factor is required" }

// Login opens a session. It refuses with ErrUnauthenticated whatever was wrong,
// after hashing the password once and not before Hold, and with *MFARequired. An
// attempt on an existing account is on the record.
func (i *Identity) Login(ctx context.Context, cmd Login) (Session, error) {
	begun := i.Now()
	s, err := i.login(ctx, cmd)
	if errors.Is(err, domain.ErrUnauthenticated) {
		i.hold(ctx, begun, i.Hold)
	}
	return s, err
}

func (i *Identity) login(ctx context.Context, cmd Login) (Session, error) {
	by := cmd.Actor
	var account domain.Account
	var user domain.User
	if _, ref, err := i.Tokens.Address(cmd.Email); err == nil {
		if account, err = i.account(ctx, ref); err != nil {
			return Session{}, err
		}
	}
	if by.Tenant = account.Tenant; !account.User.IsZero() {
		var err error
		if user, err = i.userOf(ctx, account.Tenant, account.User); err != nil {
			return Session{}, err
		}
	}
	proven, err := i.Passwords.Verify(ctx, cmd.Password, user.PasswordHash)
	if err != nil {
		return Session{}, err
	}
	if user.Status != domain.Active {
		return Session{}, domain.ErrUnauthenticated
	}
	if user, err = i.userOf(ctx, by.Tenant, user.ID); err != nil { // others may have guessed meanwhile
		return Session{}, err
	}
	spared := i.spared(ctx, user, cmd.Device)
	switch {
	case !proven:
		return Session{}, i.failed(ctx, by, user, "password")
	case user.Locked(i.Now()) && !spared:
		return Session{}, domain.ErrUnauthenticated
	case !user.Verified:
		if err := i.prove(ctx, by, user, domain.ProvesAddress); err != nil {
			return Session{}, err
		}
		return Session{}, i.failed(ctx, by, user, "unverified")
	case user.MFA.Enabled && len(cmd.Code) == 0 && len(cmd.BackupCode) == 0:
		token, err := i.Tokens.IssueMFA(HalfLogin{Tenant: by.Tenant, User: user.ID, AuthVersion: user.AuthVersion}, i.Now())
		if err != nil {
			return Session{}, fmt.Errorf("issuing an MFA token: %w", err)
		}
		return Session{}, &MFARequired{token}
	}
	rehash, err := i.rehash(ctx, user, cmd.Password)
	if err != nil {
		return Session{}, err
	}
	return i.enter(ctx, by, user, entry{cmd.Code, cmd.BackupCode, cmd.Device, spared}, rehash)
}

// entry is what a user shows beside the password.
type entry struct {
	code, backup, device Secret
	spared               bool // by a lock
}

// enter opens a session for a user who gave the password, once the second factor
// is proven too, if there is one.
func (i *Identity) enter(ctx context.Context, by domain.Actor, user domain.User, shown entry, more deciding) (Session, error) {
	mfa := user.MFA.Enabled
	s, err := i.issue(ctx, by, user.ID, mfa, shown.device, func(now domain.User) ([]domain.UserEvent, error) {
		if now.Status != domain.Active || now.PasswordHash != user.PasswordHash || now.MFA.Enabled != mfa {
			return nil, domain.ErrUnauthenticated // what was proven is not what counts any more
		}
		facts, err := i.admit(now, shown.spared)
		if err != nil {
			return nil, err
		}
		if mfa {
			used, err := i.useFactor(now, shown.code, shown.backup)
			if err != nil {
				return nil, err
			}
			facts = append(facts, used...)
		}
		others, err := more(now)
		return append(facts, others...), err
	})
	if errors.Is(err, domain.ErrCodeRefused) {
		return Session{}, i.failed(ctx, by, user, reasonOf(shown.backup))
	}
	return s, err
}

// rehash returns what replaces a hash of the password that cost less than hashes
// made now: nothing but the hash changes.
func (i *Identity) rehash(ctx context.Context, user domain.User, password Secret) (deciding, error) {
	if !i.Passwords.Outdated(user.PasswordHash) {
		return nothingMore, nil
	}
	hash, err := i.Passwords.Hash(ctx, password)
	if err != nil {
		return nil, err
	}
	return func(now domain.User) ([]domain.UserEvent, error) {
		return now.SetPassword(domain.PasswordSet{
			KDF: i.Passwords.KDF(), PolicyVersion: now.PolicyVersion, Rehashed: true, UserID: now.ID, Personal: domain.PasswordHash{Hash: hash},
		})
	}, nil
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
	user, err := i.userOf(ctx, tenant, before.User)
	if err != nil {
		return Session{}, err
	}
	if !user.AdmitsSession(before) {
		return Session{}, domain.ErrUnauthenticated
	}
	fresh := Session{Tenant: tenant, User: before.User, ID: session, Refresh: successor, RefreshExpiry: microTime(before.ExpiresAt)}
	if _, err := i.prepare(ctx, &fresh, user, before.ProvenAt); err != nil {
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
func lastUse(s domain.Session) int64 { return s.End() - 1 }

// UserOf returns the user of tenant with an e-mail address. It refuses with
// Invalid what is no address and with NotFound one that is not tenant's.
func (i *Identity) UserOf(ctx context.Context, tenant domain.TenantID, address string) (domain.UserID, error) {
	_, ref, err := i.Tokens.Address(address)
	if err != nil {
		return domain.UserID{}, err
	}
	account, err := i.account(ctx, ref)
	if err != nil {
		return domain.UserID{}, err
	}
	if account.Tenant != tenant || account.User.IsZero() {
		return domain.UserID{}, &domain.Error{Kind: domain.NotFound, Message: "no such user"}
	}
	return account.User, nil
}
