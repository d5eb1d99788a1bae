package mail_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quantaseal/quantaseal/internal/mail"
)

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func TestOutboxLogsNamesOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "outbox")
	var logs bytes.Buffer
	l := letter(mail.ResetPassword)
	token := string(l.Token)
	o := outbox(t, dir, &logs)
	if err := o.Send(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	const name = "reset-02000000-0000-0000-0000-000000000000-01000000-0000-0000-0000-000000000000.eml"
	if got := names(t, dir); len(got) != 1 || got[0] != name {
		t.Errorf("the outbox holds %v", got)
	}
	if text := logs.String(); !strings.Contains(text, name) || strings.Contains(text, "marker") || strings.Contains(text, token) {
		t.Errorf("logged %s", text)
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, name): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s may be read by others: %v, %v", path, info.Mode(), err)
		}
	}
	if err := o.Send(t.Context(), letter(mail.ResetPassword)); err != nil || len(names(t, dir)) != 1 {
		t.Errorf("the same letter is there twice, or %v", err)
	}
}

// Forget removes what is there of one person's letters, half-written ones too.
func TestOutboxForgets(t *testing.T) {
	dir := t.TempDir()
	o := outbox(t, dir, &bytes.Buffer{})
	mine, other := letter(mail.VerifyAddress), letter(mail.Invitation)
	other.User = [16]byte{3}
	for _, l := range []mail.Letter{mine, letter(mail.MFAEnabled), other} {
		if err := o.Send(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	half := filepath.Join(dir, "reset-02000000-0000-0000-0000-000000000000-09000000-0000-0000-0000-000000000000.eml.part")
	if err := os.WriteFile(half, []byte("To: "+address), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second finds nothing
		if err := o.Forget(t.Context(), mine.User); err != nil {
			t.Fatal(err)
		}
		if got := names(t, dir); len(got) != 1 || !strings.HasPrefix(got[0], "invitation-03000000-") {
			t.Errorf("what is left is %v", got)
		}
	}
	if err := outbox(t, filepath.Join(dir, "none"), &bytes.Buffer{}).Forget(t.Context(), mine.User); err != nil {
		t.Errorf("an outbox that never was: %v", err)
	}
}

func TestOutboxThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l := letter(mail.VerifyAddress)
	err := outbox(t, file, &bytes.Buffer{}).Send(t.Context(), l)
	if err == nil || strings.Contains(err.Error(), "marker") {
		t.Errorf("got %v", err)
	}
	if len(bytes.Trim(l.Token, "\x00")) > 0 {
		t.Error("the token was not cleared")
	}
	if err := outbox(t, file, &bytes.Buffer{}).Forget(t.Context(), l.User); err == nil {
		t.Error("a file is an outbox")
	}
}
