package domain

// User is what the facts about one user fold to. The zero User never registered.
type User struct {
	ID         UserID
	AccountRef ID // MAC of the address
	Email      string
	Role       Role
	Status     UserStatus
	Verified   bool // the address was proven, or needed no proof

	PasswordHash  string // peppered PHC string; empty once the person was erased
	PolicyVersion int    // of the policy that the password was set under

	// AuthVersion counts what makes older access tokens void: a new password, a
	// change of MFA or of role, a deactivation.
	AuthVersion uint32
	// SessionsFrom and KeysFrom are the AuthVersions at which sessions and API keys
	// had to be made again; KeptSession is the one session that outlived the last.
	SessionsFrom, KeysFrom uint32
	KeptSession            SessionID

	MFA      MFA
	Lock     Lock
	Proofs   Proofs
	Networks []Digest // MACs of those that sessions began in, the latest new one last, 32 at most
}

// UserStatus says where a user is on the way in and out.
type UserStatus uint8

// The statuses. The zero UserStatus is a user who never was.
const (
	Invited     UserStatus = iota + 1 // may accept, and nothing else
	Active                            // may what the role allows
	Deactivated                       // may nothing; can be invited again
	Erased                            // may nothing, and nobody knows who it was
)

// String returns what lists show.
func (s UserStatus) String() string {
	names := [...]string{"unknown", "invited", "active", "deactivated", "erased"}
	if int(s) < len(names) {
		return names[s]
	}
	return names[0]
}

// Why a user was deactivated. The words are stored.
const (
	DeactivatedByAdmin = "removed"
	DeactivatedErased  = "erased"
)

// Refusals about users.
var (
	// ErrUserNotFound refuses what is asked about a user who never was or is gone.
	ErrUserNotFound = &Error{NotFound, "no such user"}
	// ErrUserExists refuses to invite somebody who is a user already.
	ErrUserExists = &Error{Conflict, "this person is a user already"}
	// ErrLastOwner refuses what would leave a tenant without an owner.
	ErrLastOwner = &Error{Conflict, "the last owner stays"}
)

// Evolve returns the user as it is after e. It is total.
func (u User) Evolve(e UserEvent) User {
	switch e := e.(type) {
	case UserInvited:
		u.ID, u.AccountRef, u.Email, u.Role = e.UserID, e.AccountRef, e.Personal.Email, e.Role
		u.Status, u.Verified, u.PasswordHash = Invited, false, ""
	case UserRegistered:
		u.ID, u.AccountRef, u.Email, u.Role = e.UserID, e.AccountRef, e.Personal.Email, e.Role
		u.Status, u.Verified = Active, e.Verified
	case UserEmailVerified:
		u.Verified = true
	case UserRoleChanged:
		u.Role = e.NewRole
		u.AuthVersion++
	case UserDeactivated:
		u = u.ended(Deactivated)
	case SubjectErased:
		u = u.ended(Erased)
	case PasswordSet:
		return u.withPassword(e)
	case MFAEnrolmentStarted, MFAEnabled, MFADisabled, MFACodeUsed, BackupCodeUsed:
		before := u.MFA
		if u.MFA = u.MFA.evolve(e); u.MFA.Enabled != before.Enabled {
			u.AuthVersion++
		}
	case ProofIssued:
		u.Proofs = u.Proofs.with(e.Purpose, Proof{e.Digest, e.ExpiresAt})
	case ProofConsumed:
		u.Proofs = u.Proofs.with(e.Purpose, Proof{})
	case AccountLocked:
		u.Lock = Lock{Until: e.LockedUntil, Times: u.Lock.Times + 1}
	case AccountUnlocked:
		u.Lock = Lock{}
	case NewDeviceSeen:
		return u.seenIn(e.Personal.Network)
	case LoginSucceeded, LoginFailed:
		// On the record, but no rule looks back at them.
	}
	return u
}

// withPassword returns the user after a new password. The first one ends nothing,
// since nothing was open; nor does a hash that replaces one of the same password.
func (u User) withPassword(e PasswordSet) User {
	first := u.PasswordHash == "" && u.AuthVersion == 0
	u.PasswordHash, u.PolicyVersion = e.Personal.Hash, e.PolicyVersion
	if e.Rehashed {
		return u
	}
	u.AuthVersion++
	u.Proofs = u.Proofs.with(ProvesReset, Proof{})
	if !first {
		u.SessionsFrom, u.KeptSession = u.AuthVersion, e.KeptSession
	}
	return u
}

// ended returns the user with nothing left that anybody could use.
func (u User) ended(status UserStatus) User {
	u.AuthVersion++
	u.SessionsFrom, u.KeysFrom, u.KeptSession = u.AuthVersion, u.AuthVersion, SessionID{}
	u.Status, u.PasswordHash, u.MFA, u.Lock, u.Proofs, u.Networks = status, "", MFA{}, Lock{}, Proofs{}, nil
	if status == Erased {
		u.Email = ""
	}
	return u
}

// AdmitsSession reports whether the user still stands behind a session, be it
// live or not: it was made since all had to be made again, or was kept.
func (u User) AdmitsSession(s Session) bool {
	return u.Status == Active && s.User == u.ID &&
		(s.AuthVersion >= u.SessionsFrom || s.ID == u.KeptSession && !s.ID.IsZero())
}

// AdmitsKey reports likewise whether the user still stands behind an API key.
func (u User) AdmitsKey(k APIKey) bool {
	return u.Status == Active && k.Owner == u.ID && k.AuthVersion >= u.KeysFrom
}

// Register decides whether the user may begin, with a password hashed as
// password says. Registering again is no news.
func (u User) Register(fact UserRegistered, password PasswordSet) ([]UserEvent, error) {
	if !u.ID.IsZero() {
		return nil, nil
	}
	return []UserEvent{fact, password}, nil
}

// SetPassword replaces the password of a user who proved the old one, or its hash
// alone. It refuses with ErrUserNotFound a user who is not active; whether the
// password does is for whoever saw it. The hash that stands already is no news.
func (u User) SetPassword(fact PasswordSet) ([]UserEvent, error) {
	switch {
	case u.Status != Active:
		return nil, ErrUserNotFound
	case fact.Personal.Hash == u.PasswordHash:
		return nil, nil
	}
	return []UserEvent{fact}, nil
}
