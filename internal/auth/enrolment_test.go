package auth_test

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"image/png"
	"strings"
	"testing"

	"github.com/pquerna/otp"

	"github.com/quantaseal/quantaseal/internal/auth"
)

func picture(t *testing.T, uri []byte) []byte {
	t.Helper()
	data, ok := strings.CutPrefix(string(uri), "data:image/png;base64,")
	raw, err := base64.StdEncoding.DecodeString(data)
	if !ok || err != nil {
		t.Fatalf("%.40s… is no PNG in a data URI: %v", uri, err)
	}
	return raw
}

func TestEnrolment(t *testing.T) {
	e, err := auth.NewEnrolment(rfcSecret, "QuantaSeal", "owner+a@müller.example")
	if err != nil {
		t.Fatal(err)
	}
	key, err := otp.NewKeyFromURL(string(e.URI))
	if err != nil {
		t.Fatal(err)
	}
	if key.Type() != "totp" || key.Issuer() != "QuantaSeal" || key.AccountName() != "owner+a@müller.example" || key.Secret() != string(e.Secret) ||
		key.Period() != 30 || key.Digits() != otp.DigitsSix || key.Algorithm() != otp.AlgorithmSHA1 {
		t.Errorf("an app reads %s", e.URI)
	}
	if raw, err := base32.StdEncoding.DecodeString(string(e.Secret)); err != nil || !bytes.Equal(raw, rfcSecret) {
		t.Errorf("the secret to type is %s, %v", e.Secret, err)
	}
	code, err := png.Decode(bytes.NewReader(picture(t, e.QR)))
	if err != nil {
		t.Fatal(err)
	}
	// A scanner finds the code by the light zone around it, and the dark corner within.
	light, dark := 0, 0
	for x := range code.Bounds().Dx() {
		if r, _, _, _ := code.At(x, 10).RGBA(); r == 0xffff {
			light++
		}
		if r, _, _, _ := code.At(x, x).RGBA(); r == 0 {
			dark++
		}
	}
	if code.Bounds().Dx() != 304 || code.Bounds().Dy() != 304 || light != 304 || dark < 40 {
		t.Errorf("the picture is %v, its margin light in %d places, its diagonal dark in %d", code.Bounds(), light, dark)
	}
	other, err := auth.NewEnrolment(bytes.Repeat([]byte{7}, auth.TOTPSecret), "QuantaSeal", "owner+a@müller.example")
	if err != nil || bytes.Equal(picture(t, other.QR), picture(t, e.QR)) {
		t.Errorf("two secrets share a picture, or %v", err)
	}
	e.Wipe()
	for name, b := range map[string][]byte{"secret": e.Secret, "URI": e.URI, "picture": e.QR} {
		if len(b) == 0 || len(bytes.Trim(b, "\x00")) > 0 {
			t.Errorf("the %s is still there", name)
		}
	}
}

// The longest address there can be still fits a picture.
func TestEnrolmentOfALongAddress(t *testing.T) {
	address := strings.Repeat("ü", 32) + "@" + strings.Repeat("a234567890.", 16) + "example"
	if e, err := auth.NewEnrolment(rfcSecret, "QuantaSeal", address); err != nil || len(e.QR) > 16<<10 {
		t.Errorf("got %d bytes and %v", len(e.QR), err)
	}
	for name, try := range map[string]func() (auth.Enrolment, error){
		"no secret":  func() (auth.Enrolment, error) { return auth.NewEnrolment(nil, "QuantaSeal", address) },
		"no issuer":  func() (auth.Enrolment, error) { return auth.NewEnrolment(rfcSecret, "", address) },
		"no account": func() (auth.Enrolment, error) { return auth.NewEnrolment(rfcSecret, "QuantaSeal", "") },
	} {
		if _, err := try(); err == nil {
			t.Errorf("%s: enrolled", name)
		}
	}
}
