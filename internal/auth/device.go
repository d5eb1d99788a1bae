package auth

import (
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// DeviceLifetime is how long a browser counts as known after a login.
const DeviceLifetime = 180 * 24 * time.Hour

// ErrUnknownDevice reports a token that is not ours, has been changed, or is too old.
var ErrUnknownDevice = errors.New("unknown device")

// Device is a browser in which a user logged in before.
type Device struct {
	Account [16]byte // AccountRef of the address that logged in
	ID      [16]byte // of this browser, so that its failures can be counted apart
}

// A device token is the device, when it was made, and a MAC, in base64url
// without padding.
const (
	deviceNames  = 32 + 8
	deviceBytes  = deviceNames + 32
	deviceLength = 96
)

// NewDeviceToken returns the token of d, made at now. A zero d.ID is drawn from
// random. The token opens nothing: it tells the owner's browser from a stranger's
// while the account is guessed at.
func NewDeviceToken(key []byte, random io.Reader, d Device, now time.Time) ([]byte, error) {
	if d.ID == ([16]byte{}) {
		if _, err := io.ReadFull(random, d.ID[:]); err != nil {
			return nil, fmt.Errorf("drawing a device id: %w", err)
		}
	}
	b := make([]byte, 0, deviceBytes)
	b = append(append(b, d.Account[:]...), d.ID[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(now.Unix()))
	sum := deviceMAC(key, b)
	return strict64.AppendEncode(make([]byte, 0, deviceLength), append(b, sum[:]...)), nil
}

// ReadDeviceToken returns the device of a token that was made with key at most
// DeviceLifetime before now, or ErrUnknownDevice.
func ReadDeviceToken(key, token []byte, now time.Time) (Device, error) {
	if len(token) != deviceLength {
		return Device{}, ErrUnknownDevice
	}
	var b [deviceBytes]byte
	if n, err := strict64.Decode(b[:], token); err != nil || n != deviceBytes {
		return Device{}, ErrUnknownDevice
	}
	sum := deviceMAC(key, b[:deviceNames])
	if subtle.ConstantTimeCompare(sum[:], b[deviceNames:]) != 1 {
		return Device{}, ErrUnknownDevice
	}
	age := now.Unix() - int64(binary.BigEndian.Uint64(b[32:deviceNames]))
	if age < -int64(clockSkew/time.Second) || age > int64(DeviceLifetime/time.Second) {
		return Device{}, ErrUnknownDevice
	}
	return Device{[16]byte(b[:16]), [16]byte(b[16:32])}, nil
}

func deviceMAC(key, names []byte) [32]byte {
	return mac(key, []byte("quantaseal/v1/device\x00"), names)
}
