package main

import (
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/auth"
)

// shell runs the program as its operator does, and returns what it prints.
func shell(t *testing.T, code int, args ...string) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stdout
	os.Stdout = w
	got := run(args)
	os.Stdout = before
	_ = w.Close()
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if got != code {
		t.Errorf("%v exits with %d, want %d: %s", args, got, code, out)
	}
	return string(out)
}

// The operator lists the tenants and ends a trial.
func TestTenantCommands(t *testing.T) {
	config := node.Config{Addr: "127.0.0.1:0", Data: t.TempDir(), KMS: "local", TrialDays: 14}
	n, err := node.Open(t.Context(), config, node.Options{
		Version: "test", Logger: slog.New(slog.DiscardHandler), Argon: auth.Argon{MemoryKiB: 64, Passes: 1, Lanes: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	registered, err := n.Identity.Register(t.Context(), commands.Register{
		Actor: domain.Actor{Kind: domain.ActorAnonymous, Verdict: domain.Judged("")}, Email: "owner@example.com", Password: commands.Secret("marker-password-7Rk2"), Tenant: "Acme",
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("QUANTASEAL_DATA", config.Data)
	t.Setenv("QUANTASEAL_LOG_LEVEL", "error")
	id := registered.Tenant.String()
	if out := shell(t, 0, "tenant", "list"); !strings.Contains(out, id+`  "Acme"  20`) {
		t.Errorf("listed\n%s", out)
	}
	shell(t, 0, "tenant", "activate", id)
	shell(t, 0, "tenant", "activate", id)
	if out := shell(t, 0, "tenant", "list"); !strings.Contains(out, id+`  "Acme"  -`) {
		t.Errorf("listed\n%s", out)
	}
	shell(t, 2, "tenant", "activate", "nobody")
	shell(t, 1, "tenant", "activate", "00000000-0000-4000-8000-000000000001")
}
