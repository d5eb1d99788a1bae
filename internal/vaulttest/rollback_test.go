package vaulttest_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
	"github.com/quantaseal/quantaseal/migrations"
)

// scene is a stopped deployment, whose anchors lie outside of its databases.
type scene struct {
	config   node.Config
	account  *vaulttest.Account
	tenant   domain.TenantID
	other    *vaulttest.Account
	middle   eventstore.Position // of the log, some time before it stopped
	heads    map[domain.TenantID]chain.Head
	heads0   map[domain.TenantID]chain.Head // in the middle
	verified chain.Verified                 // what an auditor of the account keeps
}

// scenes runs f on a scene of each engine.
func scenes(t *testing.T, f func(t *testing.T, s *scene)) {
	t.Helper()
	play := func(t *testing.T, c node.Config) {
		t.Helper()
		c.Addr, c.Data, c.KMS = "127.0.0.1:0", t.TempDir(), "local:"+t.TempDir()
		if c.DatabaseURL == "" {
			c.Anchors = t.TempDir()
		}
		v := vaulttest.Start(t, c)
		s := &scene{config: c, account: v.Register(t, "owner@example.com"), other: v.Register(t, "other@example.com")}
		s.tenant = tenantID(t, s.account.TenantID)
		export(t, s.account.Client)
		var err error
		if s.middle, err = v.Log.Last(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.heads0 = headsOf(t, v.Log, domain.TenantID{}, s.tenant, tenantID(t, s.other.TenantID))
		s.other.Seal(t, "other's", `{"k":"v"}`)
		s.account.Seal(t, "late", `{"k":"v"}`)
		id := v.Ring.LogID()
		summary, _ := verify(t, export(t, s.account.Client), chain.Options{LogID: &id})
		s.verified = summary.End
		s.heads = headsOf(t, v.Log, domain.TenantID{}, s.tenant, tenantID(t, s.other.TenantID))
		v.Stop()
		f(t, s)
	}
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); play(t, node.Config{}) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); play(t, node.Config{DatabaseURL: vaulttest.Postgres(t)}) })
}

func headsOf(t *testing.T, log *eventstore.Log, tenants ...domain.TenantID) map[domain.TenantID]chain.Head {
	t.Helper()
	heads := map[domain.TenantID]chain.Head{}
	for _, tenant := range tenants {
		head, err := log.Head(t.Context(), tenant)
		if err != nil {
			t.Fatal(err)
		}
		heads[tenant] = head
	}
	return heads
}

// cut removes records as whoever owns the database can.
func (s *scene) cut(t *testing.T, where string, args ...any) {
	t.Helper()
	s.forced(t, func(statement func(string, ...any)) { statement(`DELETE FROM events WHERE `+where, args...) })
}

// forced has f run statements with nothing in its way.
func (s *scene) forced(t *testing.T, f func(statement func(text string, args ...any))) {
	t.Helper()
	db := underneath(t, s.config, migrations.Events)
	off, on := []string{`ALTER TABLE events DISABLE TRIGGER ALL`}, []string{`ALTER TABLE events ENABLE ALWAYS TRIGGER events_keep`}
	if s.config.DatabaseURL == "" {
		off = []string{`DROP TRIGGER events_no_delete`, `DROP TRIGGER events_no_update`}
		on = []string{
			`CREATE TRIGGER events_no_delete BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'kept'); END`,
			`CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'kept'); END`,
		}
	}
	for _, text := range off {
		run(t, db, text)
	}
	f(func(text string, args ...any) { run(t, db, text, args...) })
	for _, text := range on {
		run(t, db, text)
	}
	_ = db.Close()
}

