package commands

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Attempts limits the guesses of those whom no lock keeps out.
type Attempts interface {
	// Guess counts a guess by what id names, a device or a session, and reports
	// whether it may be looked at: 5 may in 15 minutes.
	Guess(ctx context.Context, id domain.ID) bool
}

// Views are this node's read models.
type Views interface {
	// Passed blocks until every read model shows the fact at a position.
	Passed(ctx context.Context, position eventstore.Position) error
}

// DeviceLifetime is how long a browser counts as known after a login.
const DeviceLifetime = 180 * 24 * time.Hour

// failurePatience bounds how long a failed login waits for the read models that
// count it.
const failurePatience = 2 * time.Second

// spared reports whether a lock of the user's account does not keep out who shows
// device: a browser in which the user logged in before. Each time it is asked
// counts as a guess by that browser, since its cookie may have been stolen.
func (i *Identity) spared(ctx context.Context, user domain.User, device Secret) bool {
	if !user.Locked(i.Now()) || len(device) == 0 {
		return false
	}
	id := i.Tokens.ReadDevice(device, user.AccountRef, i.Now())
	return !id.IsZero() && i.Attempts.Guess(ctx, id)
}

// admit returns what is to be recorded before a login of a user who proved
// everything: that a lock is over. It refuses with ErrUnauthenticated while one
// lasts, unless the caller is spared.
func (i *Identity) admit(u domain.User, spared bool) ([]domain.UserEvent, error) {
	if u.Locked(i.Now()) && !spared {
		return nil, domain.ErrUnauthenticated
	}
	return u.Unlock()
}

// mayProve refuses with ErrDenied a known caller who guesses on while the account
// is locked. No lock ends a session or an API key; what is left to them is to show
// a password or a code now and then.
func (i *Identity) mayProve(ctx context.Context, by domain.Actor, user domain.User) error {
	id := by.Session.ID
	if id.IsZero() {
		id = by.ID
	}
	if user.Locked(i.Now()) && !i.Attempts.Guess(ctx, id) {
		return domain.ErrDenied
	}
	return nil
}

// failed puts a failed proof on the record and returns ErrUnauthenticated. reason
// is a word for what was wrong. After too many the account is locked. While it is,
// a failure is no guess at anything and is not recorded: so the facts that others
// can cause about an account are bounded, and so is the count that may lock it for
// good.
func (i *Identity) failed(ctx context.Context, by domain.Actor, user domain.User, reason string) error {
	ctx = context.WithoutCancel(ctx) // who hangs up has guessed all the same
	done, err := i.turns.take(ctx, by.Tenant, user.ID.ID)
	if err != nil {
		return err
	}
	defer done()
	if user, err = i.userOf(ctx, by.Tenant, user.ID); err != nil {
		return err
	}
	if user.Locked(i.Now()) {
		return domain.ErrUnauthenticated
	}
	tenant, err := i.tenant(ctx, by.Tenant)
	if err != nil {
		return err
	}
	fact := domain.LoginFailed{AccountRef: user.AccountRef, InDeclaredRange: declared(tenant.Settings, by.Origin), Reason: reason}
	receipt, err := observe(ctx, i.Log, by, userAggregate(user.ID), fact)
	if err != nil {
		return err
	}
	if err := i.lockOut(ctx, by, user, tenant.Settings, receipt); err != nil {
		i.Logger.WarnContext(ctx, "a failed login did not count towards a lock", "err", err)
	}
	return recorded(domain.ErrUnauthenticated, receipt)
}

// forbidden makes the failed proof of a known caller a denial: who asks is known;
// what they may not do is this.
func forbidden(failure error) error {
	if !errors.Is(failure, domain.ErrUnauthenticated) {
		return failure
	}
	if r, ok := errors.AsType[*Recorded](failure); ok {
		return recorded(domain.ErrDenied, r.Receipt)
	}
	return domain.ErrDenied
}

// lockOut locks the account if it failed too often, with the failure of receipt.
func (i *Identity) lockOut(ctx context.Context, by domain.Actor, user domain.User, settings domain.Settings, receipt eventstore.Receipt) error {
	waiting, cancel := context.WithTimeout(ctx, failurePatience)
	defer cancel()
	if err := i.Views.Passed(waiting, receipt.Position); err != nil {
		return err
	}
	failures, err := i.Lookups.FailedLogins(ctx, by.Tenant, user.ID, i.Now().Add(-domain.LockoutWindow))
	if err != nil {
		return err
	}
	_, _, err = transact(ctx, i.Log, by, userAggregate(user.ID), terms[domain.User]{},
		func(u domain.User) ([]domain.UserEvent, error) { return u.LockOut(failures, settings, i.Now()) })
	if err != nil && !errors.Is(err, domain.ErrContended) {
		return fmt.Errorf("locking an account: %w", err)
	}
	return nil
}
