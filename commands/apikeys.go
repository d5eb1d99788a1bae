package commands

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// CreateKey asks for a new API key.
type CreateKey struct {
	Actor       domain.Actor
	Name        string
	Scopes      []string // empty = the creator's own
	Environment domain.Environment
	TTLDays     int      // 0 = 365
	Ranges      []string // IP addresses and CIDR ranges that it acts from; none = anywhere
	Idempotency Idempotency
}

// CreatedKey is a new API key. Key is shown to its owner once and kept nowhere.
type CreatedKey struct {
	ID          domain.KeyID
	Key         Secret
	Name        string
	Prefix      string
	Scopes      []domain.Scope
	Environment domain.Environment
	ExpiresAt   int64    // Unix microseconds
	Ranges      []string // as domain.ParseRanges spells them
	Receipt     eventstore.Receipt
}

// CreateKey makes an API key that may do no more than its creator, and from nowhere
// else where that is an API key which is restricted to some addresses. Access
// requirement: keys:manage. It refuses with Invalid unknown scopes and bad
// names, with ErrDenied, on the record, with ErrKeyReused, and with ErrKeyExists
// the repeat of a request that made one: its secret cannot be shown again, and
// the answer names the key.
func (i *Identity) CreateKey(ctx context.Context, cmd CreateKey) (CreatedKey, error) {
	by := cmd.Actor
	scopes, claim, err := i.claimKey(ctx, cmd)
	if err != nil {
		return CreatedKey{}, err
	}
	if before, found, err := claim.earlier(ctx, i.Log, by.Tenant); err != nil {
		return CreatedKey{}, err
	} else if found {
		return createdBefore(before)
	}
	if err := authorize(ctx, i.Log, by, domain.ScopeKeysManage, "security.api_key.create"); err != nil {
		return CreatedKey{}, err
	}
	if cmd.Ranges, err = i.confine(ctx, by, cmd.Ranges); err != nil {
		return CreatedKey{}, err
	}
	if cmd.TTLDays == 0 {
		cmd.TTLDays = int(domain.MaxKeyLifetime / (24 * time.Hour))
	}
	now := i.Now()
	created := CreatedKey{
		ID: domain.KeyID{ID: i.Log.NewID()}, Name: cmd.Name, Scopes: scopes, Environment: cmd.Environment,
		ExpiresAt: domain.ExpiryAfter(cmd.TTLDays, now),
	}
	var lookup string
	if created.Key, lookup, created.Prefix, err = i.Tokens.NewKey(cmd.Environment); err != nil {
		return CreatedKey{}, fmt.Errorf("drawing an API key: %w", err)
	}
	owner, err := i.userOf(ctx, by.Tenant, by.User)
	if err != nil {
		return CreatedKey{}, err
	}
	fact := domain.APIKeyCreated{
		AuthVersion: owner.AuthVersion, Digest: i.Tokens.DigestKey(created.Key), Environment: cmd.Environment, ExpiresAt: created.ExpiresAt, KeyID: created.ID,
		Lookup: lookup, Owner: by.User, Prefix: created.Prefix, Scopes: scopes, Personal: domain.APIKeyName{Name: cmd.Name, Ranges: cmd.Ranges},
	}
	var made domain.APIKey
	made, created.Receipt, err = transact(ctx, i.Log, by, keyAggregate(created.ID),
		terms[domain.APIKey]{eventID: claim.eventID, bodyMAC: claim.bodyMAC, fresh: claim.bodyMAC == nil},
		func(k domain.APIKey) ([]domain.APIKeyEvent, error) { return k.Create(fact, by, now) })
	if err != nil {
		clear(created.Key) // nobody gets it
	}
	if errors.Is(err, eventstore.ErrRepeated) {
		if before, found, err := claim.earlier(ctx, i.Log, by.Tenant); found || err != nil {
			if err != nil {
				return CreatedKey{}, err
			}
			return createdBefore(before)
		}
	}
	if errors.Is(err, domain.ErrDenied) { // more than its creator may
		return CreatedKey{}, deny(ctx, i.Log, by, domain.ScopeKeysManage, "security.api_key.create")
	}
	if err != nil {
		return CreatedKey{}, err
	}
	for _, p := range made.Ranges {
		created.Ranges = append(created.Ranges, p.String())
	}
	return created, nil
}

