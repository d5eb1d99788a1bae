package domain

import (
	"time"
	"unicode/utf8"
)

// Limits of a credential.
const (
	MaxVersion     = 65535               // of sealed versions; then it must be sealed anew
	MaxTTLDays     = 365                 //
	RestoreWindow  = 30 * 24 * time.Hour // how long a retired credential can come back
	MaxMetadata    = 16 << 10            // bytes of JSON
	MaxTypeLength  = 64                  //
	DefaultType    = "generic"           //
	SealAlgorithm  = "ML-KEM-768"        //
	SealSuite      = 1                   // QSV2 suite 1
	ShredMethod    = "key_slot_destroyed"
	reasonUnknown  = "not_found"
	reasonExpired  = "expired"
	reasonEnded    = "ended"
	reasonRetired  = "retired"
	reasonEnv      = "environment"
	reasonVersions = "versions_exhausted"
	reasonWindow   = "restore_window"
)

// Refusals. They look alike to a caller, on purpose.
var (
	ErrCredentialUnavailable = &Error{Denied, "access denied"}
	ErrCredentialExists      = &Error{Conflict, "credential is already sealed"}
)

// unusable returns why the credential cannot be used by env at now, or "".
func (c Credential) unusable(env Environment, now time.Time) string {
	switch {
	case c.Version == 0:
		return reasonUnknown
	case c.Environment != env:
		return reasonEnv
	case c.Ended:
		return reasonEnded
	case c.Expired(now):
		return reasonExpired
	case c.RestoreUntil != 0:
		return reasonRetired
	}
	return ""
}

// Expired reports whether the credential's time has run out at now.
func (c Credential) Expired(now time.Time) bool {
	return c.ExpiresAt != 0 && now.UnixMicro() >= c.ExpiresAt
}

// Usable reports whether env may use the credential at now.
func (c Credential) Usable(env Environment, now time.Time) bool { return c.unusable(env, now) == "" }

// Seal decides whether the proposed fact may open a new credential. It refuses
// with Invalid fields that break the limits, and with ErrCredentialExists if it was sealed before.
func (c Credential) Seal(fact CredentialSealed) ([]CredentialEvent, error) {
	if c.Version != 0 {
		return nil, ErrCredentialExists
	}
	if err := CheckCredential(fact.Personal.Name, fact.Type, fact.Personal.Metadata, fact.TTLDays); err != nil {
		return nil, err
	}
	return []CredentialEvent{fact}, nil
}

// CheckCredential refuses with Invalid what no credential may be called: a bad
// name, a type that is not [a-z0-9_]{1,64}, metadata beyond MaxMetadata, a
// lifetime that is not 0 (none) or 1 to 365 days.
func CheckCredential(name, kind string, metadata []byte, ttlDays int) error {
	if err := CheckName("name", name); err != nil {
		return err
	}
	switch {
	case !validType(kind):
		return invalid("credential_type must match [a-z0-9_]{1,64}")
	case len(metadata) > MaxMetadata || !utf8.Valid(metadata):
		return invalid("metadata is too large")
	case ttlDays < 0 || ttlDays > MaxTTLDays:
		return invalid("ttl_days must be 1 to 365")
	}
	return nil
}

