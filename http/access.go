package http

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
)

// pattern names a route by its method and its pattern, without the API's prefix.
type pattern struct{ method, path string }

func patternOf(c *gin.Context) pattern {
	return pattern{c.Request.Method, strings.TrimPrefix(c.FullPath(), apiPrefix)}
}

// access says who may use a route, and when. The zero access lets nobody.
type access struct {
	action   string        // what it is to use the route, as denials on the record say
	public   bool          // anybody; what a request presents to prove who asks is not looked at
	roles    []domain.Role // whose users may
	scope    domain.Scope  // what the access has to cover; "" = being such a user is enough
	never    bool          // API keys may not, whatever they cover
	stepUp   bool          // a user has to have proven who they are just now
	adds     bool          // not once the trial is over
	releases bool          // not under lockdown
	denies   bool          // the route's command refuses who is barred by itself; see admit
	self     bool          // also for a user who owes a second factor
	factless bool          // whoever may leaves no fact, so a log that is halted is no hindrance
}

// Who may use a route, from the many to the few. An auditor is no viewer: it is
// named where it may.
var (
	everybody = domain.Roles()
	viewers   = []domain.Role{domain.RoleViewer, domain.RoleEditor, domain.RoleAdmin, domain.RoleOwner}
	editors   = []domain.Role{domain.RoleEditor, domain.RoleAdmin, domain.RoleOwner}
	admins    = []domain.Role{domain.RoleAdmin, domain.RoleOwner}
	auditors  = []domain.Role{domain.RoleAuditor, domain.RoleAdmin, domain.RoleOwner}
	owners    = []domain.Role{domain.RoleOwner}
)

// bars returns why by, who stands so and asks from client, may not use a route,
// or "". It is the one place that decides, by the matrix alone.
func (a access) bars(by domain.Actor, st commands.Standing, client netip.Addr, now time.Time) string {
	isKey := by.Kind == domain.ActorKey
	switch {
	case a.public:
		return ""
	case len(a.roles) == 0:
		return domain.BarredRoute
	case !slices.Contains(a.roles, by.Role):
		return domain.BarredRole
	case isKey && a.never:
		return domain.BarredKey
	case a.scope != "" && !by.Covers(a.scope):
		return domain.BarredScope
	case !st.AllowsFrom(client):
		return domain.BarredAddress
	case !isKey && !a.self && st.OwesFactor():
		return domain.BarredFactor
	case a.adds && st.Tenant.Adds(now) != nil:
		return domain.BarredTrial
	case a.releases && st.Tenant.Locked():
		return domain.BarredLockdown
	case a.stepUp && !isKey && !by.SteppedUp(now):
		return domain.BarredStepUp
	}
	return ""
}
