package vaulttest_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

const compliancePath = "/api/v2/compliance/"

// given is a score as a client reads it.
type given struct {
	Framework       string         `json:"framework"`
	FrameworkName   string         `json:"framework_name"`
	Score           float64        `json:"score"`
	OverallScore    float64        `json:"overall_score"`
	ScoreExact      float64        `json:"score_exact"`
	Grade           string         `json:"grade"`
	Provisional     bool           `json:"provisional"`
	Passed          int            `json:"passed_controls"`
	Partly          int            `json:"partial_controls"`
	Failed          int            `json:"failed_controls"`
	NotApplicable   int            `json:"not_applicable_controls"`
	Breakdown       map[string]any `json:"breakdown"`
	Coverage        struct{ Statement string }
	Caps            []struct{ ID, Reason string }
	AsOf            time.Time `json:"as_of"`
	AsOfSeq         uint64    `json:"as_of_seq"`
	HeadHash        string    `json:"head_hash"`
	CalculatedAt    time.Time `json:"calculated_at"`
	LastEvaluatedAt time.Time `json:"last_evaluated_at"`
	ResultDigest    string    `json:"result_digest"`
	Period          *struct {
		Days, Mean, Min int
		Scored          int `json:"days_scored"`
		DaysBelow       int `json:"days_below_70"`
	}
	Catalogue struct {
		Digest string `json:"sha3_256"`
	}
	Controls []struct {
		ID     string
		Checks []struct {
			ID, Result string
			Evidence   []struct {
				Seq  uint64
				Type string
				Hash string
			}
		}
	}
}

func scoreOf(t *testing.T, c *vaulttest.Client, query string) (vaulttest.Answer, given) {
	t.Helper()
	var g given
	answer := c.Must(t, http.StatusOK, http.MethodGet, compliancePath+"score"+query, nil)
	answer.Into(t, &g)
	return answer, g
}

