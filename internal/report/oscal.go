package report

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/quantaseal/quantaseal/internal/compliance"
)

const (
	oscalVersion   = "1.1.3"
	oscalNamespace = "https://github.com/quantaseal/quantaseal/ns/oscal"
	// observed is how long an observation is taken to hold.
	observed = 24 * time.Hour
)

// methods says what kind of evidence was looked at, in the words of SP 800-53A.
var methods = map[string]string{"operation": "TEST", "configuration": "EXAMINE", "attestation": "INTERVIEW"}

// id returns the UUID, version 5, of a part of the report: always the same for the
// same tenant, framework, fact and part, for version 7 is none that OSCAL takes.
func (r *Report) id(part string) string {
	name := strings.Join([]string{r.Tenant.String(), r.Framework.ID, strconv.FormatUint(r.Assessment.AsOfSeq, 10), timeText(r.Assessment.AsOf), part}, "\n")
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(oscalNamespace+"\n"+name)).String()
}

func prop(name, value string) oscalProp { return oscalProp{name, oscalNamespace, value} }

func (r *Report) metadata(title string) oscalMetadata {
	a := &r.Assessment
	return oscalMetadata{
		Title: title, LastModified: timeText(a.AsOf), Version: a.Catalogue.Version + "+seq-" + strconv.FormatUint(a.AsOfSeq, 10), OSCALVersion: oscalVersion,
		Props: []oscalProp{
			prop("as-of-seq", strconv.FormatUint(a.AsOfSeq, 10)), prop("head-hash", a.HeadHash.String()),
			prop("catalogue-sha3-256", a.Catalogue.Digest.String()), prop("report-id", r.ID.String()),
		},
	}
}

func (r *Report) reviewed() oscalReviewed {
	var s oscalSelection
	for _, c := range r.Framework.Controls {
		s.Include = append(s.Include, oscalControl{c.OSCALID})
	}
	return oscalReviewed{[]oscalSelection{s}}
}

// OSCAL renders the report as OSCAL assessment results: an observation for each
// check, a finding for each control that is applicable, and a risk for each that
// does not hold.
func (r *Report) OSCAL() ([]byte, error) {
	a := &r.Assessment
	digest, err := a.Digest()
	if err != nil {
		return nil, err
	}
	result := oscalResult{
		UUID: r.id("result"), Title: "As of sequence " + strconv.FormatUint(a.AsOfSeq, 10),
		Description: "Checks of the catalogue, asked of the facts of the tenant's signed audit chain. " + a.Disclaimer,
		Start:       timeText(a.AsOf), End: timeText(a.AsOf), Reviewed: r.reviewed(),
		Props: []oscalProp{prop("score", strconv.Itoa(a.Score)), prop("grade", a.Grade), prop("coverage", a.Coverage.Statement), prop("result-digest", digestText(digest))},
	}
	seen := map[string]bool{}
	for _, control := range a.Controls {
		for _, check := range control.Checks {
			if !seen[check.ID] {
				seen[check.ID] = true
				result.Observations = append(result.Observations, r.observation(check))
			}
		}
	}
	for i, control := range a.Controls {
		if control.Status == compliance.NothingToSee {
			continue
		}
		finding, risk := r.finding(&r.Framework.Controls[i], control)
		result.Findings = append(result.Findings, finding)
		if risk.UUID != "" {
			result.Risks = append(result.Risks, risk)
		}
	}
	plan := r.id("plan")
	return json.Marshal(oscalResults{resultsBody{
		UUID: r.id("assessment-results"), Metadata: r.metadata("Automated assessment: " + a.FrameworkName), ImportAP: oscalLink{"#" + plan},
		Results: []oscalResult{result},
		BackMatter: oscalBack{[]oscalResource{{
			UUID: plan, Title: "Assessment plan: check catalogue " + a.Catalogue.Version, Links: []oscalRLink{{"./" + PlanFile, "application/json"}},
		}}},
	}})
}

