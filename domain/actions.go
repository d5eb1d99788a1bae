package domain

import "slices"

// actions pairs each stored event name with its dotted alias. One table serves
// both directions wherever the alias belongs to one name only.
var actions = map[string]string{ //nolint:gosec // names, not credentials
	"ACCESS_DENIED":                "access.deny",
	"ACCOUNT_CLAIMED":              "auth.claim",
	"API_KEY_CREATED":              "security.api_key.create",
	"API_KEY_REVOKED":              "security.api_key.revoke",
	"AUDIT_EXPORTED":               "audit.export",
	"AUDIT_LOG_QUERIED":            "audit.read",
	"CHAIN_GENESIS":                "chain.genesis",
	"CREDENTIALS_LISTED":           "vault.list",
	"CREDENTIAL_DELETED":           "vault.delete",
	"CREDENTIAL_EXPIRED":           "vault.expire",
	"CREDENTIAL_RESTORED":          "vault.restore",
	"CREDENTIAL_RETIRED":           "vault.retire",
	"CREDENTIAL_ROTATED":           "vault.rotate",
	"CREDENTIAL_SEALED":            "vault.seal",
	"CREDENTIAL_SHREDDED":          "vault.shred",
	"CREDENTIAL_UNSEALED":          "vault.unseal",
	"CREDENTIAL_UNSEAL_DENIED":     "vault.unseal",
	"CREDENTIAL_VERSION_SHREDDED":  "vault.shred_version",
	"INTEGRITY_VIOLATION":          "integrity.violation",
	"LOGIN_FAILED":                 "auth.login",
	"LOGIN_SUCCEEDED":              "auth.login",
	"PASSWORD_SET":                 "auth.password",
	"REFRESH_TOKEN_REUSE_DETECTED": "auth.refresh",
	"SESSION_ISSUED":               "auth.session",
	"SESSION_REFRESHED":            "auth.refresh",
	"SESSION_REVOKED":              "auth.logout",
	"TENANT_ADDED":                 "tenant.add",
	"TENANT_REGISTERED":            "auth.register",
	"USER_REGISTERED":              "auth.register",
}

// Action returns the dotted alias of a stored event name, by which clients filter
// and which answers show, or "" for a name it does not know.
func Action(name string) string { return actions[name] }

// NamesOf returns the stored event names that s stands for, sorted: itself if it
// is one, every name that has it as alias if it is an alias, else none.
func NamesOf(s string) []string {
	if _, ok := actions[s]; ok {
		return []string{s}
	}
	var names []string
	for name, action := range actions {
		if action == s {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
