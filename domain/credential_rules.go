package domain

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"
	"unicode/utf8"
)

// Limits of a credential.
const (
	MaxVersion    = 65535               // sealed versions; after the last it must be sealed anew
	MaxTTLDays    = 365                 // days of lifetime
	MaxMetadata   = 16 << 10            // bytes of JSON
	MaxTypeLength = 64                  // bytes
	RestoreWindow = 30 * 24 * time.Hour // how long a retired credential can come back
)

// What the facts of this release say about sealing and destroying.
const (
	DefaultType   = "generic"            // of a credential sealed without one
	SealAlgorithm = "ML-KEM-768"         // encapsulates the key of every sealed version
	SealSuite     = 1                    // the suite of the sealed record
	ShredMethod   = "key_slot_destroyed" // the record may outlive its key, as noise
)

// Why a credential was not to be had. The words are stored.
const (
	reasonUnknown  = "not_found"
	reasonEnv      = "environment"
	reasonEnded    = "ended"
	reasonExpired  = "expired"
	reasonRetired  = "retired"
	reasonVersions = "versions_exhausted"
	reasonWindow   = "restore_window"
	reasonUnborn   = "unknown_version"
)

// Refusals about credentials.
var (
	// ErrCredentialUnavailable refuses every use of a credential that is not to be
	// had, for whatever reason: to a caller all reasons look alike. The fact that
	// comes with it says which it was.
	ErrCredentialUnavailable = &Error{Denied, "access denied"}
	// ErrCredentialExists refuses to seal a credential that was sealed before.
	ErrCredentialExists = &Error{Conflict, "credential is already sealed"}
)

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

// unusable returns why the credential cannot be used by env at now, or "".
func (c Credential) unusable(env Environment, now time.Time) string {
	switch gone := c.gone(env); {
	case gone != "":
		return gone
	case c.Expired(now):
		return reasonExpired
	case c.RestoreUntil != 0:
		return reasonRetired
	}
	return ""
}

// Expired reports whether the credential's time has run out at now: ExpiresAt
// itself is too late.
func (c Credential) Expired(now time.Time) bool {
	return c.ExpiresAt != 0 && now.UnixMicro() >= c.ExpiresAt
}

// Usable reports whether env may use the credential at now: it was sealed there,
// and is neither over, nor expired, nor retired.
func (c Credential) Usable(env Environment, now time.Time) bool { return c.unusable(env, now) == "" }

// Seal decides whether the proposed fact may open a new credential as its
// version 1. It refuses with ErrCredentialExists if it was sealed before, and
// with Invalid what CheckCredential refuses and an environment that is none.
func (c Credential) Seal(fact CredentialSealed) ([]CredentialEvent, error) {
	switch {
	case c.Version != 0:
		return nil, ErrCredentialExists
	case fact.Version != 1 || fact.EntryID.Version() != 1:
		return nil, errors.New("a credential begins with its version 1")
	case !fact.Environment.valid():
		return nil, errEnvironment
	}
	if err := CheckCredential(fact.Personal.Name, fact.Type, fact.Personal.Metadata, fact.TTLDays); err != nil {
		return nil, err
	}
	return []CredentialEvent{fact}, nil
}

