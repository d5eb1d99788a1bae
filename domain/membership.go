package domain

import (
	"slices"
	"time"
)

// Field names are the stored schema: add, never rename, keep them sorted.
type (
	// OwnerAdded counts a user among the tenant's owners. It stands beside the fact
	// that makes the user one.
	OwnerAdded struct {
		UserID UserID `json:"user_id"`
	}
	// OwnerRemoved does so no longer. It stands beside the fact that makes the user
	// something else, and holds because another owner stays.
	OwnerRemoved struct {
		UserID UserID `json:"user_id"`
	}
)

// EventType implements Event.
func (OwnerAdded) EventType() EventType { return EventType{"OWNER_ADDED", 1} }

// EventType implements Event.
func (OwnerRemoved) EventType() EventType { return EventType{"OWNER_REMOVED", 1} }

func (OwnerAdded) tenant()   {}
func (OwnerRemoved) tenant() {}

// Member is a user within the tenant. The rules of Member look at both and return
// facts about both, to be appended together: what an owner leaves behind is then
// decided on a version of the tenant, and two owners cannot remove each other.
type Member struct {
	Tenant Tenant
	User   User
}

// MemberFacts are what follows about the tenant and about the user.
type MemberFacts struct {
	Tenant []TenantEvent
	User   []UserEvent
}

// Invite decides whether by may invite a person to be a user, with a token that
// has this MAC. A person who was invited before is invited anew, with a new role
// and token, and so is one who was deactivated. It refuses with ErrDenied a role
// that by may not assign, and with ErrUserExists who is active.
func (m Member) Invite(fact UserInvited, token Digest, by Actor, now time.Time) (MemberFacts, error) {
	was := m.User.Role
	if m.User.Status != Invited {
		was = ""
	}
	switch {
	case m.User.Status == Active:
		return MemberFacts{}, ErrUserExists
	case m.User.Status == Erased, !by.Role.Assigns(was, fact.Role):
		return MemberFacts{}, ErrDenied
	}
	if _, err := ParseRole(string(fact.Role)); err != nil {
		return MemberFacts{}, err
	}
	invited := User{ID: fact.UserID}
	return MemberFacts{User: []UserEvent{fact, invited.issue(ProvesInvitation, token, now)}}, nil
}

// Accept decides whether the token makes the invitee a user, with a password
// hashed as password says; the invitation came to the address and so proves it.
// It refuses with ErrProofRefused.
func (m Member) Accept(token Digest, password PasswordSet, now time.Time) (MemberFacts, error) {
	if m.User.Status != Invited || !m.User.proven(ProvesInvitation, token, now) {
		return MemberFacts{}, ErrProofRefused
	}
	return m.join(password), nil
}

// Finish makes the invitee a user who accepted at a time that is past, when the
// token was proven and the address claimed, and whose acceptance then broke off. An
// invitation that was made after that was not accepted by it: ok is false then, and
// for whoever is no invitee any more.
func (m Member) Finish(accepted time.Time, password PasswordSet) (facts MemberFacts, ok bool) {
	last := m.User.Proofs.Invitation
	invited := time.UnixMicro(last.ExpiresAt).Add(-ProvesInvitation.Lifetime())
	if m.User.Status != Invited || last == (Proof{}) || accepted.Before(invited) {
		return MemberFacts{}, false
	}
	return m.join(password), true
}

func (m Member) join(password PasswordSet) MemberFacts {
	u := m.User
	password.UserID, password.KeptSession, password.Rehashed = u.ID, SessionID{}, false
	facts := MemberFacts{User: []UserEvent{
		ProofConsumed{ProvesInvitation, u.ID},
		UserRegistered{AccountRef: u.AccountRef, Role: u.Role, UserID: u.ID, Verified: true, Personal: UserAddress{u.Email}},
		password,
	}}
	if u.Role == RoleOwner {
		facts.Tenant = []TenantEvent{OwnerAdded{u.ID}}
	}
	return facts
}

// ChangeRole decides whether by may make the user something else. The role that
// it has is no news. It refuses with ErrUserNotFound who is neither active nor
// invited, with ErrDenied what by may not assign, with ErrLastOwner, and with
// Invalid a role that is none.
func (m Member) ChangeRole(to Role, by Actor) (MemberFacts, error) {
	u := m.User
	if _, err := ParseRole(string(to)); err != nil {
		return MemberFacts{}, err
	}
	switch {
	case u.Status != Active && u.Status != Invited:
		return MemberFacts{}, ErrUserNotFound
	case !by.Role.Assigns(u.Role, to):
		return MemberFacts{}, ErrDenied
	case u.Role == to:
		return MemberFacts{}, nil
	}
	facts := MemberFacts{User: []UserEvent{UserRoleChanged{to, u.Role, u.ID}}}
	switch {
	case u.Status == Active && to == RoleOwner:
		facts.Tenant = []TenantEvent{OwnerAdded{u.ID}}
	case u.Status == Active && u.Role == RoleOwner:
		var err error
		if facts.Tenant, err = m.leave(); err != nil {
			return MemberFacts{}, err
		}
	}
	return facts, nil
}

// Deactivate decides whether by may end what the user may do. Twice is no news.
// It refuses with ErrUserNotFound who never was, with ErrDenied an owner whom by
// may not touch, and with ErrLastOwner.
func (m Member) Deactivate(by Actor) (MemberFacts, error) {
	switch {
	case m.User.Status == 0:
		return MemberFacts{}, ErrUserNotFound
	case !by.Role.Assigns(m.User.Role, ""):
		return MemberFacts{}, ErrDenied
	}
	return m.end(DeactivatedByAdmin)
}

// end deactivates the user for a reason, unless that was done.
func (m Member) end(reason string) (facts MemberFacts, err error) {
	u := m.User
	if u.Status != Active && u.Status != Invited {
		return MemberFacts{}, nil
	}
	if u.Status == Active && u.Role == RoleOwner {
		if facts.Tenant, err = m.leave(); err != nil {
			return MemberFacts{}, err
		}
	}
	facts.User = []UserEvent{UserDeactivated{reason, u.ID}}
	return facts, nil
}

// leave takes the user from the owners, if another one stays.
func (m Member) leave() ([]TenantEvent, error) {
	if !slices.ContainsFunc(m.Tenant.Owners, func(id UserID) bool { return id != m.User.ID }) {
		return nil, ErrLastOwner
	}
	return []TenantEvent{OwnerRemoved{m.User.ID}}, nil
}
