package vaulttest_test

import (
	"bytes"
	"io"
	"mime/quotedprintable"
	"net/http"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// factor is a second factor as its owner's app and drawer hold it.
type factor struct {
	Secret string   `json:"secret"`
	QR     string   `json:"qr_code"`
	URI    string   `json:"qr_code_url"`
	Codes  []string `json:"backup_codes"`
}

func (f factor) code(t testing.TB, at time.Time) string {
	t.Helper()
	code, err := totp.GenerateCode(f.Secret, at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// enrol gives a user a second factor, and returns it with a fresh client of the
// session.
func enrol(t testing.TB, v *vaulttest.Vault, c *clock, session *vaulttest.Client) (factor, *vaulttest.Client) {
	t.Helper()
	var f factor
	session.Must(t, http.StatusOK, http.MethodPost, authPath+"mfa/setup", nil).Into(t, &f)
	var got struct {
		Token string `json:"token"`
	}
	session.Must(t, http.StatusOK, http.MethodPost, authPath+"mfa/verify", map[string]string{"totp_code": f.code(t, c.now())}).Into(t, &got)
	return f, v.As(got.Token)
}

// letters returns the texts of the letters of a kind in a vault's outbox, once all
// that are due are there.
func letters(t testing.TB, v *vaulttest.Vault, kind string) []string {
	t.Helper()
	settled(t, v)
	files, err := filepath.Glob(filepath.Join(v.Data, "outbox", kind+"-*.eml"))
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		m, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(m.Body))
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	return texts
}

var proofLine = regexp.MustCompile(`(?m)^    ([0-9A-Za-z_-]{87})\r?$`)

// proofIn returns the one-time token that a letter carries.
func proofIn(t testing.TB, text string) string {
	t.Helper()
	m := proofLine.FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no token in %q", text)
	}
	return m[1]
}

// another returns a token of the same form that was not sent.
func another(token string) string {
	last := "A" // one in sixteen ends so
	if token[86:] == last {
		last = "E"
	}
	return token[:86] + last
}

// idOf returns the id that an answer gave.
func idOf(t testing.TB, text string) domain.ID {
	t.Helper()
	id, err := domain.ParseID(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
