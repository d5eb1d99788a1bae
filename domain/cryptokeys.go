package domain

import (
	"slices"
	"time"
)

const (
	// CryptoPeriod is how long a generation makes new things before the next one
	// begins by itself (SP 800-57 Part 1, table 1).
	CryptoPeriod = 365 * 24 * time.Hour
	// MACGrace is how long the HMACs of documents verify after their key was replaced.
	MACGrace = 24 * time.Hour
)

// CryptoKeys is what the facts about a tenant's encryption keys in one environment
// fold to. The zero CryptoKeys has none.
type CryptoKeys struct {
	Keys []CryptoKey // the oldest first; never changed in place
}

// Refusals about encryption keys.
var (
	// ErrCryptoKeyNotFound refuses what names a key that there never was.
	ErrCryptoKeyNotFound = &Error{NotFound, "no such key"}
	// ErrCryptoKeyActive refuses to retire the one key that makes what is new.
	ErrCryptoKeyActive = &Error{Conflict, "the key is active; rotate it first"}
	// ErrCryptoKeyInUse refuses to destroy a key that was not retired.
	ErrCryptoKeyInUse = &Error{Conflict, "the key is in use; retire it first"}
	// ErrCryptoKeyGone refuses what needs a key that was destroyed.
	ErrCryptoKeyGone = &Error{Conflict, "the key was destroyed"}
)

// Evolve returns the keys as they are after e. It is total.
func (c CryptoKeys) Evolve(e CryptoEvent) CryptoKeys {
	switch e := e.(type) {
	case KeyGenerated:
		return c.begun(CryptoKey{
			ID: e.KeyID, Purpose: e.Purpose, Public: PublicKeys{e.KEMPublicKey, e.SignPublicKey},
			SignsBindings: e.SignsBindings, State: KeyActive, ActivatedAt: e.ActivatedAt,
		})
	case KeyRotated:
		c = c.changed(e.OldKeyID, func(k *CryptoKey) {
			if k.State == KeyActive {
				k.State = KeyOld
			}
			k.ReplacedAt = e.ActivatedAt
		})
		return c.begun(CryptoKey{
			ID: e.NewKeyID, Purpose: e.Purpose, Public: PublicKeys{e.KEMPublicKey, e.SignPublicKey},
			SignsBindings: e.SignsBindings, State: KeyActive, ActivatedAt: e.ActivatedAt,
		})
	case KeyRetirement:
		return c.changed(e.KeyID, func(k *CryptoKey) { k.State = KeyRetired })
	case KeyDestruction:
		return c.changed(e.KeyID, func(k *CryptoKey) { k.State = KeyDestroyed })
	case EscrowExported, DataEncrypted, DataRewrapped, DataDecrypted, DataDecryptDenied, DataSigned,
		SignatureVerified, SignatureVerifyFailed, AccessDenied, IntegrityViolated: // uses, which change no key
	}
	return c
}

func (c CryptoKeys) begun(k CryptoKey) CryptoKeys {
	return CryptoKeys{append(slices.Clip(c.Keys), k)}
}

func (c CryptoKeys) changed(id CryptoKeyID, change func(*CryptoKey)) CryptoKeys {
	keys := slices.Clone(c.Keys)
	for i := range keys {
		if keys[i].ID == id {
			change(&keys[i])
		}
	}
	return CryptoKeys{keys}
}

// Key returns the key with an id, or the zero CryptoKey.
func (c CryptoKeys) Key(id CryptoKeyID) CryptoKey {
	for _, k := range c.Keys {
		if k.ID == id {
			return k
		}
	}
	return CryptoKey{}
}

// Active returns the key that makes what is new for a purpose, or the zero CryptoKey.
func (c CryptoKeys) Active(purpose KeyPurpose) CryptoKey {
	for _, k := range slices.Backward(c.Keys) {
		if k.Purpose == purpose && k.State == KeyActive {
			return k
		}
	}
	return CryptoKey{}
}

