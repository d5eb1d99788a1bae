package domain

import "slices"

// actions pairs each stored event name with its dotted alias. One table serves
// both directions wherever the alias belongs to one name only.
var actions = map[string]string{ //nolint:gosec // names, not credentials
	"ACCESS_DENIED":                   "access.deny",
	"ACCOUNT_CLAIMED":                 "auth.claim",
	"ACCOUNT_LOCKED":                  "auth.lock",
	"ACCOUNT_RELEASED":                "auth.release",
	"ACCOUNT_UNLOCKED":                "auth.unlock",
	"API_KEY_CREATED":                 "security.api_key.create",
	"API_KEY_REVOKED":                 "security.api_key.revoke",
	"AUDIT_CHAIN_VERIFICATION_FAILED": "audit.verify",
	"AUDIT_CHAIN_VERIFIED":            "audit.verify",
	"AUDIT_EXPORTED":                  "audit.export",
	"AUDIT_LOG_QUERIED":               "audit.read",
	"AUTH_FAILURES_SUMMARISED":        "auth.failures",
	"BACKUP_COMPLETED":                "backup.complete",
	"CHAIN_GENESIS":                   "chain.genesis",
	"CHAIN_RESTORED":                  "chain.restore",
	"CHECKPOINT_PUBLISHED":            "audit.checkpoint",
	"CLOCK_SYNC_OBSERVED":             "platform.clock",
	"COMPLIANCE_REPORT_GENERATED":     "compliance.report",
	"COMPLIANCE_SCORED":               "compliance.score",
	"CREDENTIALS_LISTED":              "vault.list",
	"CREDENTIAL_DELETED":              "vault.delete",
	"CREDENTIAL_EXPIRED":              "vault.expire",
	"CREDENTIAL_RESTORED":             "vault.restore",
	"CREDENTIAL_RETIRED":              "vault.retire",
	"CREDENTIAL_ROTATED":              "vault.rotate",
	"CREDENTIAL_SEALED":               "vault.seal",
	"CREDENTIAL_SHREDDED":             "vault.shred",
	"CREDENTIAL_UNSEALED":             "vault.unseal",
	"CREDENTIAL_UNSEAL_DENIED":        "vault.unseal",
	"CREDENTIAL_VERSION_SHREDDED":     "vault.shred_version",
	"CROSS_TENANT_ACCESS":             "isolation.breach",
	"DATA_DECRYPTED":                  "encryption.decrypt",
	"DATA_DECRYPT_DENIED":             "encryption.decrypt",
	"DATA_ENCRYPTED":                  "encryption.encrypt",
	"DATA_REWRAPPED":                  "encryption.rewrap",
	"DATA_SIGNED":                     "encryption.sign",
	"EMERGENCY_LOCKDOWN_ACTIVATED":    "security.lockdown",
	"EMERGENCY_LOCKDOWN_LIFTED":       "security.unlock",
	"ESCROW_EXPORTED":                 "key.escrow",
	"INTEGRITY_VIOLATION":             "integrity.violation",
	"KEYS_REWRAPPED":                  "keys.rewrap",
	"KEY_DESTROYED":                   "key.destroy",
	"KEY_GENERATED":                   "key.generate",
	"KEY_RETIRED":                     "key.retire",
	"KEY_ROTATED":                     "key.rotate",
	"KMS_ATTESTED":                    "kms.attest",
	"LOGIN_FAILED":                    "auth.login",
	"LOGIN_SUCCEEDED":                 "auth.login",
	"MFA_BACKUP_CODE_USED":            "auth.mfa.backup_code",
	"MFA_CODE_USED":                   "auth.mfa.code",
	"MFA_DISABLED":                    "auth.mfa.disable",
	"MFA_ENABLED":                     "auth.mfa.verify",
	"MFA_ENROLMENT_STARTED":           "auth.mfa.setup",
	"NEW_DEVICE_SEEN":                 "auth.device",
	"OWNER_ADDED":                     "tenant.owner.add",
	"OWNER_REMOVED":                   "tenant.owner.remove",
	"PASSWORD_SET":                    "auth.password",
	"PLATFORM_STARTED":                "platform.start",
	"PROJECTION_RECONCILED":           "audit.reconcile",
	"PROOF_CONSUMED":                  "auth.proof.consume",
	"PROOF_ISSUED":                    "auth.proof.issue",
	"REFRESH_TOKEN_REUSE_DETECTED":    "auth.refresh",
	"RESTORE_TESTED":                  "backup.restore_test",
	"SESSION_ISSUED":                  "auth.session",
	"SESSION_REFRESHED":               "auth.refresh",
	"SESSION_REVOKED":                 "auth.logout",
	"SESSION_STEPPED_UP":              "auth.step_up",
	"SIGNATURE_VERIFIED":              "encryption.verify",
	"SIGNATURE_VERIFY_FAILED":         "encryption.verify",
	"SUBJECT_ERASED":                  "privacy.erase",
	"TENANT_ACTIVATED":                "tenant.activate",
	"TENANT_ADDED":                    "tenant.add",
	"TENANT_ISOLATION_TESTED":         "isolation.test",
	"TENANT_LOST":                     "tenant.lose",
	"TENANT_REGISTERED":               "auth.register",
	"TENANT_SETTINGS_CHANGED":         "settings.update",
	"USER_DEACTIVATED":                "user.deactivate",
	"USER_EMAIL_VERIFIED":             "auth.verify_email",
	"USER_INVITED":                    "user.invite",
	"USER_REGISTERED":                 "auth.register",
	"USER_ROLE_CHANGED":               "user.role",
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