func (r *Report) observation(check compliance.AssessedCheck) oscalObservation {
	at := int64(r.Assessment.AsOf)
	o := oscalObservation{
		UUID: r.id(check.ID), Title: check.ID,
		Description: fmt.Sprintf("%s. Result: %s, ratio %s over a population of %d.", check.Title, check.Result, number(check.Ratio), check.Population),
		Props:       []oscalProp{prop("result", string(check.Result)), prop("ratio", number(check.Ratio)), prop("population", strconv.Itoa(check.Population))},
		Methods:     []string{methods[check.Strength]}, Types: []string{"control-objective"},
		Collected: timeText(compliance.Instant(at)), Expires: timeText(compliance.Instant(at + observed.Microseconds())),
	}
	for _, e := range check.Evidence {
		o.Evidence = append(o.Evidence, oscalEvidence{
			Href: "/api/v2/audit/logs/" + e.EventID.String(), Description: e.Type,
			Props: []oscalProp{
				prop("stream", e.Stream()), prop("sequence", strconv.FormatUint(e.Seq, 10)),
				prop("event-hash", e.Hash.String()),
				prop("signature-key-id", e.Signer.String()), prop("role", "failing"),
			},
		})
	}
	return o
}

// finding returns a control's finding, and its risk or one without UUID.
func (r *Report) finding(control *compliance.Control, told compliance.AssessedControl) (oscalFinding, oscalRisk) {
	applicable, passed := 0, 0
	f := oscalFinding{
		UUID: r.id("finding " + control.OSCALID), Title: told.ID, Props: []oscalProp{prop("status", string(told.Status)), prop("support", string(told.Support))},
		Target: oscalTarget{Type: "objective-id", ID: control.OSCALID + "_obj", Status: oscalStatus{"satisfied", "pass"}},
	}
	risk := oscalRisk{Title: told.ID + ": " + told.Title, Status: "open"}
	for _, check := range told.Checks {
		f.Observations = append(f.Observations, oscalObserved{r.id(check.ID)})
		if check.Result == compliance.NotApplicable {
			continue
		}
		if applicable++; check.Result == compliance.Pass {
			passed++
			continue
		}
		risk.Remediations = append(risk.Remediations, oscalRemediation{
			r.id("remediation " + control.OSCALID + " " + check.ID), "recommendation", check.ID, r.Catalogue.Check(check.ID).Remediation,
		})
	}
	f.Description = fmt.Sprintf("%s. %d of %d applicable checks passed.", told.Title, passed, applicable)
	switch told.Status {
	case compliance.Compliant, compliance.NothingToSee:
		return f, oscalRisk{}
	case compliance.PartlyHolds:
		f.Target.Status = oscalStatus{"not-satisfied", "other"}
	case compliance.NonCompliant:
		f.Target.Status = oscalStatus{"not-satisfied", "fail"}
	}
	risk.UUID = r.id("risk " + control.OSCALID)
	risk.Description = f.Description
	risk.Statement = "The evidence does not show that the control holds, or shows that it does not."
	f.Risks = []oscalRelatedRisk{{risk.UUID}}
	return f, risk
}

// OSCALPlan renders what was to be looked at, as an OSCAL assessment plan: a task
// for each check.
func (r *Report) OSCALPlan() ([]byte, error) {
	system := r.id("system")
	body := planBody{
		UUID: r.id("plan"), Metadata: r.metadata("Assessment plan: check catalogue " + r.Catalogue.Version), ImportSSP: oscalLink{"#" + system},
		Reviewed: r.reviewed(),
		BackMatter: oscalBack{[]oscalResource{{
			UUID: system, Title: "System: " + r.Origin,
			Description: "One tenant of a QuantaSeal deployment. Its system security plan is kept by whoever answers for the system.",
		}}},
	}
	for _, u := range r.Catalogue.Uses(r.Framework) {
		body.Tasks = append(body.Tasks, oscalTask{r.id("task " + u.ID), "action", u.ID + ": " + u.Title, strings.Join(u.Rule, " ")})
	}
	return json.Marshal(oscalPlan{body})
}