// Reading returns the keys that open or verify for a purpose, the newest first.
func (c CryptoKeys) Reading(purpose KeyPurpose) []CryptoKey {
	var keys []CryptoKey
	for _, k := range slices.Backward(c.Keys) {
		if k.Purpose == purpose && k.Reads() {
			keys = append(keys, k)
		}
	}
	return keys
}

// Reads reports whether the key opens and verifies what it made.
func (k CryptoKey) Reads() bool { return k.State == KeyActive || k.State == KeyOld }

// Next returns the id of the generation for a purpose that would begin next.
func (c CryptoKeys) Next(tenant TenantID, env Environment, purpose KeyPurpose) CryptoKeyID {
	generation := uint32(1)
	for _, k := range c.Keys {
		if k.Purpose == purpose {
			generation++
		}
	}
	return NewCryptoKeyID(tenant, env, purpose, generation)
}

// Due reports whether a key for purpose has to begin before something new is made
// at now: there is none, or it has lasted its time.
func (c CryptoKeys) Due(purpose KeyPurpose, now time.Time) bool {
	k := c.Active(purpose)
	return k.State == "" || now.UnixMicro() >= k.ActivatedAt+CryptoPeriod.Microseconds()
}

// Begin decides that the key with id and public keys makes what is new for a
// purpose from now on. The key of before opens and verifies on.
func (c CryptoKeys) Begin(id CryptoKeyID, purpose KeyPurpose, env Environment, public PublicKeys, signsBindings bool, now time.Time) []CryptoEvent {
	old := c.Active(purpose)
	if old.State == "" {
		return []CryptoEvent{KeyGenerated{
			ActivatedAt: now.UnixMicro(), Algorithm: purpose.Algorithms(), Environment: env, KEMPublicKey: public.KEM,
			KeyID: id, Purpose: purpose, SignPublicKey: public.Sign, SignsBindings: signsBindings,
		}}
	}
	return []CryptoEvent{KeyRotated{
		ActivatedAt: now.UnixMicro(), Algorithm: purpose.Algorithms(), Environment: env, KEMPublicKey: public.KEM,
		NewKeyID: id, OldKeyID: old.ID, Purpose: purpose, SignPublicKey: public.Sign, SignsBindings: signsBindings,
	}}
}

// Retire ends every use of a key but its export. Retiring twice is no news. It
// refuses with ErrCryptoKeyNotFound and ErrCryptoKeyActive.
func (c CryptoKeys) Retire(id CryptoKeyID) ([]CryptoEvent, error) {
	switch c.Key(id).State {
	case "":
		return nil, ErrCryptoKeyNotFound
	case KeyActive:
		return nil, ErrCryptoKeyActive
	case KeyRetired, KeyDestroyed:
		return nil, nil
	case KeyOld:
	}
	return []CryptoEvent{KeyRetirement{KeyID: id, Mode: RetiredForGood}}, nil
}

// Destroy decides about the end of a key's secrets. Destroying twice is no news. It
// refuses with ErrCryptoKeyNotFound, and with ErrCryptoKeyInUse a key that was not
// retired.
func (c CryptoKeys) Destroy(id CryptoKeyID) ([]CryptoEvent, error) {
	switch c.Key(id).State {
	case "":
		return nil, ErrCryptoKeyNotFound
	case KeyActive, KeyOld:
		return nil, ErrCryptoKeyInUse
	case KeyDestroyed:
		return nil, nil
	case KeyRetired:
	}
	return []CryptoEvent{KeyDestruction{KeyID: id, Method: ShredMethod}}, nil
}

// Export decides whether a key's secrets may be handed to an owner. It refuses with
// ErrCryptoKeyNotFound and ErrCryptoKeyGone.
func (c CryptoKeys) Export(id CryptoKeyID) ([]CryptoEvent, error) {
	k := c.Key(id)
	switch k.State {
	case "":
		return nil, ErrCryptoKeyNotFound
	case KeyDestroyed:
		return nil, ErrCryptoKeyGone
	case KeyActive, KeyOld, KeyRetired:
	}
	return []CryptoEvent{EscrowExported{KeyID: id, Purpose: k.Purpose}}, nil
}
