package domain_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/domain"
)

// What each role may do, once more and by hand: a line here is a decision.
func TestScopesOfRoles(t *testing.T) {
	for role, want := range map[domain.Role][]domain.Scope{
		domain.RoleAuditor: {"audit:export", "audit:read", "compliance:read", "settings:read"},
		domain.RoleViewer:  {"audit:read", "compliance:read", "encryption:verify", "vault:list"},
		domain.RoleEditor: {
			"audit:read", "compliance:read", "encryption:decrypt", "encryption:encrypt", "encryption:sign", "encryption:verify",
			"keys:manage", "vault:list", "vault:rotate", "vault:seal", "vault:unseal",
		},
		domain.RoleAdmin: domain.AllScopes(),
		domain.RoleOwner: domain.AllScopes(),
		"":               nil,
		"root":           nil,
	} {
		if diff := cmp.Diff(want, role.Scopes()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", role, diff)
		}
		if got := role.Limit(domain.AllScopes()); !slices.Equal(got, want) {
			t.Errorf("%q limits everything to %v", role, got)
		}
	}
	scopes := domain.RoleViewer.Scopes()
	scopes[0] = domain.ScopeVaultDelete
	if slices.Contains(domain.RoleViewer.Scopes(), domain.ScopeVaultDelete) {
		t.Error("a caller changed what viewers may do")
	}
}

// Nothing but owners touches owners, and nothing below an admin touches anybody.
func TestAssigns(t *testing.T) {
	all := append(domain.Roles(), "")
	for _, by := range append(all, "root") {
		for _, from := range all {
			for _, to := range all {
				touchesOwner := from == domain.RoleOwner || to == domain.RoleOwner
				want := by == domain.RoleOwner || by == domain.RoleAdmin && !touchesOwner
				if got := by.Assigns(from, to); got != want {
					t.Errorf("%q makes %q %q: %v", by, from, to, got)
				}
			}
		}
		if got := by.Administers(); got != (by == domain.RoleOwner || by == domain.RoleAdmin) {
			t.Errorf("%q administers: %v", by, got)
		}
	}
}

// What is only partly open to a role is open to it at all.
func TestOwnOnly(t *testing.T) {
	for _, role := range domain.Roles() {
		for _, scope := range domain.AllScopes() {
			want := scope == domain.ScopeAuditRead && (role == domain.RoleViewer || role == domain.RoleEditor) ||
				scope == domain.ScopeKeysManage && role == domain.RoleEditor
			if got := role.OwnOnly(scope); got != want || got && !slices.Contains(role.Scopes(), scope) {
				t.Errorf("%s sees only its own with %s: %v", role, scope, got)
			}
		}
	}
}

func TestParseRole(t *testing.T) {
	for _, role := range domain.Roles() {
		if got, err := domain.ParseRole(string(role)); got != role || err != nil {
			t.Errorf("%s is read as %q, %v", role, got, err)
		}
	}
	for _, name := range []string{"", "Owner", "owner ", "root", "superadmin"} {
		if got, err := domain.ParseRole(name); got != "" || err == nil {
			t.Errorf("%q is read as %q", name, got)
		}
	}
}
