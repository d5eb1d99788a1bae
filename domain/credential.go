package domain

import "encoding/json"

// CredentialEvent is a fact about one credential.
//
//sumtype:decl
type CredentialEvent interface {
	Event
	credential()
}

// Field names are the stored schema: add, never rename, keep them sorted.
// Times are Unix microseconds; 0 = none.
type (
	// CredentialSealed is a credential's first fact. RecordHash commits to the
	// sealed record, which is kept elsewhere because it must be destructible.
	CredentialSealed struct {
		Algorithm      string          `json:"algorithm"`
		Classification string          `json:"classification"` // the class of Type
		EntryID        EntryID         `json:"entry_id"`       // version 1
		Environment    Environment     `json:"environment"`
		KEMKeyID       Digest          `json:"kem_key_id"`
		Owner          UserID          `json:"owner"`
		RecordHash     Digest          `json:"record_hash"`
		Suite          int             `json:"suite"`
		TTLDays        int             `json:"ttl_days"` // 0 = for ever
		ExpiresAt      int64           `json:"ttl_expires_at"`
		Type           string          `json:"type"` // [a-z0-9_]{1,64}; every auditor reads it, so it is no place for personal data
		Version        uint16          `json:"version"`
		Personal       CredentialLabel `json:"-"`
	}
	// CredentialLabel is the personal part of CredentialSealed: free text of the tenant's.
	CredentialLabel struct {
		Metadata json.RawMessage `json:"metadata,omitempty"` // a JSON object, or nil
		Name     string          `json:"name"`
	}
	// CredentialUnsealed precedes every release of a value.
	CredentialUnsealed struct {
		EntryID    EntryID `json:"entry_id"`
		ScopeUsed  Scope   `json:"scope_used"`
		ViaEntryID EntryID `json:"via_entry_id"` // as the caller named it: this version, an older one, or the handle
	}
	// CredentialUnsealDenied is an attempt that a rule stopped.
	CredentialUnsealDenied struct {
		EntryID EntryID `json:"entry_id"`
		Reason  string  `json:"reason"` // a word: scope, or why the credential was not to be had
	}
	// CredentialRotated replaces a version by one sealed with fresh keys.
	CredentialRotated struct {
		KEMKeyID     Digest  `json:"kem_key_id"`
		NewEntryID   EntryID `json:"new_entry_id"`
		OldEntryID   EntryID `json:"old_entry_id"`
		RecordHash   Digest  `json:"record_hash"`
		Suite        int     `json:"suite"`
		ExpiresAt    int64   `json:"ttl_expires_at"`
		ValueChanged bool    `json:"value_changed"`
		Version      uint16  `json:"version"`
	}
	// CredentialRetired takes a credential out of use, restorable until RestoreUntil.
	CredentialRetired struct {
		EntryID      EntryID `json:"entry_id"`
		RestoreUntil int64   `json:"restore_until"`
	}
	// CredentialRestored undoes CredentialRetired.
	CredentialRestored struct {
		EntryID EntryID `json:"entry_id"`
	}
	// CredentialExpired ends a credential whose time has run out, for good.
	CredentialExpired struct {
		EntryID EntryID `json:"entry_id"`
	}
	// CredentialDeleted ends a credential for good.
	CredentialDeleted struct {
		EntryID EntryID `json:"entry_id"`
	}
	// CredentialVersionShredded says that a superseded version's key slot is gone,
	// and with it every way to read the version.
	CredentialVersionShredded struct {
		EntryID    EntryID `json:"entry_id"`
		Method     string  `json:"method"`
		RecordHash Digest  `json:"record_hash"`
		Version    uint16  `json:"version"`
	}
	// CredentialShredded says that an ended credential's last key slot is gone,
	// and with it every way to read the credential.
	CredentialShredded struct {
		EntryID    EntryID `json:"entry_id"`
		Method     string  `json:"method"`
		RecordHash Digest  `json:"record_hash"`
		Version    uint16  `json:"version"`
	}
)

// EventType implements Event.
func (CredentialSealed) EventType() EventType { return EventType{"CREDENTIAL_SEALED", 1} }

