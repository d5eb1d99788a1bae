package commands

import (
	"context"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Lockdown is whether a tenant releases values, and since when it does not.
type Lockdown struct {
	Locked  bool
	Since   int64 // stamp of the fact that began it, Unix microseconds; 0 = not locked
	Receipt eventstore.Receipt
}

// LockDown asks for every release of a value to stop.
type LockDown struct {
	Actor  domain.Actor
	Reason string // free text; may be empty
	Drill  bool
}

// LockDown stops every release of a value in the actor's tenant: on this node for
// requests that come later, on others once they see the fact. If that is so
// already it changes nothing, and the receipt is zero. Access requirement:
// security:revoke. It refuses with Denied, and with Invalid a reason that is too long.
func (i *Identity) LockDown(ctx context.Context, cmd LockDown) (Lockdown, error) {
	by := cmd.Actor
	if err := authorize(ctx, i.Log, by, domain.ScopeRevoke, "security.lockdown"); err != nil {
		return Lockdown{}, err
	}
	event := i.Log.NewID()
	tenant, receipt, err := transact(ctx, i.Log, by, tenantAggregate(by.Tenant), terms[domain.Tenant]{eventID: event},
		func(t domain.Tenant) ([]domain.TenantEvent, error) { return t.LockDown(event, cmd.Reason, cmd.Drill) })
	if err != nil {
		return Lockdown{}, err
	}
	l := Lockdown{Locked: true, Since: int64(receipt.TimeUS), Receipt: receipt}
	if receipt.Position != 0 {
		return l, nil
	}
	before, err := i.Log.Find(ctx, by.Tenant, tenant.Lockdown)
	if err != nil {
		return Lockdown{}, fmt.Errorf("finding the fact of a lockdown: %w", err)
	}
	l.Since = int64(before.Header.TimeUS)
	return l, nil
}

// LiftLockdown asks for values to be released again.
type LiftLockdown struct {
	Actor domain.Actor
}

// LiftLockdown ends the lockdown of the actor's tenant. Where there is none it
// changes nothing, and the receipt is zero. Access requirement: an owner, never an
// API key, with a fresh proof; it refuses with Denied.
func (i *Identity) LiftLockdown(ctx context.Context, cmd LiftLockdown) (Lockdown, error) {
	by := cmd.Actor
	if by.Bar() == "" {
		by.Verdict = domain.Judged(liftBar(by, by.SteppedUp(i.Now())))
	}
	if err := authorize(ctx, i.Log, by, domain.ScopeRevoke, "security.lockdown.release"); err != nil {
		return Lockdown{}, err
	}
	_, receipt, err := transact(ctx, i.Log, by, tenantAggregate(by.Tenant), terms[domain.Tenant]{},
		func(t domain.Tenant) ([]domain.TenantEvent, error) { return t.Lift() })
	return Lockdown{Receipt: receipt}, err
}

// liftBar holds the release of a lockdown to its rule whatever the edge believes:
// an attacker who got in must not be able to undo the one thing that stops them.
func liftBar(by domain.Actor, proven bool) string {
	switch {
	case by.Kind != domain.ActorUser:
		return domain.BarredKey
	case by.Role != domain.RoleOwner:
		return domain.BarredRole
	case !proven:
		return domain.BarredStepUp
	}
	return ""
}
