package domain

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// TenantEvent is a fact about one tenant.
//
//sumtype:decl
type TenantEvent interface {
	Event
	tenant()
}

// Field names are the stored schema: add, never rename, keep them sorted.
type (
	// TenantRegistered is a tenant's first fact after its chain's genesis.
	TenantRegistered struct {
		Owner       UserID     `json:"owner"` // its first one, who registers in the same append
		Plan        string     `json:"plan"`  // trial, or self_hosted if there is no trial clock
		TenantID    TenantID   `json:"tenant_id"`
		TrialEndsAt int64      `json:"trial_ends_at"` // Unix microseconds; 0 = no trial clock
		Personal    TenantName `json:"-"`
	}
	// TenantName is the personal part of TenantRegistered.
	TenantName struct {
		Name string `json:"name"`
	}
)

// EventType implements Event.
func (TenantRegistered) EventType() EventType { return EventType{"TENANT_REGISTERED", 1} }

// PersonalData implements Personal.
func (e TenantRegistered) PersonalData() any { return e.Personal }

// Subject implements Personal: a tenant's name belongs to the tenant.
func (TenantRegistered) Subject() UserID { return UserID{} }

func (e *TenantRegistered) personalField() any { return &e.Personal }
func (TenantRegistered) tenant()               {}

// Tenant is what the facts about one tenant fold to. The zero Tenant never
// registered. Its slices belong to the log's memory: nobody writes to them.
type Tenant struct {
	ID          TenantID
	Name        string
	TrialEndsAt int64 // Unix microseconds; 0 = no trial clock
	Owners      []UserID
	Settings    Settings // see DefaultSettings
	Lockdown    ID       // the event that began the one that lasts; zero = none
}

// Evolve returns the tenant as it is after e. It is total.
func (t Tenant) Evolve(e TenantEvent) Tenant {
	switch e := e.(type) {
	case TenantRegistered:
		t = Tenant{ID: e.TenantID, Name: e.Personal.Name, TrialEndsAt: e.TrialEndsAt, Settings: DefaultSettings()}
		if !e.Owner.IsZero() {
			t.Owners = []UserID{e.Owner}
		}
	case OwnerAdded:
		if !slices.Contains(t.Owners, e.UserID) {
			t.Owners = append(slices.Clone(t.Owners), e.UserID)
		}
	case OwnerRemoved:
		t.Owners = slices.DeleteFunc(slices.Clone(t.Owners), func(id UserID) bool { return id == e.UserID })
	case TenantSettingsChanged:
		t = t.withSetting(e)
	case TenantActivated:
		t.TrialEndsAt = 0
	case LockdownActivated:
		t.Lockdown = e.ActivationEventID
	case LockdownLifted:
		t.Lockdown = ID{}
	}
	return t
}

// Register decides whether the tenant may begin, with its first owner. Its trial
// ends at trialEndsAt, Unix microseconds, or it has none if that is 0. It refuses
// with Invalid a name that CheckName refuses. Registering again is no news.
func (t Tenant) Register(id TenantID, owner UserID, name string, trialEndsAt int64) ([]TenantEvent, error) {
	if !t.ID.IsZero() {
		return nil, nil
	}
	if err := CheckName("tenant_name", name); err != nil {
		return nil, err
	}
	fact := TenantRegistered{Owner: owner, Plan: "trial", TenantID: id, TrialEndsAt: trialEndsAt, Personal: TenantName{name}}
	if trialEndsAt == 0 {
		fact.Plan = "self_hosted"
	}
	return []TenantEvent{fact}, nil
}

// MaxName is the longest name of anything, in bytes.
const MaxName = 255

// CheckName refuses with Invalid a name that is empty or all space, longer than
// MaxName bytes, not UTF-8, or that holds control characters. The message names
// field, and not the name.
func CheckName(field, name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return invalid(field + " is required")
	case len(name) > MaxName:
		return invalid(field + " is too long")
	case !utf8.ValidString(name), strings.ContainsFunc(name, unicode.IsControl):
		return invalid(field + " holds characters that are not allowed")
	}
	return nil
}
