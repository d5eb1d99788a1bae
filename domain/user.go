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
	// UserRegistered is a user's first fact.
	UserRegistered struct {
		AccountRef ID          `json:"account_ref"` // MAC of the address, as claimed on the system chain
		Role       Role        `json:"role"`
		Shared     bool        `json:"shared"` // several people use the account; nobody registers one so
		UserID     UserID      `json:"user_id"`
		Verified   bool        `json:"verified"` // the address needed no proof: mail stays on this machine
		Personal   UserAddress `json:"-"`
	}
	// UserAddress is the personal part of UserRegistered.
	UserAddress struct {
		Email string `json:"email"`
	}
	// PasswordSet replaces the user's password.
	PasswordSet struct {
		KDF           string       `json:"kdf"` // the password hash and its parameters
		PolicyVersion int          `json:"policy_version"`
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
func (UserRegistered) EventType() EventType { return EventType{"USER_REGISTERED", 1} }

// EventType implements Event.
func (PasswordSet) EventType() EventType { return EventType{"PASSWORD_SET", 1} }

// EventType implements Event.
func (LoginSucceeded) EventType() EventType { return EventType{"LOGIN_SUCCEEDED", 1} }

// EventType implements Event.
func (LoginFailed) EventType() EventType { return EventType{"LOGIN_FAILED", 1} }

// PersonalData implements Personal.
func (e UserRegistered) PersonalData() any { return e.Personal }

// Subject implements Personal.
func (e UserRegistered) Subject() UserID { return e.UserID }

// PersonalData implements Personal.
func (e PasswordSet) PersonalData() any { return e.Personal }

// Subject implements Personal.
func (e PasswordSet) Subject() UserID { return e.UserID }

func (e *UserRegistered) personalField() any { return &e.Personal }
func (e *PasswordSet) personalField() any    { return &e.Personal }

func (UserRegistered) user() {}
func (PasswordSet) user()    {}
func (LoginSucceeded) user() {}
func (LoginFailed) user()    {}

// NoneDeclared is the in_declared_range of a tenant without address ranges.
const NoneDeclared = "none_declared"

// User is what the facts about one user fold to. The zero User never registered.
type User struct {
	ID           UserID
	AccountRef   ID // MAC of the address
	Role         Role
	PasswordHash string // peppered PHC string; empty once the person was erased
	Verified     bool   // the address was proven, or needed no proof
}

// Evolve returns the user as it is after e. It is total.
func (u User) Evolve(e UserEvent) User {
	switch e := e.(type) {
	case UserRegistered:
		return User{ID: e.UserID, AccountRef: e.AccountRef, Role: e.Role, Verified: e.Verified}
	case PasswordSet:
		u.PasswordHash = e.Personal.Hash
	case LoginSucceeded, LoginFailed:
		// On the record, but no rule looks back at them.
	}
	return u
}

// Register decides whether the user may begin, with a password hashed as
// password says. Registering again is no news.
func (u User) Register(fact UserRegistered, password PasswordSet) ([]UserEvent, error) {
	if !u.ID.IsZero() {
		return nil, nil
	}
	return []UserEvent{fact, password}, nil
}
