package compliance

import (
	"slices"

	"github.com/quantaseal/quantaseal/domain"
)

// people are the users and API keys of a tenant, those that are gone included:
// what they did is still judged.
type people struct {
	users map[domain.UserID]*user
	keys  map[domain.KeyID]*apiKey
}

type user struct {
	registered  Ref
	account     domain.ID
	role        domain.Role
	roleSet     Ref
	active      bool
	shared      bool
	verified    bool
	factor      bool
	factorSet   Ref // the last change of the second factor
	bareLogin   Ref // the last login without the factor while the user had it
	password    Ref // the last new password; citing none = the user has none
	policy      int // the version of the policy that it was set under
	lastAct     Ref
	deactivated Ref
}

type apiKey struct {
	created Ref
	owner   domain.UserID
	scopes  []domain.Scope
	expires int64
	revoked bool
	used    map[domain.Scope]int64 // when each scope was last used
	lastAct Ref
}

func newPeople() people {
	return people{map[domain.UserID]*user{}, map[domain.KeyID]*apiKey{}}
}

// live reports whether the key may still act at an instant.
func (k *apiKey) live(at int64) bool { return !k.revoked && at < k.expires }

// administers reports whether the user is an active administrator.
func (u *user) administers() bool { return u.active && u.role.Administers() }

// personOf returns who answers for a fact: the user who acted, or the owner of
// the API key; zero where nobody did.
func (p *people) personOf(f *Fact) domain.UserID {
	switch f.ActorKind {
	case domain.ActorUser:
		return domain.UserID{ID: f.Actor}
	case domain.ActorKey:
		if k := p.keys[domain.KeyID{ID: f.Actor}]; k != nil {
			return k.owner
		}
	default: // the deployment and nobody proven are no person
	}
	return domain.UserID{}
}

func (p *people) apply(f *Fact) {
	switch f.ActorKind {
	case domain.ActorUser:
		if u := p.users[domain.UserID{ID: f.Actor}]; u != nil {
			u.lastAct = f.Ref
		}
	case domain.ActorKey:
		if k := p.keys[domain.KeyID{ID: f.Actor}]; k != nil {
			k.lastAct = f.Ref
			if scope := scopeOf(f.Event); scope != "" && f.Outcome == domain.Success {
				k.used[scope] = f.Time
			}
		}
	default: // nobody who could lie idle
	}
	switch e := f.Event.(type) {
	case domain.UserRegistered:
		p.users[e.UserID] = &user{
			registered: f.Ref, account: e.AccountRef, role: e.Role, roleSet: f.Ref,
			active: true, shared: e.Shared, verified: e.Verified, lastAct: f.Ref,
		}
	case domain.APIKeyCreated:
		p.keys[e.KeyID] = &apiKey{
			created: f.Ref, owner: e.Owner, scopes: e.Scopes, expires: e.ExpiresAt, used: map[domain.Scope]int64{},
		}
	case domain.APIKeyRevoked:
		if k := p.keys[e.KeyID]; k != nil {
			k.revoked = true
		}
	default:
		p.change(f)
	}
}

// change folds what changes a user who is there.
func (p *people) change(f *Fact) {
	var id domain.UserID
	var change func(*user)
	switch e := f.Event.(type) {
	case domain.UserEmailVerified:
		id, change = e.UserID, func(u *user) { u.verified = true }
	case domain.UserRoleChanged:
		id, change = e.UserID, func(u *user) { u.role, u.roleSet = e.NewRole, f.Ref }
	case domain.UserDeactivated:
		id, change = e.UserID, func(u *user) { u.active, u.deactivated = false, f.Ref }
	case domain.PasswordSet:
		id, change = e.UserID, func(u *user) {
			if !e.Rehashed || !u.password.cited() {
				u.password, u.policy = f.Ref, e.PolicyVersion
			}
		}
	case domain.MFAEnabled:
		id, change = e.UserID, func(u *user) { u.factor, u.factorSet, u.bareLogin = true, f.Ref, Ref{} }
	case domain.MFADisabled:
		id, change = e.UserID, func(u *user) { u.factor, u.factorSet = false, f.Ref }
	case domain.LoginSucceeded:
		id, change = e.UserID, func(u *user) {
			if u.lastAct = f.Ref; u.factor && !e.MFA {
				u.bareLogin = f.Ref
			}
		}
	}
	if u := p.users[id]; u != nil {
		change(u)
	}
}

// scopeOf returns the scope that the success of a fact took, or "" where it took
// none or its use leaves nothing on record.
func scopeOf(e domain.Event) domain.Scope {
	switch e := e.(type) {
	case domain.CredentialUnsealed:
		return e.ScopeUsed
	case domain.CredentialSealed:
		return domain.ScopeVaultSeal
	case domain.CredentialRotated:
		return domain.ScopeVaultRotate
	case domain.CredentialDeleted, domain.CredentialRetired, domain.CredentialRestored:
		return domain.ScopeVaultDelete
	case domain.CredentialsListed:
		return domain.ScopeVaultList
	case domain.AuditLogQueried:
		return domain.ScopeAuditRead
	case domain.AuditExported:
		return domain.ScopeAuditExport
	case domain.APIKeyCreated, domain.APIKeyRevoked:
		return domain.ScopeKeysManage
	case domain.TenantSettingsChanged, domain.KeyRotated, domain.KeyRetirement, domain.KeyDestruction, domain.EscrowExported:
		return domain.ScopeSettings
	case domain.LockdownActivated, domain.LockdownLifted:
		return domain.ScopeRevoke
	case domain.DataEncrypted, domain.DataRewrapped:
		return domain.ScopeEncrypt
	case domain.DataDecrypted:
		return domain.ScopeDecrypt
	case domain.DataSigned:
		return domain.ScopeSign
	case domain.SignatureVerified:
		return domain.ScopeVerify
	}
	return ""
}

// shown are the scopes whose use leaves a fact.
var shown = []domain.Scope{
	domain.ScopeVaultUnseal, domain.ScopeVaultSeal, domain.ScopeVaultRotate, domain.ScopeVaultDelete, domain.ScopeVaultList,
	domain.ScopeAuditRead, domain.ScopeAuditExport, domain.ScopeKeysManage, domain.ScopeSettings, domain.ScopeRevoke,
	domain.ScopeEncrypt, domain.ScopeDecrypt, domain.ScopeSign, domain.ScopeVerify,
}

func shows(scope domain.Scope) bool { return slices.Contains(shown, scope) }
