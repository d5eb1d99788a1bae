package domain

import (
	"net/netip"
	"slices"
	"time"
)

// APIKeyEvent is a fact about one API key.
//
//sumtype:decl
type APIKeyEvent interface {
	Event
	apiKey()
}

// Field names are the stored schema: add, never rename, keep them sorted.
type (
	// APIKeyCreated is a key's first fact. The key itself is shown once and kept nowhere.
	APIKeyCreated struct {
		AuthVersion uint32      `json:"auth_version"` // the owner's, when the key was made
		Digest      Digest      `json:"digest"`       // peppered MAC of the whole key
		Environment Environment `json:"environment"`
		ExpiresAt   int64       `json:"expires_at"` // Unix microseconds
		KeyID       KeyID       `json:"key_id"`
		Lookup      string      `json:"lookup"` // the public part of the key, by which it is found
		Owner       UserID      `json:"owner"`
		Prefix      string      `json:"prefix"`     // what lists show of it
		Restricted  bool        `json:"restricted"` // acts from some addresses only; where they cannot be read, from none
		Scopes      []Scope     `json:"scopes"`     // sorted, without repeats
		Personal    APIKeyName  `json:"-"`
	}
	// APIKeyName is the personal part of APIKeyCreated: what its owner calls the
	// key, and where it acts from.
	APIKeyName struct {
		Name   string   `json:"name"`
		Ranges []string `json:"ranges"` // as ParseRanges returns them; none = anywhere
	}
	// APIKeyRevoked ends a key for good.
	APIKeyRevoked struct {
		KeyID KeyID `json:"key_id"`
	}
)

// EventType implements Event.
func (APIKeyCreated) EventType() EventType { return EventType{"API_KEY_CREATED", 1} }

// EventType implements Event.
func (APIKeyRevoked) EventType() EventType { return EventType{"API_KEY_REVOKED", 1} }

// PersonalData implements Personal.
func (e APIKeyCreated) PersonalData() any { return e.Personal }

// Subject implements Personal: a key's name belongs to the tenant.
func (APIKeyCreated) Subject() UserID { return UserID{} }

func (e *APIKeyCreated) personalField() any { return &e.Personal }

func (APIKeyCreated) apiKey() {}
func (APIKeyRevoked) apiKey() {}

// APIKey is what the facts about one key fold to. The zero APIKey was never
// created and proves nothing.
type APIKey struct {
	ID          KeyID
	Owner       UserID // who answers for what it does
	Digest      Digest // peppered MAC of the whole key
	Scopes      []Scope
	Environment Environment
	ExpiresAt   int64 // Unix microseconds
	Revoked     bool
	Restricted  bool
	Ranges      []netip.Prefix // where it may act from, if Restricted
	AuthVersion uint32         // the owner's, when the key was made
}

// Authenticates reports whether a key with this MAC, of this environment, may act
// at now. It takes the same time for every MAC.
func (k APIKey) Authenticates(digest Digest, env Environment, now time.Time) bool {
	same := k.Digest.same(digest)
	return same && !k.ID.IsZero() && !k.Revoked && k.Environment == env && now.UnixMicro() < k.ExpiresAt
}

// Works reports whether the key was created and is neither revoked nor over at an
// instant, Unix microseconds.
func (k APIKey) Works(at int64) bool { return !k.ID.IsZero() && !k.Revoked && at < k.ExpiresAt }

// AllowsFrom reports whether the key may act from an address.
func (k APIKey) AllowsFrom(addr netip.Addr) bool {
	return !k.Restricted || within(k.Ranges, addr)
}

// Refusals about API keys.
var (
	// ErrKeyNotFound refuses to revoke a key that was never created.
	ErrKeyNotFound = &Error{NotFound, "no such API key"}
	// ErrKeyExists refuses to create a key again.
	ErrKeyExists = &Error{Conflict, "this API key was created already; its secret cannot be shown again"}
)

// MaxKeyLifetime is the longest an API key may live, and what it gets by default.
const MaxKeyLifetime = 365 * 24 * time.Hour

// Evolve returns the key as it is after e. It is total.
func (k APIKey) Evolve(e APIKeyEvent) APIKey {
	switch e := e.(type) {
	case APIKeyCreated:
		ranges, _ := ParseRanges(e.Personal.Ranges) // what cannot be read is no range
		return APIKey{
			ID: e.KeyID, Owner: e.Owner, Digest: e.Digest, Scopes: e.Scopes,
			Environment: e.Environment, ExpiresAt: e.ExpiresAt,
			Restricted: e.Restricted, Ranges: ranges, AuthVersion: e.AuthVersion,
		}
	case APIKeyRevoked:
		k.Revoked = true
	}
	return k
}

// Create decides whether the proposed key may begin. It refuses with ErrKeyExists
// if it was created before; with ErrDenied a creator who manages only their own
// keys, a scope that creator has not, and, where creator is a key itself, an
// environment that is not its own; and with Invalid a name that CheckName
// refuses, no scope at all, an environment that is none, ranges that are none,
// and a life that is over at now or longer than MaxKeyLifetime.
func (k APIKey) Create(fact APIKeyCreated, creator Actor, now time.Time) ([]APIKeyEvent, error) {
	if !k.ID.IsZero() {
		return nil, ErrKeyExists
	}
	if err := CheckName("name", fact.Personal.Name); err != nil {
		return nil, err
	}
	exceeds := func(scope Scope) bool { return !creator.May(scope) }
	switch {
	case !creator.Role.Administers(), slices.ContainsFunc(fact.Scopes, exceeds),
		creator.Kind == ActorKey && creator.Environment != fact.Environment:
		return nil, ErrDenied
	case len(fact.Scopes) == 0:
		return nil, invalid("an API key needs a scope")
	case !fact.Environment.valid():
		return nil, errEnvironment
	case fact.ExpiresAt <= now.UnixMicro(), fact.ExpiresAt > now.Add(MaxKeyLifetime).UnixMicro():
		return nil, invalid("an API key lives 1 to 365 days")
	}
	ranges, err := ParseRanges(fact.Personal.Ranges)
	if err != nil {
		return nil, err
	}
	fact.Personal.Ranges, fact.Restricted = rangeTexts(ranges), len(ranges) > 0
	return []APIKeyEvent{fact}, nil
}

// Confine returns the ranges of a key that this one creates: those that are asked
// for, or its own where it is restricted and none are. It refuses with ErrDenied
// addresses that it may not act from itself, and with Invalid as ParseRanges does.
func (k APIKey) Confine(asked []string) ([]string, error) {
	ranges, err := ParseRanges(asked)
	switch {
	case err != nil:
		return nil, err
	case !k.Restricted:
		return asked, nil
	case len(ranges) == 0:
		ranges = k.Ranges
	}
	if len(k.Ranges) == 0 || wider(k.Ranges, ranges) {
		return nil, ErrDenied
	}
	return rangeTexts(ranges), nil
}

// Revoke ends the key. Revoking twice is no news; an unknown key is refused
// with ErrKeyNotFound.
func (k APIKey) Revoke() ([]APIKeyEvent, error) {
	switch {
	case k.ID.IsZero():
		return nil, ErrKeyNotFound
	case k.Revoked:
		return nil, nil
	}
	return []APIKeyEvent{APIKeyRevoked{k.ID}}, nil
}