func run(t *testing.T, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// forgetViews leaves read models that say what the log says now.
func (s *scene) forgetViews(t *testing.T) {
	t.Helper()
	if s.config.DatabaseURL != "" {
		run(t, underneath(t, s.config, migrations.Views), `DROP SCHEMA views CASCADE`)
		return
	}
	files, err := filepath.Glob(filepath.Join(s.config.Data, "views.db*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
}

// refused fails t unless the server starts and refuses to go on, naming tenant,
// sequence number and check, and whatever leaves a fact gets the same answer.
func (s *scene) refused(t *testing.T, tenant domain.TenantID, seq uint64, check string) {
	t.Helper()
	v := vaulttest.Start(t, s.config)
	want := fmt.Sprintf("ROLLBACK_DETECTED: nothing is recorded until the operator decides\" tenant=%s seq=%d check=%s ", chain.FormatUUID(tenant.ID), seq, check)
	if text := v.Logs.String(); !strings.Contains(text, want) {
		t.Errorf("the log does not say\n%s\nbut\n%s", want, text)
	}
	before, err := v.Log.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Views.Passed(t.Context(), before); err != nil { // they may be folded anew
		t.Fatal(err)
	}
	c := v.As(s.other.Key)
	for request, body := range map[string]string{
		"POST /api/v2/vault/seal": `{"name":"n","secret":"s"}`, "GET /api/v2/vault/list": "", "GET /api/v2/audit/logs": "",
		"POST /api/v2/auth/login": `{"email":"other@example.com","password":"` + vaulttest.Password + `"}`, "POST /api/v2/audit/export": `{"format":"bundle"}`,
	} {
		method, path, _ := strings.Cut(request, " ")
		answer := c.Do(t, method, path, body)
		if answer.Status != http.StatusServiceUnavailable || !strings.Contains(string(answer.Body), `"rollback_detected"`) {
			t.Errorf("%s: got %d %.200s", request, answer.Status, answer.Body)
		}
	}
	if a := v.As("").Do(t, http.MethodGet, "/health", nil); a.Status != http.StatusServiceUnavailable {
		t.Errorf("/health says %d %s", a.Status, a.Body)
	}
	row, _ := checkpoint(t, v, c) // what was anchored can still be seen
	if row.Size < s.verified.Checkpoint.Size {
		t.Errorf("the checkpoint is of %d, after one of %d", row.Size, s.verified.Checkpoint.Size)
	}
	if after, err := v.Log.Last(t.Context()); err != nil || after != before {
		t.Errorf("the log goes from %d to %d, %v", before, after, err)
	}
	v.Stop()
}

// found exports a chain as the operator does, and returns what qsverify finds.
func (s *scene) found(t *testing.T, tenant domain.TenantID, o chain.Options) []chain.Finding {
	t.Helper()
	n, err := node.Open(t.Context(), s.config, node.Options{Version: "test", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = n.Close() }()
	var bundle strings.Builder
	if err := n.Export(context.WithoutCancel(t.Context()), &bundle, tenant, "bundle", 0, nil); err != nil {
		t.Fatal(err)
	}
	_, found := verify(t, []byte(bundle.String()), o)
	return found
}

// One tenant's newest event is cut off.
func TestCutTailIsDetected(t *testing.T) {
	t.Parallel()
	scenes(t, func(t *testing.T, s *scene) {
		last := s.heads[s.tenant].Next - 1
		s.cut(t, `tenant_id = $1 AND seq = $2`, s.tenant.ID[:], int64(last))
		s.refused(t, s.tenant, last, "V23")
		if found := s.found(t, s.tenant, chain.Options{}); len(found) != 1 || found[0].Check != "V23" || found[0].Seq != last-1 || found[0].Tenant != s.tenant.ID {
			t.Errorf("the bundle, with no receipt at hand, gives %v", found)
		}
	})
}

// An old database is started, with read models that agree with it.
func TestOldDatabaseIsDetected(t *testing.T) {
	t.Parallel()
	scenes(t, func(t *testing.T, s *scene) {
		s.cut(t, `pos > $1`, int64(s.middle))
		s.forgetViews(t)
		s.refused(t, s.tenant, s.heads0[s.tenant].Next, "V23")
	})
}

// Everything of one tenant is removed.
func TestLostTenantIsDetected(t *testing.T) {
	t.Parallel()
	scenes(t, func(t *testing.T, s *scene) {
		s.cut(t, `tenant_id = $1`, s.tenant.ID[:])
		s.refused(t, s.tenant, 0, "V23")
	})
}

// Two servers go on from copies of one database. The one that anchors is the log;
// the other one, however long its own log is, is not.
func TestForkIsDetected(t *testing.T) {
	t.Parallel()
	scenes(t, func(t *testing.T, s *scene) {
		s.cut(t, `pos > $1`, int64(s.middle))
		s.forgetViews(t)
		apart := s.config
		apart.Anchors = t.TempDir()
		v := vaulttest.Start(t, apart)
		if err := v.Views.Passed(t.Context(), s.middle); err != nil {
			t.Fatal(err)
		}
		a := &vaulttest.Account{Client: v.As(s.account.Key)}
		for n := range 6 {
			a.Seal(t, fmt.Sprintf("forged %d", n), `{"k":"v"}`)
		}
		bundle := export(t, a.Client)
		v.Stop()
		id := s.verified.LogID
		if _, found := verify(t, bundle, chain.Options{LogID: &id}); len(found) > 0 {
			t.Fatalf("in itself the fork has faults: %v", found) // then this test would prove nothing
		}
		_, found := verify(t, bundle, chain.Options{From: &s.verified})
		if len(found) == 0 || found[len(found)-1].Check != "V27" {
			t.Errorf("an auditor of the first story finds %v in the second, want V27 among it", found)
		}
		s.refused(t, s.tenant, s.heads[s.tenant].Next-1, "V19")
	})
}
