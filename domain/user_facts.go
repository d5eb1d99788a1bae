package domain

// UserEvent is a fact about one user.
//
//sumtype:decl
type UserEvent interface {
	Event
	user()
}

// Field names are the stored schema: add, never rename, keep them sorted.
type (
	// UserInvited is an invitee's first fact. It counts as a user only once
	// UserRegistered follows.
	UserInvited struct {
		AccountRef ID          `json:"account_ref"` // MAC of the address, which nobody has claimed by this
		Role       Role        `json:"role"`
		UserID     UserID      `json:"user_id"`
		Personal   UserAddress `json:"-"`
	}
	// UserRegistered is a user's first fact, or follows an invitation.
	UserRegistered struct {
		AccountRef ID          `json:"account_ref"` // MAC of the address, as claimed on the system chain
		Role       Role        `json:"role"`
		Shared     bool        `json:"shared"` // several people use the account; nobody registers one so
		UserID     UserID      `json:"user_id"`
		Verified   bool        `json:"verified"` // the address needed no proof: mail stays on this machine, or the invitation was one
		Personal   UserAddress `json:"-"`
	}
	// UserAddress is the personal part of UserInvited and UserRegistered.
	UserAddress struct {
		Email string `json:"email"`
	}
	// UserEmailVerified says that the user reads what is sent to the address.
	UserEmailVerified struct {
		UserID UserID `json:"user_id"`
	}
	// UserRoleChanged makes a user something else within the tenant.
	UserRoleChanged struct {
		NewRole Role   `json:"new_role"`
		OldRole Role   `json:"old_role"`
		UserID  UserID `json:"user_id"`
	}
	// UserDeactivated ends what a user may do, with every session and key.
	UserDeactivated struct {
		Reason string `json:"reason"` // a word: removed, erased
		UserID UserID `json:"user_id"`
	}
	// PasswordSet replaces the user's password, or, if Rehashed, only its hash.
	PasswordSet struct {
		KDF           string       `json:"kdf"`          // the password hash and its parameters
		KeptSession   SessionID    `json:"kept_session"` // goes on where all others end; zero = none
		PolicyVersion int          `json:"policy_version"`
		Rehashed      bool         `json:"rehashed"` // the same password, hashed anew
		UserID        UserID       `json:"user_id"`
		Personal      PasswordHash `json:"-"`
	}
	// PasswordHash is the personal part of PasswordSet: a peppered PHC string.
	PasswordHash struct {
		Hash string `json:"hash"`
	}
	// LoginSucceeded precedes every session that a password opens.
	LoginSucceeded struct {
		InDeclaredRange string    `json:"in_declared_range"` // yes, no, none_declared
		MFA             bool      `json:"mfa"`
		SessionID       SessionID `json:"session_id"`
		UserID          UserID    `json:"user_id"`
	}
	// LoginFailed is a login that named an existing account and did not prove it.
	LoginFailed struct {
		AccountRef      ID     `json:"account_ref"`
		InDeclaredRange string `json:"in_declared_range"` // yes, no, none_declared
		Reason          string `json:"reason"`            // a word: which proof failed
	}
)

// EventType implements Event.
func (UserInvited) EventType() EventType { return EventType{"USER_INVITED", 1} }

// EventType implements Event.
func (UserRegistered) EventType() EventType { return EventType{"USER_REGISTERED", 1} }

// EventType implements Event.
func (UserEmailVerified) EventType() EventType { return EventType{"USER_EMAIL_VERIFIED", 1} }

// EventType implements Event.
func (UserRoleChanged) EventType() EventType { return EventType{"USER_ROLE_CHANGED", 1} }

// EventType implements Event.
func (UserDeactivated) EventType() EventType { return EventType{"USER_DEACTIVATED", 1} }

// EventType implements Event.
func (PasswordSet) EventType() EventType { return EventType{"PASSWORD_SET", 1} }

// EventType implements Event.
func (LoginSucceeded) EventType() EventType { return EventType{"LOGIN_SUCCEEDED", 1} }

// EventType implements Event.
func (LoginFailed) EventType() EventType { return EventType{"LOGIN_FAILED", 1} }

// PersonalData implements Personal.
func (e UserInvited) PersonalData() any { return e.Personal }

// Subject implements Personal.
func (e UserInvited) Subject() UserID { return e.UserID }

// PersonalData implements Personal.
func (e UserRegistered) PersonalData() any { return e.Personal }

// Subject implements Personal.
func (e UserRegistered) Subject() UserID { return e.UserID }

// PersonalData implements Personal.
func (e PasswordSet) PersonalData() any { return e.Personal }

// Subject implements Personal.
func (e PasswordSet) Subject() UserID { return e.UserID }

func (e *UserInvited) personalField() any    { return &e.Personal }
func (e *UserRegistered) personalField() any { return &e.Personal }
func (e *PasswordSet) personalField() any    { return &e.Personal }

func (UserInvited) user()       {}
func (UserRegistered) user()    {}
func (UserEmailVerified) user() {}
func (UserRoleChanged) user()   {}
func (UserDeactivated) user()   {}
func (PasswordSet) user()       {}
func (LoginSucceeded) user()    {}
func (LoginFailed) user()       {}
