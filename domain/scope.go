package domain

import "slices"

// Scope is one thing an access may do, as area:verb. The words are stored.
type Scope string

// The scopes.
const (
	ScopeVaultList    Scope = "vault:list"
	ScopeVaultUnseal  Scope = "vault:unseal"
	ScopeVaultSeal    Scope = "vault:seal"
	ScopeVaultRotate  Scope = "vault:rotate"
	ScopeVaultDelete  Scope = "vault:delete" // retire and restore too
	ScopeAuditRead    Scope = "audit:read"
	ScopeAuditExport  Scope = "audit:export"
	ScopeKeysManage   Scope = "keys:manage" // create, list and revoke API keys
	ScopeEncrypt      Scope = "encryption:encrypt"
	ScopeDecrypt      Scope = "encryption:decrypt"
	ScopeSign         Scope = "encryption:sign"
	ScopeVerify       Scope = "encryption:verify"
	ScopeCompliance   Scope = "compliance:read"
	ScopeReport       Scope = "compliance:report"
	ScopeWebhooks     Scope = "webhooks:manage"
	ScopeSettingsRead Scope = "settings:read"
	ScopeSettings     Scope = "settings:write"
	ScopeRevoke       Scope = "security:revoke" // cut integrations off
)

// AllScopes returns every scope, sorted: what an owner may do.
func AllScopes() []Scope {
	all := []Scope{
		ScopeVaultList, ScopeVaultUnseal, ScopeVaultSeal, ScopeVaultRotate, ScopeVaultDelete,
		ScopeAuditRead, ScopeAuditExport, ScopeKeysManage,
		ScopeEncrypt, ScopeDecrypt, ScopeSign, ScopeVerify,
		ScopeCompliance, ScopeReport, ScopeWebhooks, ScopeSettingsRead, ScopeSettings, ScopeRevoke,
	}
	slices.Sort(all)
	return all
}

// aliases are other spellings that published clients send. They are never stored.
var aliases = map[string][]Scope{
	"encrypt":          {ScopeEncrypt},
	"decrypt":          {ScopeDecrypt},
	"sign":             {ScopeSign},
	"verify":           {ScopeVerify},
	"encryption:read":  {ScopeDecrypt, ScopeVerify},
	"encryption:write": {ScopeEncrypt, ScopeSign},
	"vault:read":       {ScopeVaultList, ScopeVaultUnseal},
	"vault:write":      {ScopeVaultSeal, ScopeVaultRotate},
}

// ParseScopes reads scope names and their aliases into a sorted set without
// repeats: nil if there are no names. It refuses with Invalid a name it does not
// know.
func ParseScopes(names []string) ([]Scope, error) {
	all := AllScopes()
	var scopes []Scope
	for _, name := range names {
		if meant, ok := aliases[name]; ok {
			scopes = append(scopes, meant...)
			continue
		}
		if _, ok := slices.BinarySearch(all, Scope(name)); !ok {
			return nil, invalid("unknown scope")
		}
		scopes = append(scopes, Scope(name))
	}
	slices.Sort(scopes)
	return slices.Compact(scopes), nil
}
