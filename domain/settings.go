package domain

import (
	"encoding/json"
	"net/netip"
	"slices"
)

// Field names are the stored schema: add, never rename, keep them sorted.
type (
	// TenantSettingsChanged changes one setting. Where a value could name a person or
	// a network, Old and New only outline it, and the value is in the personal part.
	TenantSettingsChanged struct {
		Key      SettingKey    `json:"key"`
		New      string        `json:"new"` // JSON, or an outline: n=2 v4=24
		Old      string        `json:"old"`
		Weakens  bool          `json:"weakens"` // what was held before is held less
		Personal SettingValues `json:"-"`
	}
	// SettingValues is the personal part of TenantSettingsChanged: both as JSON, or
	// empty where the payload says them.
	SettingValues struct {
		New string `json:"new,omitempty"`
		Old string `json:"old,omitempty"`
	}
)

// EventType implements Event.
func (TenantSettingsChanged) EventType() EventType { return EventType{"TENANT_SETTINGS_CHANGED", 1} }

// PersonalData implements Personal.
func (e TenantSettingsChanged) PersonalData() any { return e.Personal }

// Subject implements Personal: a tenant's settings belong to the tenant.
func (TenantSettingsChanged) Subject() UserID { return UserID{} }

func (e *TenantSettingsChanged) personalField() any { return &e.Personal }
func (TenantSettingsChanged) tenant()               {}

// SettingKey names a setting. The words are stored.
type SettingKey string

// The settings.
const (
	SettingMFA             SettingKey = "mfa_enforced"            // true or false
	SettingRetention       SettingKey = "retention_days"          // 0 or null = for ever, or 30 to 36,500
	SettingSessionTimeout  SettingKey = "session_timeout_minutes" // 0 or null = none, or 5 to 10,080
	SettingRanges          SettingKey = "allowed_ip_ranges"       // a list for ParseRanges
	SettingPasswordLength  SettingKey = "password_min_length"     // 10 to 128
	SettingLockoutAttempts SettingKey = "lockout_attempts"        // 3 to 10
	SettingLockoutMinutes  SettingKey = "lockout_minutes"         // 30 to 1,440
	SettingRateLimit       SettingKey = "rate_limit_per_minute"   // 0 or null = the deployment's, or 10 to 1,000,000
	SettingDefaultTTL      SettingKey = "default_ttl_days"        // 0 or null = none, or 1 to 365
	SettingMaxTTL          SettingKey = "max_ttl_days"            // 0 or null = none, or 1 to 365
	SettingAlgorithm       SettingKey = "default_algorithm"       // ML-KEM-768
	SettingRecipients      SettingKey = "notification_emails"     // addresses and user ids, MaxRecipients at most
	SettingName            SettingKey = "org_name"                // a name for CheckName
	SettingExtra           SettingKey = "extra"                   // an object, merged; null removes a field
)

// Limits of settings.
const (
	MaxRecipients = 20
	MaxExtra      = 16 << 10 // bytes of JSON
	MinPassword   = 10       // characters that no tenant can go below
)

// Settings are what a tenant decided about itself. Make the first with
// DefaultSettings: the zero Settings lock everybody out at once.
type Settings struct {
	MFAEnforced           bool
	RetentionDays         int // that the tenant promises to keep its record; 0 = for ever. Nothing is ever cut from a chain
	SessionTimeoutMinutes int // without a refresh; 0 = none
	PasswordMinLength     int // characters
	PasswordPolicy        int // version of what passwords must be, from 1 on
	LockoutAttempts       int
	LockoutMinutes        int
	RateLimit             int // requests a minute; 0 = the deployment's
	DefaultTTLDays        int // 0 = none
	MaxTTLDays            int // 0 = none
	DefaultAlgorithm      string
	Restricted            bool           // ranges were declared
	AllowedRanges         []netip.Prefix // sorted
	Recipients            []string       // sorted: addresses, and ids of users, whose address is looked up
	Extra                 json.RawMessage
}

// DefaultSettings returns what a tenant has until it decides.
func DefaultSettings() Settings {
	return Settings{
		PasswordMinLength: MinPassword, PasswordPolicy: 1, LockoutAttempts: 5, LockoutMinutes: 30, DefaultAlgorithm: SealAlgorithm,
	}
}

// Setting is one setting to be changed, its value as JSON.
type Setting struct {
	Key   SettingKey
	Value json.RawMessage
}

// Refusals about settings.
var (
	errSettingKey   = invalid("unknown setting")
	errSettingTwice = invalid("a setting is given twice")
	// ErrLocksOut refuses ranges without the address that they are declared from.
	ErrLocksOut = &Error{Conflict, "allowed_ip_ranges would lock you out"}
)

// Configure decides which settings change, asked from an address: one fact for
// each whose value is another. It refuses all of them with Invalid an unknown
// key, one given twice and a value that does not do, and with ErrLocksOut.
func (t Tenant) Configure(changes []Setting, from netip.Addr) (facts []TenantEvent, err error) {
	seen := map[SettingKey]bool{}
	for _, change := range changes {
		rule, ok := settings[change.Key]
		switch {
		case !ok:
			return nil, errSettingKey
		case seen[change.Key]:
			return nil, errSettingTwice
		}
		seen[change.Key] = true
		next := t
		if change.Key == SettingExtra {
			if change.Value, err = mergeExtra(t.Settings.Extra, change.Value); err != nil {
				return nil, err
			}
		}
		if !rule.set(&next, change.Value) || !rule.check(next) {
			return nil, invalid(string(change.Key) + " must be " + rule.form)
		}
		if change.Key == SettingRanges && next.Settings.Declared(from) == OutOfRange {
			return nil, ErrLocksOut
		}
		fact := TenantSettingsChanged{
			Key: change.Key, New: rule.text(next), Old: rule.text(t), Weakens: rule.weakens != nil && rule.weakens(t.Settings, next.Settings),
		}
		if fact.New == fact.Old {
			continue
		}
		if rule.outline != nil {
			fact.Personal = SettingValues{fact.New, fact.Old}
			fact.New, fact.Old = rule.outline(next), rule.outline(t)
		}
		facts = append(facts, fact)
	}
	return facts, nil
}

// withSetting returns the tenant after a change. What it cannot read changes
// nothing, except that ranges which cannot be read hold no address.
func (t Tenant) withSetting(e TenantSettingsChanged) Tenant {
	rule, ok := settings[e.Key]
	if !ok {
		return t
	}
	value := e.New
	if rule.outline != nil {
		value = e.Personal.New
	}
	next := t
	if !rule.set(&next, []byte(value)) {
		if e.Key == SettingRanges && e.New != "n=0" {
			t.Settings.Restricted, t.Settings.AllowedRanges = true, nil
		}
		return t
	}
	if e.Key == SettingPasswordLength {
		next.Settings.PasswordPolicy++
	}
	return next
}

// mergeExtra returns the object that patch makes of old.
func mergeExtra(old, patch json.RawMessage) (json.RawMessage, error) {
	merged, changes := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	if !isObject(patch) || json.Unmarshal(patch, &changes) != nil {
		return nil, invalid("extra must be a JSON object")
	}
	_ = unmarshal(old, &merged) // none is an empty one
	for key, value := range changes {
		if merged[key] = value; string(value) == "null" {
			delete(merged, key)
		}
	}
	return json.Marshal(merged)
}

// sortedTexts returns texts sorted and without repeats.
func sortedTexts(texts []string) []string {
	texts = slices.Clone(texts)
	slices.Sort(texts)
	return slices.Compact(texts)
}
