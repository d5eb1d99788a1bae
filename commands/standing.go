package commands

import (
	"net/netip"

	"github.com/quantaseal/quantaseal/domain"
)

// Standing is what the log says about whoever asks, beside what their access is:
// what a rule about a whole request looks at. Authentication returns it, as it is then.
type Standing struct {
	Tenant domain.Tenant
	User   domain.User   // who asks, or who answers for the API key that does
	Key    domain.APIKey // zero for a user
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
