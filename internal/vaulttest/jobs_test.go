package vaulttest_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// Jobs put what they find on the record, once for all nodes and once a day, and the
// compliance checks that rest on it see it.
func TestJobsAreDoneOnceADay(t *testing.T) {
	t.Parallel()
	var ahead clock
	database, kms := vaulttest.Postgres(t), "local:"+t.TempDir()
	var nodes []*vaulttest.Vault
	for range 2 {
		nodes = append(nodes, vaulttest.StartAt(t, node.Config{DatabaseURL: database, KMS: kms}, ahead.now))
	}
	a := nodes[0].Register(t, "owner@example.com")
	a.Seal(t, "one", `{"k":"v"}`)
	nodes[0].Register(t, "other@example.com").Seal(t, "other's", `{"k":"v"}`)
	if err := nodes[0].Anchors.Pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	system, tenant := watch(t, nodes[0], ""), watch(t, nodes[0], a.TenantID)
	// several times and on both nodes at the same time
	jobs := func() {
		t.Helper()
		var group sync.WaitGroup
		for _, v := range nodes {
			group.Go(func() {
				if err := v.Jobs(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		for _, v := range nodes {
			if err := v.Jobs(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
	jobs()
	counted := func(w *witness) map[string]int {
		t.Helper()
		got := map[string]int{}
		for _, f := range w.since(t) {
			got[f.Header.EventType]++
		}
		return got
	}
	daily := map[string]int{
		"KMS_ATTESTED": 1, "CLOCK_SYNC_OBSERVED": 1, "TENANT_ISOLATION_TESTED": 1, "PROJECTION_RECONCILED": 1, "CHECKPOINT_PUBLISHED": 1, "AUDIT_CHAIN_VERIFIED": 1,
	}
	first := counted(system)
	if first["PLATFORM_STARTED"] != 2 {
		t.Errorf("%d servers began, want 2", first["PLATFORM_STARTED"])
	}
	delete(first, "PLATFORM_STARTED")
	equal(t, "the system chain", first, daily)
	ofTenant := map[string]int{"PROJECTION_RECONCILED": 1, "CHECKPOINT_PUBLISHED": 1, "AUDIT_CHAIN_VERIFIED": 1}
	equal(t, "the tenant's chain", counted(tenant), ofTenant)

	for id, want := range map[string]string{
		"QS-AUD-01": "pass", "QS-AUD-02": "partial", "QS-AUD-03": "pass", "QS-DATA-02": "pass", "QS-CRYP-03": "fail", "QS-CRYP-04": "fail", "QS-DATA-03": "no_evidence",
	} {
		if got := checkResult(t, nodes[1], a, id); got != want {
			t.Errorf("%s is %s, want %s", id, got, want)
		}
	}
	tenant.since(t) // scores
	ahead.forward(21 * time.Hour)
	jobs()
	equal(t, "the system chain a day later", counted(system), daily)
	equal(t, "the tenant's chain a day later", counted(tenant), ofTenant)
}

func equal(t *testing.T, what string, got, want map[string]int) {
	t.Helper()
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s has %d %s, want %d", what, got[name], name, want[name])
		}
	}
	if len(got) > len(want) {
		t.Errorf("%s has %v, want %v", what, got, want)
	}
}

// checkResult returns how a check came out for the framework that rests on every check.
func checkResult(t *testing.T, v *vaulttest.Vault, a *vaulttest.Account, id string) string {
	t.Helper()
	var score struct {
		Controls []struct {
			Checks []struct{ ID, Result string }
		}
	}
	v.As(a.Token.Key).Must(t, http.StatusOK, http.MethodGet, "/api/v2/compliance/score/iso27001?detail=full", nil).Into(t, &score)
	for _, control := range score.Controls {
		if i := slices.IndexFunc(control.Checks, func(c struct{ ID, Result string }) bool { return c.ID == id }); i >= 0 {
			return control.Checks[i].Result
		}
	}
	t.Fatalf("no control rests on %s", id)
	return ""
}

// A change beneath the vault that a job finds is on the record, and every score is 0
// until a later verification finds nothing.
func TestJobsFindAnAlteredChain(t *testing.T) {
	t.Parallel()
	var ahead clock
	v := vaulttest.StartAt(t, node.Config{}, ahead.now)
	a := v.Register(t, "owner@example.com")
	a.Seal(t, "one", `{"k":"v"}`)
	if err := v.Anchors.Pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := &scene{config: v.Config, account: a, tenant: tenantID(t, a.TenantID)}
	w := watch(t, v, a.TenantID)
	before := s.records(t)[2]
	altered := before
	altered.Signature = append([]byte{before.Signature[0] ^ 1}, before.Signature[1:]...)
	s.rewrite(t, []row{altered})
	if err := v.Jobs(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.rewrite(t, []row{before})
	failed, _ := w.saw(t, "AUDIT_CHAIN_VERIFICATION_FAILED")[0].Event.(domain.ChainVerificationFailed)
	if failed.Fault != "V13" || failed.FirstBadSeq != 2 {
		t.Errorf("recorded %+v", failed)
	}
	type scored struct {
		Score int
		Caps  []struct{ ID string }
	}
	score := func() (got scored) {
		t.Helper()
		a.Must(t, http.StatusOK, http.MethodGet, "/api/v2/compliance/score/soc2", nil).Into(t, &got)
		return got
	}
	if got := score(); got.Score != 0 || got.Caps[0].ID != "integrity" {
		t.Errorf("the score is %+v", got)
	}
	ahead.forward(21 * time.Hour)
	if err := v.Jobs(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := score(); got.Score == 0 || got.Caps[0].ID == "integrity" {
		t.Errorf("after a verification that found nothing the score is %+v", got)
	}
}

// A note that is not about this log keeps no job from being done, and is set aside.
func TestJobsGoOnBesideAStrangeNote(t *testing.T) {
	t.Parallel()
	v := vaulttest.Start(t, node.Config{})
	a := v.Register(t, "owner@example.com")
	notes := filepath.Join(v.Data, "notes")
	if err := errors.Join(v.Anchors.Pass(t.Context()), os.MkdirAll(notes, 0o700)); err != nil {
		t.Fatal(err)
	}
	elsewhere := strings.Repeat("00", 32)
	for name, text := range map[string]string{
		"restore_test-x.json": "no note",
		"backup-x.json":       `{"kind":"backup","backup":"x","manifest_sha3_256":"` + elsewhere + `","system_head":"` + elsewhere + `","system_next":1}`,
	} {
		if err := os.WriteFile(filepath.Join(notes, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_ = v.Jobs(t.Context()) // it tells of the notes, or the pass that runs beside it does
	if err := v.Jobs(t.Context()); err != nil {
		t.Errorf("the next time the notes are told again: %v", err)
	}
	if at, err := v.Queries.LastFact(t.Context(), tenantID(t, a.TenantID), "AUDIT_CHAIN_VERIFIED"); err != nil || at.IsZero() {
		t.Errorf("the chain was verified at %s: %v", at, err)
	}
	if left, err := filepath.Glob(filepath.Join(notes, "*.json")); err != nil || len(left) > 0 {
		t.Errorf("%v are left, %v", left, err)
	}
}
