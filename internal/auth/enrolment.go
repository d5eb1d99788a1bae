package auth

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
)

// The size of a QR code without and with its quiet zone, in pixels.
const (
	qrSize   = 256
	qrMargin = 24
)

// Enrolment is a TOTP secret in the three forms that reach an authenticator app.
// Each holds the secret: show it once, and wipe it.
type Enrolment struct {
	Secret []byte // base32 without padding, to be typed
	URI    []byte // otpauth://totp/…
	QR     []byte // the URI as a QR code: a PNG in a data: URI
}

// NewEnrolment returns the forms of secret for an app that shall show it as
// account at issuer. Neither may be empty, and issuer holds no colon.
func NewEnrolment(secret []byte, issuer, account string) (Enrolment, error) {
	if len(secret) != TOTPSecret {
		return Enrolment{}, errTOTPSecret
	}
	key, err := totp.Generate(totp.GenerateOpts{
		Issuer: issuer, AccountName: account, Secret: secret,
		Period: totpStep, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1,
	})
	if err != nil {
		return Enrolment{}, fmt.Errorf("naming a TOTP secret: %w", err)
	}
	code, err := key.Image(qrSize, qrSize)
	if err != nil {
		return Enrolment{}, fmt.Errorf("drawing a QR code: %w", err)
	}
	picture := new(bytes.Buffer)
	if err := png.Encode(picture, framed(code)); err != nil {
		return Enrolment{}, fmt.Errorf("drawing a QR code: %w", err)
	}
	defer clear(picture.Bytes())
	return Enrolment{
		Secret: unpadded32.AppendEncode(nil, secret),
		URI:    []byte(key.URL()),
		QR:     base64.StdEncoding.AppendEncode([]byte("data:image/png;base64,"), picture.Bytes()),
	}, nil
}

// Wipe overwrites all forms.
func (e *Enrolment) Wipe() {
	clear(e.Secret)
	clear(e.URI)
	clear(e.QR)
}

// framed returns code in black and white with the quiet zone that scanners need.
func framed(code image.Image) image.Image {
	side := qrSize + 2*qrMargin
	frame := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	draw.Draw(frame, code.Bounds().Add(image.Pt(qrMargin, qrMargin)), code, code.Bounds().Min, draw.Src)
	return frame
}

var unpadded32 = base32.StdEncoding.WithPadding(base32.NoPadding)
