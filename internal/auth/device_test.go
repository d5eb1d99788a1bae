package auth_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/internal/auth"
)

var deviceKey = bytes.Repeat([]byte("d"), 32)

func deviceToken(tb testing.TB, d auth.Device) []byte {
	tb.Helper()
	token, err := auth.NewDeviceToken(deviceKey, rand.Reader, d, noon)
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

func TestDeviceToken(t *testing.T) {
	account := [16]byte{5}
	token := deviceToken(t, auth.Device{Account: account})
	for after, want := range map[time.Duration]error{
		-time.Minute: auth.ErrUnknownDevice, 0: nil, auth.DeviceLifetime: nil, auth.DeviceLifetime + time.Second: auth.ErrUnknownDevice,
	} {
		d, err := auth.ReadDeviceToken(deviceKey, token, noon.Add(after))
		if !errors.Is(err, want) || err == nil && (d.Account != account || d.ID == [16]byte{}) {
			t.Errorf("after %v: got %v and %v, want %v", after, d, err, want)
		}
	}
	first, err := auth.ReadDeviceToken(deviceKey, token, noon)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := auth.ReadDeviceToken(deviceKey, deviceToken(t, first), noon); err != nil || again != first {
		t.Errorf("a renewed device is %v, %v", again, err)
	}
	if _, err := auth.ReadDeviceToken(pepper, token, noon); !errors.Is(err, auth.ErrUnknownDevice) {
		t.Errorf("under another key: got %v", err)
	}
	if _, err := auth.NewDeviceToken(deviceKey, io.LimitReader(rand.Reader, 1), auth.Device{}, noon); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}

// No device token with a byte changed is believed.
func TestChangedDeviceTokens(t *testing.T) {
	token := deviceToken(t, auth.Device{Account: [16]byte{5}})
	rapid.Check(t, func(t *rapid.T) {
		changed := bytes.Clone(token)
		changed[rapid.IntRange(0, len(token)-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		if _, err := auth.ReadDeviceToken(deviceKey, changed, noon); !errors.Is(err, auth.ErrUnknownDevice) {
			t.Fatalf("got %v", err)
		}
	})
}

func FuzzReadDeviceToken(f *testing.F) {
	known := deviceToken(f, auth.Device{Account: [16]byte{5}, ID: [16]byte{7}}) // the same in every process
	f.Add(known)
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, token []byte) {
		if _, err := auth.ReadDeviceToken(deviceKey, token, noon); err == nil && !bytes.Equal(token, known) {
			t.Fatalf("accepted %q", token)
		}
	})
}