// CheckCredential refuses with Invalid what no credential may have: a name that
// CheckName refuses, a type that is not [a-z0-9_]{1,64}, metadata that is neither
// empty nor a JSON object of at most MaxMetadata bytes, a lifetime that is
// neither 0 (none) nor 1 to MaxTTLDays days.
func CheckCredential(name, kind string, metadata []byte, ttlDays int) error {
	if err := CheckName("name", name); err != nil {
		return err
	}
	switch {
	case !validType(kind):
		return invalid("credential_type must match [a-z0-9_]{1,64}")
	case len(metadata) > MaxMetadata:
		return invalid("metadata is too large")
	case len(metadata) > 0 && !isObject(metadata):
		return invalid("metadata must be a JSON object")
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

func isObject(text []byte) bool {
	return utf8.Valid(text) && json.Valid(text) && bytes.TrimLeft(text, " \t\r\n")[0] == '{'
}

// Unseal decides whether the credential, named by via, may be opened in env at
// now. The handle and every version up to the current one lead to the current
// one. It refuses with ErrCredentialUnavailable, and the refusal is itself a
// fact, returned beside its error.
func (c Credential) Unseal(via EntryID, env Environment, now time.Time) ([]CredentialEvent, error) {
	reason := c.unusable(env, now)
	if reason == "" && c.unborn(via) {
		reason = reasonUnborn
	}
	if reason != "" {
		return []CredentialEvent{CredentialUnsealDenied{via, reason}}, ErrCredentialUnavailable
	}
	return []CredentialEvent{CredentialUnsealed{c.Entry(), ScopeVaultUnseal, via}}, nil
}

// Rotate decides whether the proposed version may replace the current one. It
// refuses with ErrCredentialUnavailable, on the record, what env may not use now,
// a via that was never made, and what has no version left. The proposal must name the current version as
// old and the next one as new; one made for another state of the credential is
// refused with ErrContended.
func (c Credential) Rotate(proposed CredentialRotated, via EntryID, env Environment, now time.Time) ([]CredentialEvent, error) {
	reason := c.Unrotatable(via, env, now)
	switch {
	case reason != "":
		return deny(ScopeVaultRotate, "vault.rotate", reason)
	case proposed.OldEntryID != c.Entry(), proposed.NewEntryID != c.ID.Entry(c.Version+1), proposed.Version != c.Version+1:
		return nil, ErrContended
	}
	return []CredentialEvent{proposed}, nil
}

// Unrotatable returns why Rotate would refuse any proposal, or "".
func (c Credential) Unrotatable(via EntryID, env Environment, now time.Time) string {
	reason := c.unusable(env, now)
	switch {
	case reason != "":
	case c.unborn(via):
		reason = reasonUnborn
	case c.Version == MaxVersion:
		reason = reasonVersions
	}
	return reason
}

// Expiry returns when the version that a rotation at now makes will expire, in
// Unix microseconds, 0 for never: a new value restarts the lifetime, as far as the
// tenant's settings allow it now, a mere change of keys keeps it.
func (c Credential) Expiry(valueChanged bool, s Settings, now time.Time) int64 {
	if !valueChanged {
		return c.ExpiresAt
	}
	return ExpiryAfter(s.Renewed(c.TTLDays), now)
}

// ExpiryAfter returns when a lifetime of days that begins now ends, in Unix
// microseconds; 0 days have no end and give 0. A lifetime is at most MaxTTLDays.
func ExpiryAfter(days int, now time.Time) int64 {
	if days == 0 {
		return 0
	}
	return now.Add(time.Duration(days) * 24 * time.Hour).UnixMicro()
}

// Delete ends the credential for good, an expired or retired one too. Naming a
// superseded version succeeds and touches nothing: its value is gone already. It
// refuses with ErrCredentialUnavailable, on the record, what is not there for
// env and a version that was never made.
func (c Credential) Delete(via EntryID, env Environment) ([]CredentialEvent, error) {
	reason := c.gone(env)
	switch {
	case reason != "":
	case c.unborn(via):
		reason = reasonUnborn
	case c.superseded(via):
		return nil, nil
	default:
		return []CredentialEvent{CredentialDeleted{c.Entry()}}, nil
	}
	return deny(ScopeVaultDelete, "vault.delete", reason)
}

// Retire takes the credential out of use; within RestoreWindow it can come back.
// Naming a superseded version succeeds and touches nothing. It refuses with
// ErrCredentialUnavailable, on the record, what env may not use now and a
// version that was never made.
func (c Credential) Retire(via EntryID, env Environment, now time.Time) ([]CredentialEvent, error) {
	reason := c.gone(env)
	switch {
	case reason != "":
	case c.unborn(via):
		reason = reasonUnborn
	case c.superseded(via):
		return nil, nil
	default:
		reason = c.unusable(env, now)
	}
	if reason != "" {
		return deny(ScopeVaultDelete, "vault.retire", reason)
	}
	return []CredentialEvent{CredentialRetired{c.Entry(), now.Add(RestoreWindow).UnixMicro()}}, nil
}

// Restore brings a retired credential back into use; for one that is in use it
// is no news. It refuses with ErrCredentialUnavailable, on the record, what is
// not there for env, what has expired, and what was retired too long ago.
func (c Credential) Restore(via EntryID, env Environment, now time.Time) ([]CredentialEvent, error) {
	reason := c.gone(env)
	switch {
	case reason != "":
	case c.unborn(via):
		reason = reasonUnborn
	case c.Expired(now):
		reason = reasonExpired
	case c.RestoreUntil == 0:
		return nil, nil
	case now.UnixMicro() >= c.RestoreUntil:
		reason = reasonWindow
	default:
		return []CredentialEvent{CredentialRestored{c.Entry()}}, nil
	}
	return deny(ScopeVaultDelete, "vault.restore", reason)
}

// Sweep decides what time has done to the credential at now: it ends if its
// lifetime has run out, or if nobody restored it in time. It never refuses.
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

// superseded reports whether via names a version that was replaced.
func (c Credential) superseded(via EntryID) bool {
	return via.Version() != 0 && via.Version() < c.Version
}

// unborn reports whether via names a version that was not made yet: not as far
// as c knows, which may have been folded before.
func (c Credential) unborn(via EntryID) bool { return via.Version() > c.Version }

// deny returns a refusal as a fact and as an error. route is the action that was asked for.
func deny(permission Scope, route, reason string) ([]CredentialEvent, error) {
	fact := AccessDenied{Permission: permission, Reason: reason, Route: route}
	return []CredentialEvent{fact}, ErrCredentialUnavailable
}
