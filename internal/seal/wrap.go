package seal

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
)

// The QSW1 wrapped key: magic ‖ u8 purpose ‖ u32 epoch ‖ salt[32] ‖ nonce[12] ‖ ct ‖ tag.
const (
	wrapMagic     = "QSW1"
	wrapLabel     = labelPrefix + "wrap\x00"
	wrapPurpose   = 4
	wrapEpoch     = 5
	wrapSalt      = 9
	wrapNonce     = wrapSalt + 32
	wrapCT        = wrapNonce + nonceSize
	minWrap       = wrapCT + 1 + tagSize
	maxWrap       = WrapOverhead + MaxWrapped
	contextLength = 32 + 16 + 1 + 16 + 8

	// MaxWrapped is the longest key that is wrapped, in bytes.
	MaxWrapped = 4096
	// WrapOverhead is how much longer a wrapped key is than the key.
	WrapOverhead = wrapCT + tagSize
)

// WrapContext says where a wrapped key belongs. It is authenticated, not stored.
type WrapContext struct {
	LogID   [32]byte
	Tenant  [16]byte
	Object  [16]byte // what the key is for: a credential, a user, or zero
	Version uint64   // of the object or of the key
}

func (c WrapContext) bytes(purpose uint8) []byte {
	b := make([]byte, 0, contextLength)
	b = append(b, c.LogID[:]...)
	b = append(b, c.Tenant[:]...)
	b = append(b, purpose)
	b = append(b, c.Object[:]...)
	return binary.BigEndian.AppendUint64(b, c.Version)
}

// Wrap encrypts key, 1 to MaxWrapped bytes, under kek of the given epoch, for one
// purpose and place. Each wrap has a key of its own, derived from kek and a random
// salt, so kek may wrap any number of keys. It wipes nothing of the caller's. It
// returns ErrTooLong for a key of another length.
func Wrap(kek *[KeySize]byte, purpose uint8, epoch uint32, c WrapContext, key []byte) ([]byte, error) {
	var fresh [32 + nonceSize]byte
	_, _ = rand.Read(fresh[:]) // ends the process rather than fail
	return wrap(kek, purpose, epoch, c, key, &fresh)
}

func wrap(kek *[KeySize]byte, purpose uint8, epoch uint32, c WrapContext, key []byte, fresh *[32 + nonceSize]byte) ([]byte, error) {
	if len(key) == 0 || len(key) > MaxWrapped {
		return nil, ErrTooLong
	}
	b := make([]byte, 0, WrapOverhead+len(key))
	b = append(b, wrapMagic...)
	b = append(b, purpose)
	b = binary.BigEndian.AppendUint32(b, epoch)
	b = append(b, fresh[:]...)
	aad := c.bytes(purpose)
	once, err := wrapKey(kek, b, aad)
	if err != nil {
		return nil, err
	}
	defer clear(once)
	gcm, err := newGCM(once)
	if err != nil {
		return nil, err
	}
	return gcm.Seal(b, b[wrapNonce:wrapCT], key, aad), nil
}

// WrapEpoch returns the epoch of the key that wrapped blob, not yet verified. It
// returns ErrMalformed if blob is no wrapped key.
func WrapEpoch(blob []byte) (uint32, error) {
	if len(blob) < minWrap || len(blob) > maxWrap || string(blob[:wrapPurpose]) != wrapMagic {
		return 0, ErrMalformed
	}
	return binary.BigEndian.Uint32(blob[wrapEpoch:]), nil
}

// Unwrap returns the key in blob, which the caller wipes. It returns ErrMalformed
// if blob is no wrapped key, ErrIntegrity if it was wrapped by another key, in
// another epoch, or for another purpose or place.
func Unwrap(kek *[KeySize]byte, purpose uint8, epoch uint32, c WrapContext, blob []byte) ([]byte, error) {
	stored, err := WrapEpoch(blob)
	if err != nil {
		return nil, err
	}
	if stored != epoch || blob[wrapPurpose] != purpose {
		return nil, ErrIntegrity
	}
	aad := c.bytes(purpose)
	once, err := wrapKey(kek, blob, aad)
	if err != nil {
		return nil, err
	}
	defer clear(once)
	gcm, err := newGCM(once)
	if err != nil {
		return nil, err
	}
	key, err := gcm.Open(nil, blob[wrapNonce:wrapCT], blob[wrapCT:], aad)
	if err != nil {
		return nil, ErrIntegrity
	}
	return key, nil
}

// wrapKey derives the key that blob alone is encrypted with.
func wrapKey(kek *[KeySize]byte, blob, aad []byte) ([]byte, error) {
	once, err := hkdf.Key(sha512.New, kek[:], blob[wrapSalt:wrapNonce], wrapLabel+string(blob[:wrapSalt])+string(aad), KeySize)
	if err != nil {
		return nil, fmt.Errorf("deriving a wrap key: %w", err)
	}
	return once, nil
}