func validType(s string) bool {
	if s == "" || len(s) > MaxTypeLength {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}

// Unseal decides whether the credential, named by via, may be opened in env at
// now. A refusal is itself a fact, returned beside its error.
func (c Credential) Unseal(via EntryID, env Environment, now time.Time) ([]CredentialEvent, error) {
	if reason := c.unusable(env, now); reason != "" {
		return []CredentialEvent{CredentialUnsealDenied{via, reason}}, ErrCredentialUnavailable
	}
	return []CredentialEvent{CredentialUnsealed{c.Entry(), ScopeVaultUnseal, via}}, nil
}

// Rotate decides whether the proposed version may replace the current one. The
// proposal must name the current version as old and the next one as new;
// otherwise the credential has moved on and Rotate refuses with ErrContended.
func (c Credential) Rotate(proposed CredentialRotated, env Environment, now time.Time) ([]CredentialEvent, error) {
	reason := c.unusable(env, now)
	if reason == "" && c.Version == MaxVersion {
		reason = reasonVersions
	}
	switch {
	case reason != "":
		return c.deny(ScopeVaultRotate, "rotate", reason)
	case proposed.OldEntryID != c.Entry() || proposed.NewEntryID != c.ID.Entry(c.Version+1):
		return nil, ErrContended
	}
	return []CredentialEvent{proposed}, nil
}

// Expiry returns when a version sealed at now ends: a new value restarts the
// lifetime, a mere change of keys keeps it.
func (c Credential) Expiry(valueChanged bool, now time.Time) int64 {
	if !valueChanged || c.TTLDays == 0 {
		return c.ExpiresAt
	}
	return ExpiryAfter(c.TTLDays, now)
}

// ExpiryAfter returns the end of a lifetime of days from now in Unix microseconds, 0 for none.
func ExpiryAfter(days int, now time.Time) int64 {
	if days == 0 {
		return 0
	}
	return now.Add(time.Duration(days) * 24 * time.Hour).UnixMicro()
}

// Delete ends the credential for good, expired or retired ones too. Naming a
// superseded version succeeds and touches nothing.
func (c Credential) Delete(via EntryID, env Environment) ([]CredentialEvent, error) {
	if reason := c.gone(env); reason != "" {
		return c.deny(ScopeVaultDelete, "delete", reason)
	}
	if c.superseded(via) {
		return nil, nil
	}
	return []CredentialEvent{CredentialDeleted{c.Entry()}}, nil
}

// Retire takes the credential out of use for RestoreWindow. Naming a superseded
// version succeeds and touches nothing.
func (c Credential) Retire(via EntryID, env Environment, now time.Time) ([]CredentialEvent, error) {
	if reason := c.unusable(env, now); reason != "" {
		return c.deny(ScopeVaultDelete, "retire", reason)
	}
	if c.superseded(via) {
		return nil, nil
	}
	return []CredentialEvent{CredentialRetired{c.Entry(), now.Add(RestoreWindow).UnixMicro()}}, nil
}

// Restore brings a retired credential back. One that is in use stays so.
func (c Credential) Restore(env Environment, now time.Time) ([]CredentialEvent, error) {
	reason := c.gone(env)
	switch {
	case reason != "":
	case c.Expired(now):
		reason = reasonExpired
	case c.RestoreUntil == 0:
		return nil, nil
	case now.UnixMicro() >= c.RestoreUntil:
		reason = reasonWindow
	default:
		return []CredentialEvent{CredentialRestored{c.Entry()}}, nil
	}
	return c.deny(ScopeVaultDelete, "restore", reason)
}

// Sweep decides what time has done to the credential at now: its lifetime has
// run out, or nobody restored it in time. Nothing is no news.
func (c Credential) Sweep(now time.Time) ([]CredentialEvent, error) {
	switch {
	case c.Version == 0, c.Ended:
		return nil, nil
	case c.Expired(now):
		return []CredentialEvent{CredentialExpired{c.Entry()}}, nil
	case c.RestoreUntil != 0 && now.UnixMicro() >= c.RestoreUntil:
		return []CredentialEvent{CredentialDeleted{c.Entry()}}, nil
	}
	return nil, nil
}

// gone returns why nothing of the credential is left for env, or "".
func (c Credential) gone(env Environment) string {
	switch {
	case c.Version == 0:
		return reasonUnknown
	case c.Environment != env:
		return reasonEnv
	case c.Ended:
		return reasonEnded
	}
	return ""
}

func (c Credential) superseded(via EntryID) bool {
	return via.Version() != 0 && via.Version() != c.Version
}

func (Credential) deny(permission Scope, route, reason string) ([]CredentialEvent, error) {
	return []CredentialEvent{AccessDenied{permission, reason, route}}, ErrCredentialUnavailable
}
