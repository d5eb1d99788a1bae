package vaulttest_test

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/backup"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
	stored "github.com/quantaseal/quantaseal/internal/verify"
)

// drill is a deployment that is backed up, lost and restored on another engine.
type drill struct {
	*scene
	v       *vaulttest.Vault
	backups string
	kept    vaulttest.Entry
	gone    vaulttest.Entry
}

func (d *drill) backup(t *testing.T) string {
	t.Helper()
	path, err := node.Backup(t.Context(), d.config, node.BackupOptions{
		Dir: d.backups, KeepKeys: 7 * 24 * time.Hour, Version: "test", Logger: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// restored returns the configuration of a new deployment with a backup in it, and
// with the anchors of the old one.
func (d *drill) restored(t *testing.T, o node.RestoreOptions) node.Config {
	t.Helper()
	c := d.config
	c.Data = t.TempDir()
	if c.DatabaseURL == "" {
		c.DatabaseURL = vaulttest.Postgres(t)
	} else {
		c.Anchors, c.DatabaseURL = c.DatabaseURL, ""
	}
	o.Logger, o.Now = slog.New(slog.DiscardHandler), time.Now
	if _, err := node.Restore(t.Context(), c, o); err != nil {
		t.Fatal(err)
	}
	if _, err := node.Restore(t.Context(), c, o); err == nil {
		t.Error("a backup was restored over another one")
	}
	return c
}

// opens fails t unless what was kept opens, and what was deleted does not, as all
// verifications say.
func (d *drill) opens(t *testing.T, v *vaulttest.Vault) {
	t.Helper()
	c := v.As(d.account.Key)
	if got := value(t, c, d.kept.CredentialID); got != `{"k":"second"}` {
		t.Errorf("it holds %s", got)
	}
	c.Must(t, http.StatusForbidden, http.MethodGet, vaultPath+d.gone.ID, nil)
	if r, err := v.Verifier.Tenant(t.Context(), d.tenant, stored.Options{Orphans: true}); err != nil || !r.Sound() {
		t.Errorf("a verification finds %+v, %v", r, err)
	}
}

// A backup is made while the server runs and is restored on another engine. It opens
// what was sealed. An older one is refused until the operator gives up what it lacks,
// and that is shown for ever.
func TestBackupIsRestored(t *testing.T) {
	t.Parallel()
	play := func(t *testing.T, c node.Config) {
		t.Helper()
		c.Addr, c.Data, c.KMS = "127.0.0.1:0", t.TempDir(), "local:"+t.TempDir()
		if c.DatabaseURL == "" {
			c.Anchors = t.TempDir()
		}
		v := vaulttest.Start(t, c)
		a := v.Register(t, "owner@example.com")
		d := &drill{v: v, backups: t.TempDir(), scene: &scene{config: v.Config, account: a, other: a, tenant: tenantID(t, a.TenantID)}}
		d.kept = a.Seal(t, "kept", `{"k":"first"}`)
		d.gone = a.Seal(t, "gone", `{"k":"v"}`)
		a.Must(t, http.StatusOK, http.MethodPost, vaultPath+"rotate/"+d.kept.ID, `{"values":{"k":"second"}}`)
		a.Must(t, http.StatusOK, http.MethodDelete, vaultPath+d.gone.ID, nil)

		system := watch(t, v, "")
		older := d.backup(t)
		kept := headsOf(t, v.Log, d.tenant)[d.tenant].Next
		d.noted(t, system, "BACKUP_COMPLETED")
		tested, err := node.Drill(t.Context(), d.config, node.RestoreOptions{From: older, Logger: slog.New(slog.DiscardHandler), Now: time.Now}, func(stored.Report) {})
		if err != nil || !tested.HeadMatch || !tested.RowsMatch {
			t.Errorf("the drill says %+v, %v", tested, err)
		}
		d.noted(t, system, "RESTORE_TESTED")
		if got := checkResult(t, v, a, "QS-DATA-03"); got != "pass" {
			t.Errorf("QS-DATA-03 is %s", got)
		}
		a.Seal(t, "late", `{"k":"v"}`)
		id := v.Ring.LogID()
		summary, _ := verify(t, export(t, a.Client), chain.Options{LogID: &id})
		d.verified = summary.End
		lost := headsOf(t, v.Log, d.tenant)[d.tenant].Next - 1
		newest := d.backup(t)
		if err := v.Anchors.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		v.Stop()

		if err := os.Remove(backup.Path(older, backup.Keys)); err != nil { // they are kept for a shorter time
			t.Fatal(err)
		}
		present := d.restored(t, node.RestoreOptions{From: newest})
		quiet := node.Options{Version: "test", Logger: slog.New(slog.DiscardHandler)}
		if losses, err := node.Missing(t.Context(), present, quiet); err != nil || len(losses) > 0 {
			t.Errorf("of the newest backup is missing: %+v, %v", losses, err)
		}
		whole := vaulttest.Start(t, present)
		d.opens(t, whole)
		whole.As(a.Key).Must(t, http.StatusOK, http.MethodGet, "/health", nil)
		whole.Stop()

		d.config = d.restored(t, node.RestoreOptions{From: older, Keys: newest})
		// What was restored first went on, on the record: it was anchored last.
		losses, err := node.Missing(t.Context(), d.config, quiet)
		if err != nil || len(losses) == 0 {
			t.Fatalf("nothing is missing: %+v, %v", losses, err)
		}
		for _, l := range losses {
			if l.Tenant == d.tenant {
				lost = max(lost, l.Next-1)
			}
		}
		d.refused(t, d.tenant, kept, "V23")
		if _, err := d.recovered(t); err != nil {
			t.Fatal(err)
		}
		again := vaulttest.Start(t, d.config)
		d.opens(t, again)
		summary, found := verify(t, export(t, again.As(a.Key)), chain.Options{LogID: &id})
		if diff := cmp.Diff([]chain.Range{{From: kept, To: lost}}, summary.Lost); diff != "" || len(found) > 0 {
			t.Errorf("an auditor finds %v, lost (-want +got):\n%s", found, diff)
		}
	}
	t.Run("sqlite to postgres", func(t *testing.T) { t.Parallel(); play(t, node.Config{}) })
	t.Run("postgres to sqlite", func(t *testing.T) { t.Parallel(); play(t, node.Config{DatabaseURL: vaulttest.Postgres(t)}) })
}

// noted fails t unless what a command noted goes on the record, once.
func (d *drill) noted(t *testing.T, system *witness, want string) {
	t.Helper()
	options := node.Options{Version: "test", Logger: slog.New(slog.DiscardHandler)}
	recorded, err := node.RecordNotes(context.WithoutCancel(t.Context()), d.config, options)
	if err != nil || recorded != (d.config.DatabaseURL != "") {
		t.Fatalf("recorded by the command: %v, %v", recorded, err)
	}
	for range 2 {
		if err := d.v.Jobs(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for _, f := range system.since(t) {
		if f.Header.EventType != want {
			continue
		}
		n++
		switch e := f.Event.(type) {
		case domain.BackupCompleted:
			if !e.Encrypted || e.Events == 0 || e.ChainHead == (domain.Digest{}) || e.SHA3 == (domain.Digest{}) {
				t.Errorf("recorded %+v", e)
			}
		case domain.RestoreTested:
			if !e.HeadMatch || !e.RowsMatch {
				t.Errorf("recorded %+v", e)
			}
		}
	}
	if n != 1 {
		t.Errorf("%s stands %d times on the record", want, n)
	}
}
