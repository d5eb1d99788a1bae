package auth_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/internal/auth"
)

// rfcSecret is the secret of RFC 6238, appendix B.
var rfcSecret = []byte("12345678901234567890")

func codeAt(t interface{ Fatal(...any) }, secret []byte, at time.Time) []byte {
	code, err := totp.GenerateCode(base32.StdEncoding.EncodeToString(secret), at)
	if err != nil {
		t.Fatal(err)
	}
	return []byte(code)
}

// The vectors of RFC 6238 have eight digits, ours are their last six.
func TestTOTPVectors(t *testing.T) {
	for at, code := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		step, ok := auth.VerifyTOTP(rfcSecret, []byte(code), time.Unix(max(at, 60), 0), 0)
		if !ok || step != uint64(at)/30 {
			t.Errorf("at %d: got step %d, %v", at, step, ok)
		}
	}
}

// A code is accepted within a step of its time and nowhere else, and once.
func TestTOTPIsAcceptedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.SliceOfN(rapid.Byte(), auth.TOTPSecret, auth.TOTPSecret).Draw(t, "secret")
		at := time.Unix(rapid.Int64Range(1e9, 4e9).Draw(t, "at"), 0)
		off := rapid.Int64Range(-5, 5).Draw(t, "off")
		code := codeAt(t, secret, at)
		now := at.Add(time.Duration(off) * 30 * time.Second)
		step, ok := auth.VerifyTOTP(secret, code, now, 0)
		if near := off >= -1 && off <= 1; ok != near {
			// Another step may have the same six digits by chance.
			for s := now.Add(-30 * time.Second); !s.After(now.Add(30 * time.Second)); s = s.Add(30 * time.Second) {
				near = near || bytes.Equal(codeAt(t, secret, s), code)
			}
			if ok != near {
				t.Fatalf("%d steps off: got %v", off, ok)
			}
		}
		if _, again := auth.VerifyTOTP(secret, code, now, step); ok && again {
			t.Fatal("the code was accepted twice")
		}
		if ok && step > 0 {
			if same, before := auth.VerifyTOTP(secret, code, now, step-1); !before || same != step {
				t.Fatal("the code was not accepted after the step before it")
			}
		}
	})
}

func TestTOTPForms(t *testing.T) {
	now := time.Unix(1111111111, 0)
	for text, want := range map[string]bool{
		"050471": true, "050 471": true, " 050471 ": true, "0504711": false, "05047": false, "": false, "05047a": false,
		"050-471": false, "０５０４７１": false, "000000": false, "050471\n": false,
	} {
		if _, ok := auth.VerifyTOTP(rfcSecret, []byte(text), now, 0); ok != want {
			t.Errorf("%q: got %v, want %v", text, ok, want)
		}
	}
	for name, secret := range map[string][]byte{"none": nil, "short": rfcSecret[:19], "long": append([]byte("x"), rfcSecret...)} {
		if _, ok := auth.VerifyTOTP(secret, codeAt(t, rfcSecret, now), now, 0); ok {
			t.Errorf("a secret that is %s proves something", name)
		}
	}
	if _, ok := auth.VerifyTOTP(rfcSecret, codeAt(t, rfcSecret, time.Unix(0, 0)), time.Unix(-1, 0), 0); ok {
		t.Error("a clock before its epoch proves something")
	}
}

func TestTOTPSecret(t *testing.T) {
	a, err := auth.NewTOTPSecret(rand.Reader)
	if err != nil || len(a) != auth.TOTPSecret {
		t.Fatalf("got %d bytes, %v", len(a), err)
	}
	if b, err := auth.NewTOTPSecret(rand.Reader); err != nil || bytes.Equal(a, b) {
		t.Errorf("two users share a secret, or %v", err)
	}
	if _, err := auth.NewTOTPSecret(bytes.NewReader(a[:19])); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}

func FuzzVerifyTOTP(f *testing.F) {
	f.Add([]byte("050471"), int64(1111111111))
	f.Add([]byte("05 04 71"), int64(0))
	f.Fuzz(func(t *testing.T, code []byte, at int64) {
		step, ok := auth.VerifyTOTP(rfcSecret, code, time.Unix(at, 0), 0)
		if ok && !bytes.Equal(codeAt(t, rfcSecret, time.Unix(int64(step)*30, 0)), bytes.ReplaceAll(code, []byte(" "), nil)) {
			t.Fatalf("accepted %q as step %d", code, step)
		}
	})
}
