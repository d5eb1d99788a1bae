package commands

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// ChangePassword asks for another password.
type ChangePassword struct {
	Actor   domain.Actor
	Current Secret
	Next    Secret
}

// ChangePassword replaces the password of a user who knows the current one. Every
// other session ends; the caller's goes on with the access token that is returned,
// and the refresh token it has. It refuses with ErrDenied an API key and, on the
// record, a wrong password, and with Invalid a password that does not do.
func (i *Identity) ChangePassword(ctx context.Context, cmd ChangePassword) (Session, error) {
	by := cmd.Actor
	if err := i.passes(ctx, by, "auth.password"); err != nil {
		return Session{}, err
	}
	tenant, err := i.tenant(ctx, by.Tenant)
	if err != nil {
		return Session{}, err
	}
	user, err := i.userOf(ctx, by.Tenant, by.User)
	if err != nil {
		return Session{}, err
	}
	if err := i.suits(cmd.Next, tenant, user); err != nil {
		return Session{}, err
	}
	if err := i.proves(ctx, by, user, cmd.Current); err != nil {
		return Session{}, err
	}
	hash, err := i.Passwords.Hash(ctx, cmd.Next)
	if err != nil {
		return Session{}, err
	}
	fact := i.newPassword(tenant, by.User, hash)
	fact.KeptSession = by.Session
	after, receipt, err := transact(ctx, i.Log, by, userAggregate(by.User), terms[domain.User]{},
		func(u domain.User) ([]domain.UserEvent, error) {
			if u.PasswordHash != user.PasswordHash {
				return nil, domain.ErrContended // the current one that was proven is no longer it
			}
			return u.SetPassword(fact)
		})
	if err != nil {
		return Session{}, err
	}
	return i.again(ctx, by, after, i.Now().UnixMicro(), receipt)
}

// suits refuses with Invalid a password that the tenant's policy does not allow
// its user.
func (i *Identity) suits(password Secret, tenant domain.Tenant, user domain.User) error {
	if n := tenant.Settings.PasswordMinLength; utf8.RuneCount(password) < n {
		return &domain.Error{Kind: domain.Invalid, Message: fmt.Sprintf("password must have at least %d characters", n)}
	}
	local, _, _ := strings.Cut(user.Email, "@")
	return i.Passwords.Check(password, local, user.Email, tenant.Name)
}

// proves refuses with ErrDenied, on the record, whoever does not know the
// password of the user that they act for.
func (i *Identity) proves(ctx context.Context, by domain.Actor, user domain.User, password Secret) error {
	if err := i.mayProve(ctx, by, user); err != nil {
		return err
	}
	proven, err := i.Passwords.Verify(ctx, password, user.PasswordHash)
	if err == nil && !proven {
		err = forbidden(i.failed(ctx, by, user, "password"))
	}
	return err
}

func (i *Identity) newPassword(tenant domain.Tenant, user domain.UserID, hash string) domain.PasswordSet {
	return domain.PasswordSet{
		KDF: i.Passwords.KDF(), PolicyVersion: tenant.Settings.PasswordPolicy, UserID: user, Personal: domain.PasswordHash{Hash: hash},
	}
}

// ForgotPassword asks for a letter that allows a new password.
type ForgotPassword struct {
	Actor domain.Actor // anonymous: the request and where it came from
	Email string
}

// ForgotPassword sends the owner of an address a token, if there is one. Nothing
// tells whether there was, and it does not return before Hold. It refuses with
// Invalid what is no address.
func (i *Identity) ForgotPassword(ctx context.Context, cmd ForgotPassword) error {
	defer i.hold(ctx, i.Now(), i.Hold)
	_, ref, err := i.Tokens.Address(cmd.Email)
	if err != nil {
		return err
	}
	account, err := i.account(ctx, ref)
	if err != nil || account.User.IsZero() {
		return err
	}
	by := cmd.Actor
	by.Tenant = account.Tenant
	user, err := i.userOf(ctx, by.Tenant, account.User)
	if err != nil {
		return err
	}
	return i.prove(ctx, by, user, domain.ProvesReset)
}

// ResetPassword brings back the token that allows a new password.
type ResetPassword struct {
	Actor    domain.Actor // anonymous: the request and where it came from
	Token    Secret
	Password Secret
}

// ResetPassword replaces the password, and ends every session of the user and a
// lock. It refuses with domain.ErrProofRefused, and with Invalid a password that
// does not do, which leaves the token good.
func (i *Identity) ResetPassword(ctx context.Context, cmd ResetPassword) (eventstore.Receipt, error) {
	tenantID, userID, err := i.Tokens.ReadProof(cmd.Token, domain.ProvesReset)
	if err != nil {
		return eventstore.Receipt{}, err
	}
	by, digest := cmd.Actor, i.Tokens.Digest(cmd.Token)
	by.Tenant, by.Kind, by.ID, by.User = tenantID, domain.ActorUser, userID.ID, userID
	user, err := i.userOf(ctx, tenantID, userID)
	if err != nil {
		return eventstore.Receipt{}, err
	}
	if _, err := user.ResetPassword(digest, domain.PasswordSet{}, i.Now()); err != nil {
		return eventstore.Receipt{}, err // before a password is hashed for nobody
	}
	tenant, err := i.tenant(ctx, tenantID)
	if err != nil {
		return eventstore.Receipt{}, err
	}
	if err := i.suits(cmd.Password, tenant, user); err != nil {
		return eventstore.Receipt{}, err
	}
	hash, err := i.Passwords.Hash(ctx, cmd.Password)
	if err != nil {
		return eventstore.Receipt{}, err
	}
	fact := i.newPassword(tenant, userID, hash)
	_, receipt, err := transact(ctx, i.Log, by, userAggregate(userID), terms[domain.User]{lost: domain.ErrProofRefused},
		func(u domain.User) ([]domain.UserEvent, error) { return u.ResetPassword(digest, fact, i.Now()) })
	return receipt, err
}
