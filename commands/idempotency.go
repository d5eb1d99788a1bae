package commands

import (
	"context"
	"crypto/subtle"
	"errors"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Idempotency makes a repeated request the same request. The zero Idempotency
// is a request of its own.
type Idempotency struct {
	Key  string // the caller's Idempotency-Key; empty = none
	Body Secret // what was asked: another body under the same key is refused
}

// MaxIdempotencyKey is the longest Idempotency-Key, in bytes.
const MaxIdempotencyKey = 255

// ErrKeyReused refuses an Idempotency-Key that came with another body before.
var ErrKeyReused = &domain.Error{Kind: domain.Conflict, Message: "this Idempotency-Key was used for another request"}

// claim is an Idempotency as the log knows it.
type claim struct {
	eventID domain.ID
	bodyMAC []byte
}

// check refuses with Invalid a key that is too long.
func (i Idempotency) check() error {
	if len(i.Key) > MaxIdempotencyKey {
		return &domain.Error{Kind: domain.Invalid, Message: "Idempotency-Key is too long"}
	}
	return nil
}

// claim derives the event id and the MAC of the body, or draws an id if there is no key.
func (i Idempotency) claim(ctx context.Context, keys Tenants, log *eventstore.Log, by domain.Actor, route string) (claim, error) {
	if i.Key == "" {
		return claim{eventID: log.NewID()}, nil
	}
	digest, err := keys.Blind(ctx, by.Tenant, []byte("event-id"), by.ID[:], []byte(route), []byte(by.Environment), []byte(i.Key))
	if err != nil {
		return claim{}, err
	}
	mac, err := keys.Blind(ctx, by.Tenant, []byte("body"), i.Body)
	if err != nil {
		return claim{}, err
	}
	return claim{domain.DerivedID(digest), mac[:]}, nil
}

// earlier returns the fact that the same request appended before, if any, and
// refuses with ErrKeyReused if it was another request.
func (c claim) earlier(ctx context.Context, log *eventstore.Log, tenant domain.TenantID) (eventstore.Recorded, bool, error) {
	if c.bodyMAC == nil {
		return eventstore.Recorded{}, false, nil
	}
	r, err := log.Find(ctx, tenant, c.eventID)
	switch {
	case errors.Is(err, eventstore.ErrNotFound):
		return r, false, nil
	case err != nil:
		return r, false, err
	case subtle.ConstantTimeCompare(r.BodyMAC, c.bodyMAC) != 1:
		return r, false, ErrKeyReused
	}
	return r, true, nil
}
