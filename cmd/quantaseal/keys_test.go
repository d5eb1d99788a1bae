package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/internal/auth"
	"github.com/quantaseal/quantaseal/internal/kmstest"
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

// The operator moves a deployment to AWS KMS. Before and after it starts with whoever
// holds its keys, and with nobody else.
func TestKeysRewrap(t *testing.T) {
	a := kmstest.NewAWS(t)
	config := node.Config{Addr: "127.0.0.1:0", Data: t.TempDir(), AWSEndpoint: a.URL}
	starts := func(kms, former string, want bool) {
		t.Helper()
		config.KMS, config.FormerKMS = kms, former
		n, err := node.Open(t.Context(), config, node.Options{
			Version: "test", Logger: slog.New(slog.DiscardHandler), Argon: auth.Argon{MemoryKiB: 64, Passes: 1, Lanes: 1},
		})
		if (err == nil) != want {
			t.Errorf("with %s and %q a server starts: %v", kms, former, err)
		}
		if err == nil {
			_ = n.Close()
		}
	}
	aws, other := "aws:"+a.Key, "aws:"+a.Other
	starts("local", "", true)
	starts(aws, "", false)
	t.Setenv("QUANTASEAL_DATA", config.Data)
	t.Setenv("QUANTASEAL_LOG_LEVEL", "error")
	t.Setenv("QUANTASEAL_AWS_ENDPOINT", a.URL)
	shell(t, 2, "keys", "rewrap") // from nowhere
	t.Setenv("QUANTASEAL_FORMER_KMS", "local")
	shell(t, 2, "keys", "rewrap") // from where they are
	t.Setenv("QUANTASEAL_KMS", "aws:alias/mine")
	shell(t, 2, "keys", "rewrap") // to whatever an alias points to
	t.Setenv("QUANTASEAL_KMS", aws)
	a.Break("Encrypt", kmstest.Fault{Deny: true})
	shell(t, 1, "keys", "rewrap")
	a.Mend()
	starts(aws, "local", true)
	shell(t, 0, "keys", "rewrap")
	shell(t, 0, "keys", "rewrap") // which finds nothing
	starts("local", "", false)
	starts(other, "", false)
	starts(other, "local", false)
	starts(aws, "", true)
}