// TestTourCompliance asks for scores in every spelling: each is on record once a
// minute, and one of the past is the one that was given then.
func TestTourCompliance(t *testing.T) {
	t.Parallel()
	enginesAt(t, func(t *testing.T, v *vaulttest.Vault, c *clock) {
		a, _ := story(t, v, "owner@example.com")
		blind, _ := key(t, v, a, map[string]any{"name": "blind", "scopes": []string{"vault:list"}})
		w := watch(t, v, a.TenantID)
		c.forward(c.now().Truncate(time.Minute).Add(time.Minute).Sub(c.now())) // what is once a minute is so from the start of one
		answer, first := scoreOf(t, a.Client, "?framework=PCI-DSS")
		fact, _ := w.receipted(t, answer, "COMPLIANCE_SCORED")[0].Event.(domain.ComplianceScored)
		want := domain.ComplianceScored{
			AsOf: first.AsOf.UnixMicro(), AsOfSeq: first.AsOfSeq, CatalogueDigest: fact.CatalogueDigest,
			Framework: "pci_dss", ResultDigest: fact.ResultDigest, Score: int(first.Score),
		}
		if diff := cmp.Diff(want, fact); diff != "" || first.ResultDigest != "sha3-256:"+fact.ResultDigest.String() || first.Catalogue.Digest != fact.CatalogueDigest.String() {
			t.Errorf("recorded, and answered %s (-answered +recorded):\n%s", first.ResultDigest, diff)
		}
		if first.Framework != "pci_dss" || first.FrameworkName != "PCI DSS" || first.Score != first.OverallScore || first.Grade != "F" || !first.Provisional ||
			first.Coverage.Statement != "scored 40 of 257 numbered requirements; the rest are outside what this system can see" ||
			first.Passed+first.Partly+first.Failed+first.NotApplicable != 40 || len(first.Controls) != 40 || len(first.Caps) == 0 ||
			first.Breakdown["by_responsibility"] == nil || first.CalculatedAt.IsZero() || !first.CalculatedAt.Equal(first.LastEvaluatedAt) {
			t.Errorf("got %+v", first)
		}
		again, _ := scoreOf(t, a.Client, "/pci_dss")
		w.receipted(t, again)

		c.forward(31 * 24 * time.Hour)
		a.Seal(t, "later", `{"k":"v"}`)
		_, now := scoreOf(t, a.Client, "/pci-dss?detail=full")
		if now.Provisional || now.AsOfSeq <= first.AsOfSeq {
			t.Errorf("after a month the score is %+v", now.Caps)
		}
		checkCited(t, w, now)
		w.since(t)
		then, past := scoreOf(t, a.Client, "/pci_dss?at="+url.QueryEscape(first.AsOf.Format(time.RFC3339Nano)))
		if w.receipted(t, then, "COMPLIANCE_SCORED"); past.ResultDigest != first.ResultDigest || past.Score != first.Score || past.HeadHash != first.HeadHash {
			t.Errorf("of the past: %s %v as of %d, was %s %v as of %d", past.ResultDigest, past.Score, past.AsOfSeq, first.ResultDigest, first.Score, first.AsOfSeq)
		}
		if _, alike := scoreOf(t, a.Client, "/pci_dss?as_of="+url.QueryEscape(first.AsOf.Format(time.RFC3339Nano))); alike.ResultDigest != first.ResultDigest {
			t.Errorf("as_of gives %s, at gave %s", alike.ResultDigest, first.ResultDigest)
		}
		w.saw(t) // the same question
		checkAsOf(t, w, a.Client, first)

		checkHistory(t, w, a.Client, first, now)

		for query, status := range map[string]int{
			"": 422, "?framework=soc3": 422, "/soc3": 422, "/soc2?at=yesterday": 422, "/soc2?at=2000-01-01": 422, "/soc2?detail=more": 422,
			"/soc2?at=" + c.now().UTC().Add(time.Hour).Format("2006-01-02T15:04:05Z"): 422, "/soc2?at=2026-01-01&as_of=2026-01-01": 422,
			"/soc2?period=90": 422, "/soc2?period=367d": 422, "/soc2?as_of_seq=-1": 422, "/soc2?as_of_seq=99999": 422, "/soc2?as_of_seq=3&at=2026-01-01": 422,
			"/soc2?catalogue=1999.1": 422,
		} {
			a.Must(t, status, http.MethodGet, compliancePath+"score"+query, nil)
		}
		w.saw(t)

		var all []struct {
			Framework string
			Aliases   []string
			Coverage  struct{ Scored, Total int }
		}
		a.Must(t, http.StatusOK, http.MethodGet, compliancePath+"frameworks", nil).Into(t, &all)
		if len(all) != 9 || all[0].Framework != "soc2" || all[0].Coverage.Scored != 25 || all[0].Coverage.Total != 61 {
			t.Errorf("there are %+v", all)
		}
		w.saw(t)
		c.forward(time.Minute)
		for _, f := range all {
			if _, g := scoreOf(t, a.Client, "/"+f.Framework); g.Framework != f.Framework || g.Score > 69 {
				t.Errorf("%s is %+v", f.Framework, g)
			}
			w.saw(t, "COMPLIANCE_SCORED")
		}
		blind.Must(t, http.StatusForbidden, http.MethodGet, compliancePath+"score/soc2", nil)
		if denied, _ := w.saw(t, "ACCESS_DENIED")[0].Event.(domain.AccessDenied); denied.Permission != domain.ScopeCompliance || denied.Route != "compliance.score" {
			t.Errorf("recorded %+v", denied)
		}
	})
}

// checkCited fails t unless every fact that g cites stands on the chain as it says.
func checkCited(t *testing.T, w *witness, g given) {
	t.Helper()
	cited := 0
	for _, control := range g.Controls {
		for _, check := range control.Checks {
			for _, e := range check.Evidence {
				cited++
				r, err := w.v.Log.At(t.Context(), w.tenant, e.Seq)
				if err != nil || r.Header.EventType != e.Type || !strings.EqualFold(r.Hash.String(), e.Hash) {
					t.Errorf("%s cites %+v, which is %s: %v", check.ID, e, r.Header.EventType, err)
				}
			}
		}
	}
	if cited == 0 {
		t.Error("nothing is cited")
	}
}

