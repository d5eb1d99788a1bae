package commands

import (
	"context"
	"errors"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/internal/envelope"
)

// CryptoKeys returns the encryption keys of the actor's tenant and environment,
// with all that the world may know of them. Access requirement: encryption:verify;
// it refuses with ErrDenied.
func (c *Encryption) CryptoKeys(ctx context.Context, by domain.Actor) (domain.CryptoKeys, error) {
	if err := authorize(ctx, c.Log, by, domain.ScopeVerify, "key.list"); err != nil {
		return domain.CryptoKeys{}, err
	}
	keys, _, err := eventstore.Fold[domain.CryptoKeys](ctx, c.Log, by.Tenant, domain.CryptoKeysID(by.Tenant, by.Environment))
	return keys, err
}

// Generations returns the encryption keys of the actor's tenant and environment to
// count them. The caller has seen to it that the actor may.
func (c *Encryption) Generations(ctx context.Context, by domain.Actor) (domain.CryptoKeys, error) {
	keys, _, err := eventstore.Fold[domain.CryptoKeys](ctx, c.Log, by.Tenant, domain.CryptoKeysID(by.Tenant, by.Environment))
	return keys, err
}

// RotateCryptoKey asks for the next generation of keys.
type RotateCryptoKey struct {
	Actor         domain.Actor
	Purpose       domain.KeyPurpose
	SignsBindings *bool // nil = as the generation before
	Idempotency   Idempotency
}

// RotatedKey is a key as a command left it.
type RotatedKey struct {
	Key     domain.CryptoKey
	Old     domain.CryptoKey // the one it replaced; zero = there was none
	Receipt eventstore.Receipt
}

// RotateCryptoKey begins the next generation for a purpose; the one before opens
// and verifies on. The same Idempotency-Key and body give the same key again.
// Access requirement: settings:write. It refuses with ErrKeyReused, with
// Unavailable if the keys cannot be had, and with ErrDenied.
func (c *Encryption) RotateCryptoKey(ctx context.Context, cmd RotateCryptoKey) (RotatedKey, error) {
	by := cmd.Actor
	if err := cmd.Idempotency.check(); err != nil {
		return RotatedKey{}, err
	}
	if err := c.Crypto.Ready(ctx, by.Tenant); err != nil {
		return RotatedKey{}, err
	}
	claim, err := cmd.Idempotency.claim(ctx, c.Keys, c.Log, by, "key.rotate")
	if err != nil {
		return RotatedKey{}, err
	}
	if before, found, err := claim.earlier(ctx, c.Log, by.Tenant); err != nil || found {
		return c.rotatedBefore(ctx, by, before, err)
	}
	if err := authorize(ctx, c.Log, by, domain.ScopeSettings, "key.rotate"); err != nil {
		return RotatedKey{}, err
	}
	var old, id domain.CryptoKeyID
	keys, receipt, err := transact(ctx, c.Log, by, domain.CryptoKeysID(by.Tenant, by.Environment),
		terms[domain.CryptoKeys]{eventID: claim.eventID, bodyMAC: claim.bodyMAC},
		func(keys domain.CryptoKeys) ([]domain.CryptoEvent, error) {
			before := keys.Active(cmd.Purpose)
			signs := before.SignsBindings
			if cmd.SignsBindings != nil {
				signs = *cmd.SignsBindings
			}
			old, id = before.ID, keys.Next(by.Tenant, by.Environment, cmd.Purpose)
			return c.begin(ctx, by, keys, cmd.Purpose, signs)
		})
	if errors.Is(err, eventstore.ErrRepeated) {
		if before, found, err := claim.earlier(ctx, c.Log, by.Tenant); err != nil || found {
			return c.rotatedBefore(ctx, by, before, err)
		}
	}
	if err != nil {
		return RotatedKey{}, err
	}
	return RotatedKey{keys.Key(id), keys.Key(old), receipt}, nil
}

// rotatedBefore answers a repeated request from the fact that it appended.
func (c *Encryption) rotatedBefore(ctx context.Context, by domain.Actor, r eventstore.Recorded, err error) (RotatedKey, error) {
	if err != nil {
		return RotatedKey{}, err
	}
	var id, old domain.CryptoKeyID
	switch fact := r.Event.(type) {
	case domain.KeyGenerated:
		id = fact.KeyID
	case domain.KeyRotated:
		id, old = fact.NewKeyID, fact.OldKeyID
	default:
		return RotatedKey{}, ErrKeyReused
	}
	keys, _, err := eventstore.Fold[domain.CryptoKeys](ctx, c.Log, by.Tenant, domain.CryptoKeysID(by.Tenant, by.Environment))
	return RotatedKey{keys.Key(id), keys.Key(old), r.Receipt()}, err
}

