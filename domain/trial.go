package domain

import "time"

// TenantActivated ends a tenant's trial: from here on no clock runs.
type TenantActivated struct {
	By string `json:"by"` // a word: operator
}

// EventType implements Event.
func (TenantActivated) EventType() EventType { return EventType{"TENANT_ACTIVATED", 1} }

func (TenantActivated) tenant() {}

// Trial reports whether a trial clock runs or has run out.
func (t Tenant) Trial() bool { return t.TrialEndsAt != 0 }

// Adds refuses with ErrDenied whatever adds to the tenant once its trial is over
// at now. Reading, releasing, exporting and deleting never ask: secrets are not
// held hostage.
func (t Tenant) Adds(now time.Time) error {
	if t.Trial() && now.UnixMicro() >= t.TrialEndsAt {
		return ErrDenied
	}
	return nil
}

// Activate ends the trial, for who runs the deployment. Where no clock runs it is
// no news. It refuses with NotFound a tenant that never registered.
func (t Tenant) Activate(by ActorKind) ([]TenantEvent, error) {
	switch {
	case t.ID.IsZero():
		return nil, &Error{NotFound, "no such tenant"}
	case !t.Trial():
		return nil, nil
	}
	return []TenantEvent{TenantActivated{by.String()}}, nil
}
