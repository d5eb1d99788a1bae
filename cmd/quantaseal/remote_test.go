package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quantaseal/quantaseal/client"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// typed is shell with something on standard input.
func typed(t *testing.T, input string, code int, args ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "input")
	if err := os.WriteFile(file, []byte(input), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stdin
	os.Stdin = f
	defer func() { os.Stdin = before; _ = f.Close() }()
	return shell(t, code, args...)
}

// A person works with a vault from a shell, and a script with an API key.
func TestClientCommands(t *testing.T) {
	v := vaulttest.New(t)
	a := v.Register(t, "owner@example.com")
	kept := filepath.Join(t.TempDir(), "deep", "logins.json")
	t.Setenv("QUANTASEAL_API_URL", v.URL)
	t.Setenv(loginsVariable, kept)
	t.Setenv(apiKeyVariable, "")
	t.Setenv("QUANTASEAL_DATA", t.TempDir())

	typed(t, "", 1, "list")
	typed(t, "wrong\n", 1, "login", a.Email)
	if out := typed(t, vaulttest.Password+"\n", 0, "login", a.Email); !strings.Contains(out, a.TenantID) {
		t.Errorf("login says %s", out)
	}
	info, err := os.Stat(kept)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the login is kept as %v: %v", info, err)
	}
	id := strings.TrimSpace(typed(t, `{"user":"app","password":"hunter2"}`, 0, "seal", "db", "--type", "database", "--ttl-days", "90"))
	if out := typed(t, "", 0, "list"); !strings.Contains(out, id) || strings.Contains(out, "hunter2") {
		t.Errorf("list says %s", out)
	}
	if out := typed(t, "", 0, "unseal", id, "--member", "password"); out != "hunter2\n" {
		t.Errorf("unseal says %s", out)
	}
	typed(t, "", 1, "unseal", id, "--member", "nothing")

	// A login that is over is renewed, whoever asks next.
	file, err := openLogins()
	if err != nil {
		t.Fatal(err)
	}
	for server, l := range file.logins {
		l.ExpiresAt = l.ExpiresAt.AddDate(-1, 0, 0)
		file.logins[server] = l
	}
	old := file.logins[v.URL]
	if err := file.keep("https://elsewhere.example.com", client.Session{AccessToken: old.AccessToken, RefreshToken: old.RefreshToken}); err != nil {
		t.Fatal(err)
	}
	file.close()
	typed(t, "", 0, "list", "--all", "--json")
	if file, err = openLogins(); err != nil || string(file.logins[v.URL].RefreshToken) == string(old.RefreshToken) || len(file.logins) != 2 {
		t.Errorf("the login was not renewed: %v", err)
	}
	file.close()

	text := strings.TrimSpace(typed(t, "just a text\n", 0, "seal", "text"))
	script := `test "$A" = hunter2 && test "$B" = "just a text" && test -z "$QUANTASEAL_API_KEY" && exit 7`
	t.Setenv(apiKeyVariable, a.Key)
	typed(t, "", 7, "run", "-s", "A="+id+".password", "-s", "B="+text, "--", "sh", "-c", script)
	typed(t, "", 1, "run", "-s", "A="+id, "--", "true") // which of two members?
	typed(t, "", 1, "run", "-s", "A=cred_"+strings.Repeat("0", 32), "--", "true")
	typed(t, "new value", 0, "rotate", text, "--new")
	typed(t, "", 0, "rotate", text)
	if out := typed(t, "", 0, "unseal", text, "--member", "value"); out != "new value\n" {
		t.Errorf("after two rotations: %s", out)
	}
	data := "bytes \x00\xff, whatever they are\n"
	if out := typed(t, typed(t, data, 0, "encrypt", "--context", "purpose=test"), 0, "decrypt"); out != data {
		t.Errorf("decrypted %q", out)
	}
	typed(t, "qs1.nothing", 1, "decrypt")
	typed(t, "", 0, "delete", id, "--retire")
	if out := typed(t, "", 0, "delete", text); strings.Count(out, ":") != 1 {
		t.Errorf("delete says %s", out)
	}
	typed(t, "", 1, "unseal", text)

	t.Setenv(apiKeyVariable, "")
	if err := os.Chmod(kept, 0o644); err != nil {
		t.Fatal(err)
	}
	typed(t, "", 1, "list")
	if err := os.Chmod(kept, 0o600); err != nil {
		t.Fatal(err)
	}
	typed(t, "", 0, "logout")
	typed(t, "", 1, "logout")
	typed(t, "", 1, "list", "--api-url", "http://vault.example.com") // not in clear
}