// EndCryptoKey asks for the end of a key's use, or of its secrets.
type EndCryptoKey struct {
	Actor domain.Actor
	Key   domain.CryptoKeyID
}

// RetireCryptoKey ends every use of a key but its export. Access requirement:
// settings:write. It refuses with ErrDenied, with ErrCryptoKeyNotFound and with
// ErrCryptoKeyActive.
func (c *Encryption) RetireCryptoKey(ctx context.Context, cmd EndCryptoKey) (RotatedKey, error) {
	by := cmd.Actor
	if err := authorize(ctx, c.Log, by, domain.ScopeSettings, "key.retire"); err != nil {
		return RotatedKey{}, err
	}
	keys, receipt, err := transact(ctx, c.Log, by, domain.CryptoKeysID(by.Tenant, by.Environment), terms[domain.CryptoKeys]{},
		func(keys domain.CryptoKeys) ([]domain.CryptoEvent, error) { return keys.Retire(cmd.Key) })
	return RotatedKey{Key: keys.Key(cmd.Key), Receipt: receipt}, err
}

// DestroyCryptoKey destroys the secrets of a retired key: what was encrypted for it
// opens never again. They are gone before the fact says so; if it cannot be
// appended, asking again appends it. Access requirement: an owner, never an API key,
// with a fresh proof. It refuses with Denied, with ErrCryptoKeyNotFound and with
// ErrCryptoKeyInUse.
func (c *Encryption) DestroyCryptoKey(ctx context.Context, cmd EndCryptoKey) (RotatedKey, error) {
	by := cmd.Actor
	if err := c.ownerOnly(ctx, by, "key.destroy"); err != nil {
		return RotatedKey{}, err
	}
	keys, receipt, err := transact(ctx, c.Log, by, domain.CryptoKeysID(by.Tenant, by.Environment), terms[domain.CryptoKeys]{},
		func(keys domain.CryptoKeys) ([]domain.CryptoEvent, error) {
			facts, err := keys.Destroy(cmd.Key)
			if len(facts) == 0 || err != nil {
				return nil, err
			}
			if err := c.Crypto.DestroyCryptoKey(ctx, by.Tenant, keys.Key(cmd.Key)); err != nil {
				return nil, err
			}
			return facts, nil
		})
	return RotatedKey{Key: keys.Key(cmd.Key), Receipt: receipt}, err
}

// Escrow is a key's secrets in an owner's hands. Whoever gets it wipes Secrets.
type Escrow struct {
	Key     domain.CryptoKey
	Secrets envelope.Secrets // all but the one that signs
	Receipt eventstore.Receipt
}

// ExportCryptoKey returns the secrets of a key: what opens envelopes and checks
// HMACs without us. The secret that signs stays, for whoever had it could deny
// having signed. The export is durable on the record before it is returned. Access
// requirement: an owner, never an API key, with a fresh proof. It refuses with
// Denied, with ErrCryptoKeyNotFound, with ErrCryptoKeyGone, and with Unavailable if
// the keys cannot be had.
func (c *Encryption) ExportCryptoKey(ctx context.Context, cmd EndCryptoKey) (Escrow, error) {
	by := cmd.Actor
	if err := c.Crypto.Ready(ctx, by.Tenant); err != nil {
		return Escrow{}, err
	}
	if err := c.ownerOnly(ctx, by, "key.escrow"); err != nil {
		return Escrow{}, err
	}
	var e Escrow
	_, receipt, err := transact(ctx, c.Log, by, domain.CryptoKeysID(by.Tenant, by.Environment), terms[domain.CryptoKeys]{},
		func(keys domain.CryptoKeys) ([]domain.CryptoEvent, error) {
			facts, err := keys.Export(cmd.Key)
			if err != nil {
				return nil, err
			}
			e.Secrets.Wipe()
			e.Key = keys.Key(cmd.Key)
			if e.Secrets, err = c.Crypto.ExportKey(ctx, by.Tenant, e.Key); err != nil {
				return nil, err
			}
			return facts, nil
		})
	if err != nil {
		e.Secrets.Wipe()
		return Escrow{}, err
	}
	e.Receipt = receipt
	return e, nil
}

// ownerOnly holds what no one else may do to its rule whatever the edge believes.
func (c *Encryption) ownerOnly(ctx context.Context, by domain.Actor, route string) error {
	if by.Bar() == "" {
		by.Verdict = domain.Judged(liftBar(by, by.SteppedUp(c.Now())))
	}
	return authorize(ctx, c.Log, by, domain.ScopeSettings, route)
}
