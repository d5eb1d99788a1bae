package compliance

import (
	"slices"

	"github.com/quantaseal/quantaseal/domain"
)

// duties are what takes privilege, judged as it happened by what held before.
type duties struct {
	allowed tally                       // privileged facts, in order if they were allowed
	pairs   tally                       // pairs of duties, in order if two people did them
	locked  map[domain.ID]domain.UserID // who began a lockdown
}

func newDuties() duties { return duties{locked: map[domain.ID]domain.UserID{}} }

// judge notes whether a privileged fact was allowed.
func (s *State) judge(f *Fact) {
	if f.Outcome != domain.Success {
		return
	}
	switch f.Event.(type) {
	case domain.CredentialUnsealed, domain.CredentialRotated, domain.CredentialDeleted, domain.DataDecrypted, domain.EscrowExported,
		domain.AuditLogQueried, domain.AuditExported, domain.APIKeyCreated, domain.UserRoleChanged, domain.TenantSettingsChanged, domain.LockdownLifted:
		s.duties.allowed.add(f.Ref, s.people.allows(f))
	}
}

// allows reports whether the people and API keys that there are before f allow it.
// What the deployment and its operator do they do by themselves; nobody allows
// what nobody proven did.
func (p *people) allows(f *Fact) bool {
	var u *user
	scope := scopeOf(f.Event)
	switch f.ActorKind {
	case domain.ActorSystem, domain.ActorOperator:
		return true
	case domain.ActorUser:
		u = p.users[domain.UserID{ID: f.Actor}]
	case domain.ActorKey:
		k := p.keys[domain.KeyID{ID: f.Actor}]
		if k == nil || !k.live(f.Time) || !slices.Contains(k.scopes, scope) {
			return false
		}
		u = p.users[k.owner]
	default:
		return false
	}
	if u == nil || !u.active {
		return false
	}
	switch f.Event.(type) {
	case domain.UserRoleChanged: // people's, whatever their scopes are
		return u.role.Administers() && f.ActorKind == domain.ActorUser
	case domain.LockdownLifted, domain.EscrowExported:
		return u.role == domain.RoleOwner && f.ActorKind == domain.ActorUser
	}
	return len(u.role.Limit([]domain.Scope{scope})) == 1
}

// apply notes the pairs that f completes.
func (d *duties) apply(f *Fact, s *State) {
	by := s.people.personOf(f)
	switch e := f.Event.(type) {
	case domain.CredentialDeleted:
		if c := s.vault.find(e.EntryID.Credential()); c != nil {
			if by.IsZero() {
				by = c.retiredBy // the sweeper finishes what somebody began
			}
			d.pair(f.Ref, c.sealedBy, by)
		}
	case domain.UserRoleChanged:
		d.pair(f.Ref, by, e.UserID)
	case domain.LockdownActivated:
		d.locked[e.ActivationEventID] = by
	case domain.LockdownLifted:
		d.pair(f.Ref, d.locked[e.ActivationEventID], by)
		delete(d.locked, e.ActivationEventID)
	}
}

// pair counts two halves of a duty, unless one was no person's.
func (d *duties) pair(ref Ref, a, b domain.UserID) {
	if !a.IsZero() && !b.IsZero() {
		d.pairs.add(ref, a != b)
	}
}

// pairedDuties is QS-IAM-10.
func (s *State) pairedDuties(q question) finding {
	total, bad, failing := s.duties.pairs.since(q.since("window_days"))
	return share(total-bad, total, failing)
}

// authorised is QS-IAM-13.
func (s *State) authorised(q question) finding {
	total, bad, failing := s.duties.allowed.since(q.since("window_days"))
	return share(total-bad, total, failing)
}
