package mail_test

import (
	"bytes"
	"io"
	"log/slog"
	"mime"
	"mime/quotedprintable"
	netmail "net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/internal/mail"
)

const (
	api     = "https://vault.example"
	address = "owner+marker@example.com"
)

var (
	noon  = time.Date(2026, 5, 24, 12, 0, 0, 0, time.UTC)
	kinds = []mail.Kind{
		mail.VerifyAddress, mail.AccountExists, mail.ResetPassword, mail.Invitation,
		mail.PasswordChanged, mail.MFAEnabled, mail.MFADisabled, mail.BackupCodeUsed,
		mail.NewDevice, mail.Notice,
	}
	withToken = map[mail.Kind]bool{mail.VerifyAddress: true, mail.ResetPassword: true, mail.Invitation: true}
)

func letter(kind mail.Kind) mail.Letter {
	return mail.Letter{
		ID: [16]byte{1}, User: [16]byte{2}, Kind: kind, To: address, Tenant: "Acme & Söhne",
		Token: []byte(strings.Repeat("marker_token-", 7)[:87]), Expires: noon.Add(24 * time.Hour),
		About: "MFA_DISABLED", Seq: 7, At: noon, Whom: [16]byte{3}, IP: "203.0.113.7", Agent: "curl/8 https://evil.example/\r\nBcc: x",
	}
}

func outbox(t testing.TB, dir string, logs io.Writer) *mail.Outbox {
	t.Helper()
	from, err := mail.ParseFrom("QuantaSeal Söhne <noreply@vault.example>")
	if err != nil {
		t.Fatal(err)
	}
	return &mail.Outbox{Dir: dir, From: from, API: api, Now: func() time.Time { return noon }, Logger: slog.New(slog.NewTextHandler(logs, nil))}
}

// sent returns the one letter in an outbox as a mail program reads it.
func sent(t interface {
	Helper()
	Fatalf(string, ...any)
}, dir string,
) (netmail.Header, string, []byte) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%d letters in the outbox, %v", len(files), err)
	}
	raw, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatalf("%v", err)
	}
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("no message: %v", err)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		t.Fatalf("no body: %v", err)
	}
	return m.Header, strings.ReplaceAll(string(body), "\r\n", "\n"), raw
}

func TestLettersAreWellFormed(t *testing.T) {
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			dir, l := t.TempDir(), letter(kind)
			token := string(l.Token)
			if err := outbox(t, dir, io.Discard).Send(t.Context(), l); err != nil {
				t.Fatal(err)
			}
			header, body, raw := sent(t, dir)
			for name, want := range map[string]string{
				"Date": "Sun, 24 May 2026 12:00:00 +0000", "To": "<" + address + ">", "Auto-Submitted": "auto-generated",
				"Message-Id": "<01000000-0000-0000-0000-000000000000@vault.example>", "Mime-Version": "1.0",
				"Content-Type": "text/plain; charset=utf-8", "Content-Transfer-Encoding": "quoted-printable",
			} {
				if got := header.Get(name); got != want || len(header[name]) != 1 {
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
			from, err := netmail.ParseAddress(header.Get("From"))
			if err != nil || from.Name != "QuantaSeal Söhne" || from.Address != "noreply@vault.example" {
				t.Errorf("from %v, %v", from, err)
			}
			subject, err := new(mime.WordDecoder).DecodeHeader(header.Get("Subject"))
			if err != nil || !strings.Contains(subject, "QuantaSeal") || len(header) != 9 {
				t.Errorf("subject %q among %d headers, %v", subject, len(header), err)
			}
			if got := strings.Contains(body, "\n    "+token+"\n"); got != withToken[kind] {
				t.Errorf("token in the text: %v\n%s", got, body)
			}
			if shows := strings.Contains(body, "Acme & Söhne"); shows != (kind == mail.Invitation || kind == mail.Notice) {
				t.Errorf("tenant in the text: %v", shows)
			}
			if len(body) < 100 || strings.Contains(body, "%!") || strings.Contains(body, address) {
				t.Errorf("the text is %q", body)
			}
			for line := range bytes.SplitSeq(raw, []byte("\r\n")) {
				if len(line) > 120 || bytes.ContainsAny(line, "\r\n") || !utf8Free(line) {
					t.Errorf("line %q", line)
				}
			}
			if len(bytes.Trim(l.Token, "\x00")) > 0 {
				t.Error("the token was not cleared")
			}
		})
	}
}

func utf8Free(line []byte) bool {
	return !bytes.ContainsFunc(line, func(r rune) bool { return r > 126 })
}

var link = regexp.MustCompile(`(?i)[\p{L}\d]\.[\p{L}]|://|@|<`)

// Whatever a tenant calls itself, its letters hold our headers, our words and no
// link but ours.
func TestTenantNamesAdvertiseNothing(t *testing.T) {
	dir := t.TempDir()
	name := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		"Click https://evil.example/win", "evil.example", "a\r\nBcc: b@evil.example\r\n\r\n<html>", "=?utf-8?q?x?=", strings.Repeat("ü", 200),
		"1․evil", "evil。example", "%s%n", "\u202egnp.exe",
	}))
	if err := outbox(t, dir, io.Discard).Send(t.Context(), letter(mail.Invitation)); err != nil {
		t.Fatal(err)
	}
	_, plain, _ := sent(t, dir)
	before, after, _ := strings.Cut(plain, `"Acme & Söhne"`)
	rapid.Check(t, func(rt *rapid.T) {
		l := letter(mail.Invitation)
		l.Tenant = name.Draw(rt, "name")
		if err := outbox(t, dir, io.Discard).Send(t.Context(), l); err != nil {
			rt.Fatal(err)
		}
		header, body, _ := sent(rt, dir)
		shown, isOurs := strings.CutPrefix(body, before+`"`)
		shown, alsoEnds := strings.CutSuffix(shown, `"`+after)
		if len(header) != 9 || !isOurs || !alsoEnds || link.MatchString(shown) || len([]rune(shown)) > 60 {
			rt.Fatalf("%q reads %q", l.Tenant, shown)
		}
	})
}

func TestAddressesCannotAddHeaders(t *testing.T) {
	for _, to := range []string{"a@b.example\r\nBcc: c@d.example", "a@b.example>, <c@d.example", "a\n@b.example"} {
		l := letter(mail.AccountExists)
		l.To = to
		dir := t.TempDir()
		err := outbox(t, dir, io.Discard).Send(t.Context(), l)
		if err == nil || strings.Contains(err.Error(), "b.example") {
			t.Errorf("%q: got %v", to, err)
		}
		if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
			t.Errorf("%q was written: %v", to, err)
		}
	}
}

func TestParseFrom(t *testing.T) {
	for text, want := range map[string]string{
		"a@b.example": "a@b.example", "QuantaSeal <a@b.example>": "a@b.example", "": "", "a": "", "a@b.example, c@d.example": "",
		"X <a@b.example>\r\nBcc: c@d.example": "", "QuantaSeal": "",
	} {
		from, err := mail.ParseFrom(text)
		got := ""
		if err == nil {
			got = from.Address
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}
