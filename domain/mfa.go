package domain

import (
	"bytes"
	"slices"
)

// Field names are the stored schema: add, never rename, keep them sorted.
type (
	// MFAEnrolmentStarted gives the user a second factor that counts once a code of
	// it was shown.
	MFAEnrolmentStarted struct {
		Factor   string     `json:"factor"` // totp
		UserID   UserID     `json:"user_id"`
		Personal MFASecrets `json:"-"`
	}
	// MFASecrets is the personal part of MFAEnrolmentStarted. The codes have too few
	// bits for their digests to stand where every auditor reads.
	MFASecrets struct {
		BackupCodes []Digest `json:"backup_codes"` // peppered MACs
		Seed        []byte   `json:"seed"`
	}
	// MFAEnabled makes the factor count, from the code of a time step on.
	MFAEnabled struct {
		Factor string `json:"factor"`
		Step   uint64 `json:"step"` // of the code that proved it: Unix seconds by 30
		UserID UserID `json:"user_id"`
	}
	// MFADisabled takes the factor away.
	MFADisabled struct {
		UserID UserID `json:"user_id"`
	}
	// MFACodeUsed is a code that was accepted: neither it nor an older one is again.
	MFACodeUsed struct {
		Step   uint64 `json:"step"`
		UserID UserID `json:"user_id"`
	}
	// BackupCodeUsed is a backup code that was accepted and is spent.
	BackupCodeUsed struct {
		Code      int    `json:"code"` // which of them, from 0 on
		Remaining int    `json:"remaining"`
		UserID    UserID `json:"user_id"`
	}
)

// EventType implements Event.
func (MFAEnrolmentStarted) EventType() EventType { return EventType{"MFA_ENROLMENT_STARTED", 1} }

// EventType implements Event.
func (MFAEnabled) EventType() EventType { return EventType{"MFA_ENABLED", 1} }

// EventType implements Event.
func (MFADisabled) EventType() EventType { return EventType{"MFA_DISABLED", 1} }

// EventType implements Event.
func (MFACodeUsed) EventType() EventType { return EventType{"MFA_CODE_USED", 1} }

// EventType implements Event.
func (BackupCodeUsed) EventType() EventType { return EventType{"MFA_BACKUP_CODE_USED", 1} }

// PersonalData implements Personal.
func (e MFAEnrolmentStarted) PersonalData() any { return e.Personal }

// Subject implements Personal.
func (e MFAEnrolmentStarted) Subject() UserID { return e.UserID }

func (e *MFAEnrolmentStarted) personalField() any { return &e.Personal }

func (MFAEnrolmentStarted) user() {}
func (MFAEnabled) user()          {}
func (MFADisabled) user()         {}
func (MFACodeUsed) user()         {}
func (BackupCodeUsed) user()      {}

// FactorTOTP is the one second factor there is (RFC 6238).
const FactorTOTP = "totp"

// MFA is a user's second factor. The zero MFA is none. Its slices belong to the
// log's memory: nobody writes to them.
type MFA struct {
	Enabled     bool
	Seed        []byte   // of the factor that counts, or is to count; empty once the person was erased
	BackupCodes []Digest // peppered MACs; a spent one is zero
	LastStep    uint64   // time step of the last accepted code
}

// Refusals about second factors.
var (
	// ErrMFAEnabled refuses a second enrolment: the first is disabled before.
	ErrMFAEnabled = &Error{Conflict, "MFA is enabled already"}
	// ErrNoEnrolment refuses to enable what was not set up.
	ErrNoEnrolment = &Error{Conflict, "MFA was not set up"}
	// ErrCodeRefused refuses a code: wrong, used, or older than one that was used.
	ErrCodeRefused = &Error{Unauthenticated, "authentication required"}
)

func (m MFA) evolve(e Event) MFA {
	switch e := e.(type) {
	case MFAEnrolmentStarted:
		return MFA{Seed: e.Personal.Seed, BackupCodes: e.Personal.BackupCodes}
	case MFAEnabled:
		m.Enabled, m.LastStep = true, max(m.LastStep, e.Step)
	case MFADisabled:
		return MFA{}
	case MFACodeUsed:
		m.LastStep = max(m.LastStep, e.Step)
	case BackupCodeUsed:
		if 0 <= e.Code && e.Code < len(m.BackupCodes) {
			m.BackupCodes = slices.Clone(m.BackupCodes)
			m.BackupCodes[e.Code] = Digest{}
		}
	}
	return m
}

// Remaining returns how many backup codes are left.
func (m MFA) Remaining() (n int) {
	for _, code := range m.BackupCodes {
		if code != (Digest{}) {
			n++
		}
	}
	return n
}

// StartMFA gives the user a factor to be enabled by its first code. A new one
// replaces one that was not enabled; the same again is no news. It refuses with
// ErrUserNotFound a user who is not active, and with ErrMFAEnabled.
func (u User) StartMFA(secrets MFASecrets) ([]UserEvent, error) {
	switch {
	case u.Status != Active:
		return nil, ErrUserNotFound
	case u.MFA.Enabled:
		return nil, ErrMFAEnabled
	case len(secrets.Seed) > 0 && bytes.Equal(secrets.Seed, u.MFA.Seed):
		return nil, nil
	}
	return []UserEvent{MFAEnrolmentStarted{FactorTOTP, u.ID, secrets}}, nil
}

// EnableMFA makes the factor count, shown a code of it that is good at step. It
// refuses with ErrNoEnrolment, and with ErrCodeRefused once it is enabled.
func (u User) EnableMFA(step uint64) ([]UserEvent, error) {
	switch {
	case len(u.MFA.Seed) == 0:
		return nil, ErrNoEnrolment
	case u.MFA.Enabled:
		return nil, ErrCodeRefused
	}
	return []UserEvent{MFAEnabled{FactorTOTP, step, u.ID}}, nil
}

// UseCode accepts a code that is good at step, once. It refuses with
// ErrCodeRefused where no factor is enabled, and a step that is not after the last.
func (u User) UseCode(step uint64) ([]UserEvent, error) {
	if !u.MFA.Enabled || step <= u.MFA.LastStep {
		return nil, ErrCodeRefused
	}
	return []UserEvent{MFACodeUsed{step, u.ID}}, nil
}

// UseBackupCode accepts the backup code with this MAC, once. It refuses any other
// with ErrCodeRefused, after the same work.
func (u User) UseBackupCode(code Digest) ([]UserEvent, error) {
	found := -1
	for i, known := range u.MFA.BackupCodes {
		if known.same(code) && code != (Digest{}) {
			found = i
		}
	}
	if found < 0 || !u.MFA.Enabled {
		return nil, ErrCodeRefused
	}
	return []UserEvent{BackupCodeUsed{found, u.MFA.Remaining() - 1, u.ID}}, nil
}

// DisableMFA takes the factor away from a user who proved password and code. What
// was only set up goes too; for a user without one it is no news.
func (u User) DisableMFA() ([]UserEvent, error) {
	if !u.MFA.Enabled && len(u.MFA.Seed) == 0 {
		return nil, nil
	}
	return []UserEvent{MFADisabled{u.ID}}, nil
}