// checkAsOf fails t unless a score as of a fact is the one of its instant, and tells of
// the days before where it is asked to.
func checkAsOf(t *testing.T, w *witness, c *vaulttest.Client, first given) {
	t.Helper()
	last, err := w.v.Log.At(t.Context(), w.tenant, first.AsOfSeq)
	if err != nil {
		t.Fatal(err)
	}
	at := time.UnixMicro(int64(last.Header.TimeUS)).UTC()
	answer, asOf := scoreOf(t, c, "/pci_dss?catalogue="+first.Catalogue.Digest+"&as_of_seq="+strconv.FormatUint(first.AsOfSeq, 10))
	fact, _ := w.receipted(t, answer, "COMPLIANCE_SCORED")[0].Event.(domain.ComplianceScored)
	if fact.AsOf != at.UnixMicro() || fact.AsOfSeq != first.AsOfSeq || !asOf.AsOf.Equal(at) || asOf.HeadHash != first.HeadHash || asOf.Period != nil {
		t.Errorf("as of fact %d: %+v, recorded %+v", first.AsOfSeq, asOf, fact)
	}
	_, alike := scoreOf(t, c, "/pci_dss?catalogue=current&at="+url.QueryEscape(at.Format(time.RFC3339Nano)))
	if alike.ResultDigest != asOf.ResultDigest && alike.AsOfSeq == asOf.AsOfSeq {
		t.Errorf("as of the fact %s, at its instant %s", asOf.ResultDigest, alike.ResultDigest)
	}
	w.saw(t, "COMPLIANCE_SCORED")
	_, period := scoreOf(t, c, "/pci_dss?period=41d")
	w.saw(t, "COMPLIANCE_SCORED")
	var points []given
	c.Must(t, http.StatusOK, http.MethodGet, compliancePath+"history/pci_dss?days=41", nil).Into(t, &points)
	w.saw(t, "COMPLIANCE_SCORED")
	least := 100.0
	for _, p := range points[:len(points)-1] {
		least = min(least, p.Score)
	}
	if p := period.Period; p == nil || p.Days != 41 || p.Scored != len(points)-1 || float64(p.Min) != least || p.Mean < p.Min || p.DaysBelow != p.Scored {
		t.Errorf("the period is %+v, of %d days the least score is %v", p, len(points)-1, least)
	}
}

// checkHistory fails t unless the history has the scores that were given, and the
// change between two of them names the fact that it should.
func checkHistory(t *testing.T, w *witness, c *vaulttest.Client, first, now given) {
	t.Helper()
	var points []given
	answer := c.Must(t, http.StatusOK, http.MethodGet, compliancePath+"history/pci-dss?days=40", nil)
	answer.Into(t, &points)
	last := points[len(points)-1]
	if fact, _ := w.receipted(t, answer, "COMPLIANCE_SCORED")[0].Event.(domain.ComplianceScored); fact.Score != int(last.Score) || fact.AsOfSeq != last.AsOfSeq {
		t.Errorf("recorded %+v, and answered %+v", fact, last)
	}
	if len(points) < 30 || len(points) > 33 || points[0].Framework != "pci_dss" || points[0].AsOfSeq < first.AsOfSeq || last.AsOfSeq < now.AsOfSeq {
		t.Errorf("the history has %d points, the first %+v", len(points), points[0])
	}
	_, day := scoreOf(t, c, "/pci_dss?at="+url.QueryEscape(points[3].AsOf.Format(time.RFC3339Nano)))
	if w.saw(t, "COMPLIANCE_SCORED"); day.ResultDigest != points[3].ResultDigest || day.Score != points[3].Score {
		t.Errorf("the day's score is %v %s, in the history %v %s", day.Score, day.ResultDigest, points[3].Score, points[3].ResultDigest)
	}
	var change struct {
		From, To given
		Checks   []struct {
			ID    string
			Moves []struct{ First struct{ Type, Role string } }
		}
	}
	query := "diff?framework=pci_dss&from=" + url.QueryEscape(first.AsOf.Format(time.RFC3339Nano)) + "&to=" + url.QueryEscape(now.AsOf.Format(time.RFC3339Nano))
	answer = c.Must(t, http.StatusOK, http.MethodGet, compliancePath+query, nil)
	answer.Into(t, &change)
	w.receipted(t, answer, "COMPLIANCE_SCORED")
	if change.From.ResultDigest != first.ResultDigest || change.To.ResultDigest != now.ResultDigest || len(change.Checks) == 0 {
		t.Errorf("the change goes from %+v to %+v", change.From, change.To)
	}
	for _, query := range []string{"diff/pci_dss", "diff?from=2026-01-01", "diff/pci_dss?from=2000-01-01", "history", "history/pci_dss?days=0", "history/pci_dss?days=367"} {
		c.Must(t, http.StatusUnprocessableEntity, http.MethodGet, compliancePath+query, nil)
	}
	w.saw(t)
}