// confine returns the ranges that a key of the actor's making acts from. It refuses
// with ErrDenied, on the record, more than those of an actor that is a key itself.
func (i *Identity) confine(ctx context.Context, by domain.Actor, asked []string) ([]string, error) {
	if by.Kind != domain.ActorKey {
		return asked, nil
	}
	creator, _, err := eventstore.Fold[domain.APIKey](ctx, i.Log, by.Tenant, keyAggregate(domain.KeyID{ID: by.ID}))
	if err != nil {
		return nil, fmt.Errorf("loading an API key: %w", err)
	}
	ranges, err := creator.Confine(asked)
	if errors.Is(err, domain.ErrDenied) {
		err = deny(ctx, i.Log, by, domain.ScopeKeysManage, "security.api_key.create")
	}
	return ranges, err
}

// claimKey checks what is decided before rights are, but for an earlier use of the
// Idempotency-Key. It returns the scopes asked for, and what that would be found by.
func (i *Identity) claimKey(ctx context.Context, cmd CreateKey) ([]domain.Scope, claim, error) {
	scopes, err := domain.ParseScopes(cmd.Scopes)
	if err != nil {
		return nil, claim{}, err
	}
	if len(scopes) == 0 {
		scopes = cmd.Actor.Scopes
	}
	if err := domain.CheckName("name", cmd.Name); err != nil {
		return nil, claim{}, err
	}
	if _, err := domain.ParseRanges(cmd.Ranges); err != nil {
		return nil, claim{}, err
	}
	if err := cmd.Idempotency.check(); err != nil {
		return nil, claim{}, err
	}
	c, err := cmd.Idempotency.claim(ctx, i.Keys, i.Log, cmd.Actor, "api_key.create")
	return scopes, c, err
}

// CheckCreateKey refuses as CreateKey does before it looks at the actor's rights:
// with Invalid and ErrKeyReused. It changes nothing and records nothing.
func (i *Identity) CheckCreateKey(ctx context.Context, cmd CreateKey) error {
	_, claim, err := i.claimKey(ctx, cmd)
	if err == nil {
		_, _, err = claim.earlier(ctx, i.Log, cmd.Actor.Tenant)
	}
	return err
}

// APIKeys returns API keys of tenant as the log says that they are, in the given
// order. Whether the caller may see them is for Authorize.
func (i *Identity) APIKeys(ctx context.Context, tenant domain.TenantID, ids []domain.KeyID) ([]domain.APIKey, error) {
	keys := make([]domain.APIKey, 0, len(ids))
	for _, id := range ids {
		key, _, err := eventstore.Fold[domain.APIKey](ctx, i.Log, tenant, keyAggregate(id))
		if err != nil {
			return nil, fmt.Errorf("loading an API key: %w", err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// createdBefore refuses the repeat of a key's creation, naming the key.
func createdBefore(r eventstore.Recorded) (CreatedKey, error) {
	fact, ok := r.Event.(domain.APIKeyCreated)
	if !ok {
		return CreatedKey{}, ErrKeyReused
	}
	return CreatedKey{ID: fact.KeyID, Prefix: fact.Prefix}, domain.ErrKeyExists
}

// RevokeKey asks for an API key to end.
type RevokeKey struct {
	Actor domain.Actor
	Key   domain.KeyID
}

// RevokeKey ends the key. Ending it twice is no news. Access requirement:
// keys:manage. It refuses with ErrDenied and with ErrKeyNotFound.
func (i *Identity) RevokeKey(ctx context.Context, cmd RevokeKey) (eventstore.Receipt, error) {
	if err := authorize(ctx, i.Log, cmd.Actor, domain.ScopeKeysManage, "security.api_key.revoke"); err != nil {
		return eventstore.Receipt{}, err
	}
	_, receipt, err := transact(ctx, i.Log, cmd.Actor, keyAggregate(cmd.Key), terms[domain.APIKey]{},
		func(k domain.APIKey) ([]domain.APIKeyEvent, error) { return k.Revoke() })
	return receipt, err
}

// microTime returns the time that a stamp in Unix microseconds names.
func microTime(us int64) time.Time { return time.UnixMicro(us).UTC() }
