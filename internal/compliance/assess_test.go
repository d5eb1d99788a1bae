package compliance_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/compliance"
)

// A chain that does not verify scores 0 everywhere, and so does one with a gap.
func TestBrokenChain(t *testing.T) {
	c := load(t)
	s := tell(t)
	s.seals(1, user(ada), 30)
	s.later(40 * day)
	broken := s.state()
	broken.Break("event 2 was altered")
	gapped := compliance.NewState()
	for i, f := range s.facts {
		if i != 2 {
			gapped.Apply(f)
		}
	}
	for i := range c.Frameworks {
		for name, state := range map[string]*compliance.State{"broken": broken, "gapped": gapped} {
			a := state.Assess(c, &c.Frameworks[i], s.now.UnixMicro())
			if a.Score != 0 || a.Failed != len(a.Controls) || a.Status != compliance.NonCompliant || a.Caps[0].ID != "integrity" || a.Caps[0].Reason == "" {
				t.Errorf("%s of a %s chain is %d with %d of %d controls failed", a.Framework, name, a.Score, a.Failed, len(a.Controls))
			}
		}
	}
}

// The same facts give the same bytes, whatever order maps are walked in, and
// being given a score moves nothing but the head.
func TestAssessmentsRepeat(t *testing.T) {
	s := tell(t)
	for n := range byte(40) {
		s.seals(n, user(ada), int(n))
	}
	s.later(50 * day)
	first, err := s.assess("iso27001").Digest()
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if again, err := s.assess("iso27001").Digest(); err != nil || again != first {
			t.Fatalf("got %v %v, want %v", again, err, first)
		}
	}
	at := s.now
	before := s.assess("iso27001")
	s.happens(user(ada), domain.ComplianceScored{Framework: "iso27001", Score: before.Score})
	s.now = at
	after := s.assess("iso27001")
	if after.AsOfSeq != before.AsOfSeq+1 || after.HeadHash == before.HeadHash {
		t.Errorf("the score is as of %d, was as of %d", after.AsOfSeq, before.AsOfSeq)
	}
	after.AsOfSeq, after.HeadHash = before.AsOfSeq, before.HeadHash
	if diff := cmp.Diff(asJSON(t, before), asJSON(t, after)); diff != "" {
		t.Errorf("having been scored moved the score:\n%s", diff)
	}
}

func asJSON(t *testing.T, a compliance.Assessment) string {
	t.Helper()
	data, err := json.MarshalIndent(a, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// The brief answer says the same without what it cites.
func TestBrief(t *testing.T) {
	s := tell(t)
	s.seals(1, user(ada), 0)
	a := s.later(100 * day).assess("soc2")
	brief := asJSON(t, a.Brief())
	if !strings.Contains(asJSON(t, a), `"evidence"`) || strings.Contains(brief, `"evidence"`) {
		t.Errorf("the brief answer cites, or the full one does not:\n%s", brief)
	}
	if a.Score != a.Brief().Score || len(a.Controls) != len(a.Brief().Controls) {
		t.Error("the brief answer says something else")
	}
}

// A year of a tenant that does what it can, and the score of every framework.
func TestKnownScores(t *testing.T) {
	s := tell(t).joins(bob, domain.RoleAdmin)
	for _, u := range []domain.UserID{ada, bob} {
		s.happens(user(u), domain.MFAEnabled{UserID: u})
	}
	s.sets(domain.SettingMFA, "true").sets(domain.SettingRanges, "n=1 v4=24").creates(robot, 300, domain.ScopeVaultSeal)
	for week := range byte(40) {
		s.later(7*day).happens(user(ada), domain.AuditLogQueried{}, domain.AuditExported{Format: "bundle"})
		s.happens(user(bob), domain.LoginSucceeded{InDeclaredRange: domain.InRange, MFA: true, UserID: bob})
		s.seals(week, key(robot), 60)
		if week >= 8 {
			s.happens(system, domain.CredentialExpired{EntryID: domain.CredentialID{ID: domain.ID{0xe5, week - 8}}.Entry(1)})
		}
	}
	s.happens(user(ada), lockdown).happens(user(bob), lifted)
	got := map[string]int{}
	for _, f := range load(t).Frameworks {
		a := s.assess(f.ID)
		got[f.ID] = int(a.ScoreExact)
		if a.Provisional || a.Score > 69 {
			t.Errorf("%s is %d, provisional %v: two critical checks have no evidence yet", f.ID, a.Score, a.Provisional)
		}
	}
	want := map[string]int{
		"soc2": 39, "iso27001": 41, "pci_dss": 40, "hipaa": 53, "gdpr": 35, "nist_csf": 43, "fedramp": 51, "apra": 43, "nist_800_53": 50,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
