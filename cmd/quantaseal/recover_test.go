package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/auth"
)

// The operator is shown what an older database lacks, and has to say that it is to be
// given up. A tenant who came later is gone, and another one may come.
func TestRecoverCommand(t *testing.T) {
	config := node.Config{Addr: "127.0.0.1:0", Data: t.TempDir(), KMS: "local"}
	tenants := map[string]string{}
	register := func(email string) {
		t.Helper()
		n, err := node.Open(t.Context(), config, node.Options{
			Version: "test", Logger: slog.New(slog.DiscardHandler), Argon: auth.Argon{MemoryKiB: 64, Passes: 1, Lanes: 1},
		})
		if err != nil {
			t.Fatal(err)
		}
		session, err := n.Identity.Register(t.Context(), commands.Register{
			Actor: domain.Actor{Kind: domain.ActorAnonymous, Verdict: domain.Judged("")}, Email: email,
			Password: commands.Secret("marker-password-7Rk2"), Tenant: "Acme",
		})
		if err != nil {
			t.Fatal(err)
		}
		tenants[email] = session.Tenant.String()
		if err := n.Anchors.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	}
	register("first@example.com")
	events, backup := filepath.Join(config.Data, "events.db"), filepath.Join(t.TempDir(), "backup.db")
	move := func(from, to string) {
		t.Helper()
		data, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{to, to + "-wal", to + "-shm"} {
			_ = os.Remove(name) // or it is not there
		}
		if err := os.WriteFile(to, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	move(events, backup)
	register("second@example.com")
	move(backup, events)
	t.Setenv("QUANTASEAL_DATA", config.Data)
	t.Setenv("QUANTASEAL_LOG_LEVEL", "error")
	for _, step := range []struct {
		code int
		args []string
	}{{1, []string{"recover"}}, {0, []string{"recover", "--accept-loss"}}} {
		out := shell(t, step.code, step.args...)
		if !strings.Contains(out, "00000000-0000-0000-0000-000000000000  seq 3 to 4\n") || !strings.Contains(out, tenants["second@example.com"]+"  everything\n") ||
			strings.Contains(out, tenants["first@example.com"]) {
			t.Errorf("%v prints\n%s", step.args, out)
		}
	}
	if out := shell(t, 0, "recover"); out != "" {
		t.Errorf("recovered, it still has lost\n%s", out)
	}
	register("second@example.com")
	if out := shell(t, 0, "tenant", "list"); !strings.Contains(out, "3      "+tenants["second@example.com"]) {
		t.Errorf("listed\n%s", out)
	}
}
