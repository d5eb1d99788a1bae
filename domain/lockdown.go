package domain

// Field names are the stored schema: add, never rename, keep them sorted.
type (
	// LockdownActivated stops every release of a value in the tenant. A drill does
	// so too: it is there to find out whether that works.
	LockdownActivated struct {
		ActivationEventID ID             `json:"activation_event_id"` // this fact's own event id
		Drill             bool           `json:"drill"`
		Personal          LockdownReason `json:"-"`
	}
	// LockdownReason is the personal part of LockdownActivated: free text.
	LockdownReason struct {
		Reason string `json:"reason"`
	}
	// LockdownLifted ends the lockdown that an event began.
	LockdownLifted struct {
		ActivationEventID ID `json:"activation_event_id"`
	}
)

// EventType implements Event.
func (LockdownActivated) EventType() EventType {
	return EventType{"EMERGENCY_LOCKDOWN_ACTIVATED", 1}
}

// EventType implements Event.
func (LockdownLifted) EventType() EventType { return EventType{"EMERGENCY_LOCKDOWN_LIFTED", 1} }

// PersonalData implements Personal.
func (e LockdownActivated) PersonalData() any { return e.Personal }

// Subject implements Personal: why a tenant locks itself is the tenant's.
func (LockdownActivated) Subject() UserID { return UserID{} }

func (e *LockdownActivated) personalField() any { return &e.Personal }

func (LockdownActivated) tenant() {}
func (LockdownLifted) tenant()    {}

// MaxReason is the longest reason for a lockdown, in bytes.
const MaxReason = 2000

// Locked reports whether no value may be released.
func (t Tenant) Locked() bool { return !t.Lockdown.IsZero() }

// LockDown stops every release of a value. event is the id that the fact will be
// appended under. A lockdown that lasts already is no news. It refuses with
// Invalid a reason that is too long.
func (t Tenant) LockDown(event ID, reason string, drill bool) ([]TenantEvent, error) {
	switch {
	case len(reason) > MaxReason:
		return nil, invalid("reason is too long")
	case t.Locked():
		return nil, nil
	}
	return []TenantEvent{LockdownActivated{event, drill, LockdownReason{reason}}}, nil
}

// Lift ends the lockdown. Where there is none it is no news. Who may is not its
// concern: an owner who has just proven who they are.
func (t Tenant) Lift() ([]TenantEvent, error) {
	if !t.Locked() {
		return nil, nil
	}
	return []TenantEvent{LockdownLifted{t.Lockdown}}, nil
}
