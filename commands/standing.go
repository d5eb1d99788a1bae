package commands

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Standing is what the log says about whoever asks, beside what their access is:
// what a rule about a whole request looks at.
type Standing struct {
	Tenant domain.Tenant
	User   domain.User   // who asks, or who answers for the API key that does
	Key    domain.APIKey // zero for a user
}

// Standing returns it, as it is now.
func (i *Identity) Standing(ctx context.Context, by domain.Actor) (st Standing, err error) {
	if st.User, err = i.userOf(ctx, by.Tenant, by.User); err != nil {
		return Standing{}, err
	}
	if st.Tenant, err = i.tenant(ctx, by.Tenant); err != nil {
		return Standing{}, err
	}
	if by.Kind == domain.ActorKey {
		if st.Key, _, err = eventstore.Fold[domain.APIKey](ctx, i.Log, by.Tenant, keyAggregate(domain.KeyID{ID: by.ID})); err != nil {
			return Standing{}, fmt.Errorf("loading an API key: %w", err)
		}
	}
	return st, nil
}

// AllowsFrom reports whether neither the API key nor the tenant keeps requests
// from an address out.
func (st Standing) AllowsFrom(addr netip.Addr) bool {
	return st.Key.AllowsFrom(addr) && st.Tenant.Settings.Declared(addr) != domain.OutOfRange
}

// OwesFactor reports whether the tenant demands a second factor that the user has not.
func (st Standing) OwesFactor() bool {
	return st.Tenant.Settings.MFAEnforced && !st.User.MFA.Enabled
}