// EventType implements Event.
func (CredentialUnsealed) EventType() EventType { return EventType{"CREDENTIAL_UNSEALED", 1} }

// EventType implements Event.
func (CredentialUnsealDenied) EventType() EventType { return EventType{"CREDENTIAL_UNSEAL_DENIED", 1} }

// EventType implements Event.
func (CredentialRotated) EventType() EventType { return EventType{"CREDENTIAL_ROTATED", 1} }

// EventType implements Event.
func (CredentialRetired) EventType() EventType { return EventType{"CREDENTIAL_RETIRED", 1} }

// EventType implements Event.
func (CredentialRestored) EventType() EventType { return EventType{"CREDENTIAL_RESTORED", 1} }

// EventType implements Event.
func (CredentialExpired) EventType() EventType { return EventType{"CREDENTIAL_EXPIRED", 1} }

// EventType implements Event.
func (CredentialDeleted) EventType() EventType { return EventType{"CREDENTIAL_DELETED", 1} }

// EventType implements Event.
func (CredentialVersionShredded) EventType() EventType {
	return EventType{"CREDENTIAL_VERSION_SHREDDED", 1}
}

// EventType implements Event.
func (CredentialShredded) EventType() EventType { return EventType{"CREDENTIAL_SHREDDED", 1} }

// PersonalData implements Personal.
func (e CredentialSealed) PersonalData() any { return e.Personal }

// Subject implements Personal: a credential's name belongs to the tenant.
func (CredentialSealed) Subject() UserID { return UserID{} }

func (e *CredentialSealed) personalField() any { return &e.Personal }

func (CredentialSealed) credential()          {}
func (CredentialUnsealed) credential()        {}
func (CredentialUnsealDenied) credential()    {}
func (CredentialRotated) credential()         {}
func (CredentialRetired) credential()         {}
func (CredentialRestored) credential()        {}
func (CredentialExpired) credential()         {}
func (CredentialDeleted) credential()         {}
func (CredentialVersionShredded) credential() {}
func (CredentialShredded) credential()        {}
func (AccessDenied) credential()              {}
func (IntegrityViolated) credential()         {}

// Credential is what the facts about one credential fold to. The zero
// Credential was never sealed.
type Credential struct {
	ID          CredentialID
	Version     uint16          // the current sealed version: 1 to MaxVersion; 0 = never sealed
	Name        string          // empty once the tenant was erased
	Metadata    json.RawMessage // a JSON object, or nil
	Type        string          // as it was sealed; see Classify
	Environment Environment
	RecordHash  Digest // of the current version
	TTLDays     int    // the lifetime that a new value gets; 0 = for ever
	ExpiresAt   int64  // Unix microseconds; 0 = never

	RestoreUntil int64 // retired, and restorable until then; 0 = not retired
	Ended        bool  // deleted or expired, for good
}

// Entry returns the id of the current version.
func (c Credential) Entry() EntryID { return c.ID.Entry(c.Version) }

// Evolve returns the credential as it is after e. It is total: it applies what
// happened and has no opinion about whether it should have.
func (c Credential) Evolve(e CredentialEvent) Credential {
	switch e := e.(type) {
	case CredentialSealed:
		return Credential{
			ID: e.EntryID.Credential(), Version: e.Version, RecordHash: e.RecordHash,
			Name: e.Personal.Name, Metadata: e.Personal.Metadata, Type: e.Type,
			Environment: e.Environment, TTLDays: e.TTLDays, ExpiresAt: e.ExpiresAt,
		}
	case CredentialRotated:
		c.Version, c.RecordHash, c.ExpiresAt = e.Version, e.RecordHash, e.ExpiresAt
	case CredentialRetired:
		c.RestoreUntil = e.RestoreUntil
	case CredentialRestored:
		c.RestoreUntil = 0
	case CredentialExpired, CredentialDeleted:
		c.Ended = true
	case CredentialUnsealed, CredentialUnsealDenied, CredentialVersionShredded, CredentialShredded,
		AccessDenied, IntegrityViolated:
		// On the record, but no rule looks back at them.
	}
	return c
}
