package domain

import "slices"

// Role is what a user is within a tenant. The words are stored.
type Role string

// The roles. Registration makes an owner; everybody else is invited as something.
const (
	RoleViewer  Role = "viewer"  // sees what there is, and no value
	RoleEditor  Role = "editor"  // uses, adds and rotates values
	RoleAdmin   Role = "admin"   // everything but what touches owners
	RoleOwner   Role = "owner"   // everything
	RoleAuditor Role = "auditor" // reads the record and what it amounts to, and nothing of the vault
)

// Roles returns every role, from the least to the most.
func Roles() []Role {
	return []Role{RoleAuditor, RoleViewer, RoleEditor, RoleAdmin, RoleOwner}
}

// ParseRole reads a role's name. It refuses every other text with Invalid.
func ParseRole(name string) (Role, error) {
	if r := Role(name); slices.Contains(Roles(), r) {
		return r, nil
	}
	return "", invalid("role must be viewer, editor, admin, owner or auditor")
}

// scopesOf says what each role may do. A role that is not listed may do nothing.
var scopesOf = map[Role][]Scope{
	RoleViewer: sorted(ScopeVaultList, ScopeVerify, ScopeCompliance, ScopeAuditRead),
	RoleEditor: sorted(ScopeVaultList, ScopeVaultUnseal, ScopeVaultSeal, ScopeVaultRotate,
		ScopeEncrypt, ScopeDecrypt, ScopeSign, ScopeVerify, ScopeCompliance, ScopeAuditRead, ScopeKeysManage),
	RoleAdmin:   AllScopes(),
	RoleOwner:   AllScopes(),
	RoleAuditor: sorted(ScopeAuditRead, ScopeAuditExport, ScopeCompliance, ScopeSettingsRead),
}

func sorted(scopes ...Scope) []Scope {
	slices.Sort(scopes)
	return scopes
}

// Scopes returns what a user of this role may do at most, sorted, in a slice of
// the caller's own. Two of them reach less far for some roles: see OwnOnly.
func (r Role) Scopes() []Scope { return slices.Clone(scopesOf[r]) }

// OwnOnly reports whether scope shows a user of this role only what is theirs:
// their own actions of the audit log, their own API keys.
func (r Role) OwnOnly(scope Scope) bool {
	return scope == ScopeAuditRead && (r == RoleViewer || r == RoleEditor) ||
		scope == ScopeKeysManage && r == RoleEditor
}

// Administers reports whether the role manages users, keys and settings.
func (r Role) Administers() bool { return r == RoleAdmin || r == RoleOwner }

// Assigns reports whether a user of this role may make a user of role from one of
// role to: an owner may always, an admin where neither is an owner. A new user
// has no role to come from, and one who leaves none to go to: that is "".
func (r Role) Assigns(from, to Role) bool {
	return r == RoleOwner || r == RoleAdmin && from != RoleOwner && to != RoleOwner
}

// Limit returns those of scopes that a user of this role may have, sorted if
// scopes is.
func (r Role) Limit(scopes []Scope) []Scope {
	allowed := scopesOf[r]
	limited := make([]Scope, 0, len(scopes))
	for _, scope := range scopes {
		if _, ok := slices.BinarySearch(allowed, scope); ok {
			limited = append(limited, scope)
		}
	}
	return limited
}
