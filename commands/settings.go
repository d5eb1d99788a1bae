package commands

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Settings returns the tenant of an actor with what it decided about itself, and the
// addresses of the users among its recipients.
// Access requirement: settings:read; it refuses with Denied.
func (i *Identity) Settings(ctx context.Context, by domain.Actor) (domain.Tenant, error) {
	if err := authorize(ctx, i.Log, by, domain.ScopeSettingsRead, "settings.read"); err != nil {
		return domain.Tenant{}, err
	}
	tenant, _, err := eventstore.Fold[domain.Tenant](ctx, i.Log, by.Tenant, tenantAggregate(by.Tenant))
	if err != nil {
		return domain.Tenant{}, fmt.Errorf("loading a tenant: %w", err)
	}
	return i.named(ctx, tenant)
}

// SettingsAt returns the tenant as it was at an instant, Unix microseconds, with the
// addresses of today; the zero Tenant if it was not yet. Access requirement: as for Settings.
func (i *Identity) SettingsAt(ctx context.Context, by domain.Actor, at int64) (domain.Tenant, error) {
	if err := authorize(ctx, i.Log, by, domain.ScopeSettingsRead, "settings.read"); err != nil {
		return domain.Tenant{}, err
	}
	tenant, _, err := eventstore.FoldAt[domain.Tenant](ctx, i.Log, by.Tenant, tenantAggregate(by.Tenant), at)
	if err != nil {
		return domain.Tenant{}, fmt.Errorf("loading a tenant of the past: %w", err)
	}
	return i.named(ctx, tenant)
}

// named returns a tenant with the addresses of the users among its recipients.
func (i *Identity) named(ctx context.Context, t domain.Tenant) (domain.Tenant, error) {
	var addresses []string
	for _, name := range t.Settings.Recipients {
		if id, err := domain.ParseID(name); err == nil {
			user, err := i.userOf(ctx, t.ID, domain.UserID{ID: id})
			if err != nil {
				return t, err
			}
			name = user.Email
		}
		if name != "" { // nobody knows the address of who was erased
			addresses = append(addresses, name)
		}
	}
	slices.Sort(addresses)
	t.Settings.Recipients = addresses
	return t, nil
}

// ErrRecipients refuses who cannot be told anything.
var ErrRecipients = &domain.Error{Kind: domain.Invalid, Message: "notification_emails must be addresses, or ids of users of this tenant"}

// recipients returns the changes with each recipient who is a user of the tenant by
// id: so whoever erases the user erases the address here too.
func (i *Identity) recipients(ctx context.Context, tenant domain.TenantID, changes []domain.Setting) ([]domain.Setting, error) {
	changes = slices.Clone(changes)
	for n, change := range changes {
		var names []string
		if change.Key != domain.SettingRecipients || json.Unmarshal(change.Value, &names) != nil || names == nil || len(names) > domain.MaxRecipients {
			continue // the tenant refuses it, if it is to be refused
		}
		for at, name := range names {
			var err error
			if names[at], err = i.recipientName(ctx, tenant, name); err != nil {
				return nil, err
			}
		}
		value, err := json.Marshal(names)
		if err != nil {
			return nil, err
		}
		changes[n].Value = value
	}
	return changes, nil
}

// recipientName returns the name by which one recipient is kept.
func (i *Identity) recipientName(ctx context.Context, tenant domain.TenantID, name string) (string, error) {
	id, idErr := domain.ParseID(name)
	if idErr != nil {
		normal, ref, err := i.Tokens.Address(name)
		if err != nil {
			return "", ErrRecipients
		}
		account, err := i.account(ctx, ref)
		if err != nil || account.Tenant != tenant {
			return normal, err
		}
		id = account.User.ID
	}
	user, err := i.userOf(ctx, tenant, domain.UserID{ID: id})
	if err == nil && user.Email == "" {
		err = ErrRecipients
	}
	return id.String(), err
}

// ChangeSettings asks for settings of the actor's tenant to be changed.
type ChangeSettings struct {
	Actor domain.Actor
	// Changes says which, given the tenant as it stands. It may be asked again.
	Changes func(domain.Tenant) ([]domain.Setting, error)
}

// ChangeSettings changes all of them or none, with a fact for each that is another
// now, and returns the tenant after that. The receipt is zero if nothing changed.
// Access requirement: settings:write. It refuses with Denied, and as
// domain.Tenant.Configure does: with Invalid, with ErrRecipients, and with ErrLocksOut ranges that
// do not hold the address that the request came from.
func (i *Identity) ChangeSettings(ctx context.Context, cmd ChangeSettings) (domain.Tenant, eventstore.Receipt, error) {
	by := cmd.Actor
	if err := authorize(ctx, i.Log, by, domain.ScopeSettings, "settings.write"); err != nil {
		return domain.Tenant{}, eventstore.Receipt{}, err
	}
	from, _ := netip.ParseAddr(by.Origin.IP) // no address is in no range
	after, receipt, err := transact(ctx, i.Log, by, tenantAggregate(by.Tenant), terms[domain.Tenant]{},
		func(t domain.Tenant) ([]domain.TenantEvent, error) {
			changes, err := cmd.Changes(t)
			if err == nil {
				changes, err = i.recipients(ctx, by.Tenant, changes)
			}
			if err != nil {
				return nil, err
			}
			return t.Configure(changes, from)
		})
	if err != nil {
		return domain.Tenant{}, receipt, err
	}
	if after, err = i.named(ctx, after); err != nil {
		err = unfinished{err}
	}
	return after, receipt, err
}
