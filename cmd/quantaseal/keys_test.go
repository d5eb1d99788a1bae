package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/internal/auth"
)

// The operator protects the key file, protects it anew, and takes the protection
// away. Only the passphrase of the moment starts a server.
func TestKeysPassphrase(t *testing.T) {
	dir := t.TempDir()
	file := func(name, passphrase string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(passphrase), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	one, two, empty := file("one", "marker-passphrase-1\n"), file("two", "marker-passphrase-2"), file("empty", "\n")
	config := node.Config{Addr: "127.0.0.1:0", Data: filepath.Join(dir, "data"), KMS: "local"}
	starts := func(passphrase string, want bool) {
		t.Helper()
		config.PassphraseFile = passphrase
		n, err := node.Open(t.Context(), config, node.Options{
			Version: "test", Logger: slog.New(slog.DiscardHandler), Argon: auth.Argon{MemoryKiB: 64, Passes: 1, Lanes: 1},
		})
		if (err == nil) != want {
			t.Errorf("with %q a server starts: %v", filepath.Base(passphrase), err)
		}
		if err == nil {
			_ = n.Close()
		}
	}
	starts("", true)
	t.Setenv("QUANTASEAL_DATA", config.Data)
	t.Setenv("QUANTASEAL_LOG_LEVEL", "error")

	for _, args := range [][]string{{}, {"--none", "--new-file", one}, {"--new-file", empty}, {"--new-file", one + "x"}} {
		shell(t, 2, append([]string{"keys", "passphrase"}, args...)...)
	}
	starts("", true)
	shell(t, 0, "keys", "passphrase", "--new-file", one)
	starts("", false)
	shell(t, 1, "keys", "passphrase", "--new-file", two) // without the one that holds
	t.Setenv("QUANTASEAL_KMS_PASSPHRASE_FILE", one)
	shell(t, 0, "keys", "passphrase", "--new-file", two)
	starts(one, false)
	shell(t, 1, "keys", "passphrase", "--none") // with the one that held before
	t.Setenv("QUANTASEAL_KMS_PASSPHRASE_FILE", two)
	shell(t, 0, "keys", "passphrase", "--none")
	starts("", true)
}
