package domain

import "slices"

// Field names are the stored schema: add, never rename, keep them sorted.
type (
	// NewDeviceSeen is a login from a browser that shows nothing of an earlier one, and
	// from a network that none came from. The session follows.
	NewDeviceSeen struct {
		First     bool      `json:"first"` // nothing was known to compare it with
		SessionID SessionID `json:"session_id"`
		UserID    UserID    `json:"user_id"`
		Personal  SeenFrom  `json:"-"`
	}
	// SeenFrom is the personal part of NewDeviceSeen: where a user is can be told from
	// networks that repeat, keyed or not.
	SeenFrom struct {
		Network Digest `json:"network"` // MAC under a key that never changes
	}
)

// EventType implements Event.
func (NewDeviceSeen) EventType() EventType { return EventType{"NEW_DEVICE_SEEN", 1} }

// PersonalData implements Personal.
func (e NewDeviceSeen) PersonalData() any { return e.Personal }

// Subject implements Personal.
func (e NewDeviceSeen) Subject() UserID { return e.UserID }

func (e *NewDeviceSeen) personalField() any { return &e.Personal }

func (NewDeviceSeen) user() {}

// maxNetworks bounds the networks that a user is known in; the one that was new
// longest ago is forgotten first.
const maxNetworks = 32

// Recognise records that a session begins where nobody could expect the user: in a
// browser that is not known, and in a network that is not either. It never refuses.
func (u User) Recognise(known bool, network Digest, session SessionID) []UserEvent {
	if known || slices.Contains(u.Networks, network) {
		return nil
	}
	return []UserEvent{NewDeviceSeen{First: len(u.Networks) == 0, SessionID: session, UserID: u.ID, Personal: SeenFrom{network}}}
}

// seenIn returns the user as one who is known in a network too. A network that
// nobody can read any more is none.
func (u User) seenIn(network Digest) User {
	if network != (Digest{}) {
		known := u.Networks[max(0, len(u.Networks)-maxNetworks+1):]
		u.Networks = append(slices.Clone(known), network)
	}
	return u
}
