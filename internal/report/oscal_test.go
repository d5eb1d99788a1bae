package report_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/internal/compliance"
	"github.com/quantaseal/quantaseal/internal/report"
)

// What OSCAL 1.1.3 asks of values, wherever they stand.
var (
	oscalUUID  = regexp.MustCompile(`^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[45][0-9A-Fa-f]{3}-[89ABab][0-9A-Fa-f]{3}-[0-9A-Fa-f]{12}$`)
	oscalToken = regexp.MustCompile(`^(\p{L}|_)(\p{L}|\p{N}|[.\-_])*$`)
	oscalLine  = regexp.MustCompile(`^\S(.*\S)?$`)
	oscalWords = map[string][]string{
		"state": {"satisfied", "not-satisfied"}, "methods": {"EXAMINE", "INTERVIEW", "TEST", "UNKNOWN"},
		"lifecycle": {"recommendation", "planned", "completed"}, "type": {"objective-id", "statement-id", "action", "milestone"},
	}
)

// walkOSCAL fails t for what no OSCAL document may hold.
func walkOSCAL(t *testing.T, path, name string, v any) {
	t.Helper()
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			t.Errorf("%s is an empty object", path)
		}
		for key, member := range v {
			walkOSCAL(t, path+"/"+key, key, member)
		}
	case []any:
		if len(v) == 0 {
			t.Errorf("%s is an empty list", path)
		}
		for _, member := range v {
			walkOSCAL(t, path, name, member)
		}
	case string:
		checkOSCALText(t, path, name, v)
	default:
		t.Errorf("%s is %v", path, v)
	}
}

func checkOSCALText(t *testing.T, path, name, s string) {
	t.Helper()
	if !oscalLine.MatchString(s) {
		t.Errorf("%s is %q", path, s)
	}
	switch name {
	case "uuid", "observation-uuid", "risk-uuid":
		if !oscalUUID.MatchString(s) {
			t.Errorf("%s is %q", path, s)
		}
	case "control-id", "target-id", "status", "reason", "types":
		if !oscalToken.MatchString(s) {
			t.Errorf("%s is %q", path, s)
		}
	case "name":
		if !oscalToken.MatchString(s) {
			t.Errorf("%s is %q", path, s)
		}
	case "last-modified", "start", "end", "collected", "expires":
		if at, err := time.Parse(time.RFC3339, s); err != nil || at.Year() < 2020 {
			t.Errorf("%s is %q", path, s)
		}
	}
	if words := oscalWords[name]; words != nil && !strings.Contains(" "+strings.Join(words, " ")+" ", " "+s+" ") {
		t.Errorf("%s is %q", path, s)
	}
}

// Of every framework both OSCAL documents keep the rules of the schema, and every
// reference leads to what there is.
func TestOSCAL(t *testing.T) {
	c, err := compliance.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range c.Frameworks {
		r := reportOf(t, f.ID, "Ελληνική")
		results, err := r.OSCAL()
		if err != nil {
			t.Fatal(err)
		}
		plan, err := r.OSCALPlan()
		if err != nil {
			t.Fatal(err)
		}
		for root, data := range map[string][]byte{"assessment-results": results, "assessment-plan": plan} {
			var doc map[string]map[string]any
			if err := json.Unmarshal(data, &doc); err != nil || len(doc) != 1 || doc[root] == nil {
				t.Fatalf("%s: %v", f.ID, err)
			}
			for _, member := range []string{"uuid", "metadata"} {
				if doc[root][member] == nil {
					t.Errorf("%s %s has no %s", f.ID, root, member)
				}
			}
			walkOSCAL(t, f.ID+" "+root, root, doc[root])
		}
		checkReferences(t, r, results, plan)
	}
}

// part is whatever in a document has a UUID or names one.
type part struct {
	UUID         string `json:"uuid"`
	Observations []struct {
		UUID string `json:"observation-uuid"`
	} `json:"related-observations"`
	Risks []struct {
		UUID string `json:"risk-uuid"`
	} `json:"related-risks"`
	Target struct {
		ID     string `json:"target-id"`
		Status struct{ State, Reason string }
	}
}

func checkReferences(t *testing.T, r *report.Report, results, plan []byte) {
	t.Helper()
	var doc struct {
		Body struct {
			ImportAP struct{ Href string } `json:"import-ap"`
			Results  []struct {
				Observations, Risks, Findings []part
			}
			BackMatter struct{ Resources []part } `json:"back-matter"`
		} `json:"assessment-results"`
	}
	if err := json.Unmarshal(results, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Body.ImportAP.Href != "#"+doc.Body.BackMatter.Resources[0].UUID || !bytes.Contains(plan, []byte(doc.Body.BackMatter.Resources[0].UUID)) {
		t.Errorf("the plan is %s", doc.Body.ImportAP.Href)
	}
	known := map[string]bool{}
	result := doc.Body.Results[0]
	for _, parts := range [][]part{result.Observations, result.Risks, result.Findings} {
		for _, p := range parts {
			if known[p.UUID] {
				t.Errorf("%s names two things", p.UUID)
			}
			known[p.UUID] = true
		}
	}
	if want := r.Assessment.Passed + r.Assessment.Partly + r.Assessment.Failed; len(result.Findings) != want || len(result.Risks) != want-r.Assessment.Passed {
		t.Errorf("%d findings and %d risks of %d applicable controls", len(result.Findings), len(result.Risks), want)
	}
	satisfied := 0
	for _, f := range result.Findings {
		if f.Target.Status.State == "satisfied" {
			satisfied++
		}
		if len(f.Observations) == 0 || !strings.HasSuffix(f.Target.ID, "_obj") {
			t.Errorf("finding %+v", f)
		}
		for _, o := range f.Observations {
			if !known[o.UUID] {
				t.Errorf("no observation is %s", o.UUID)
			}
		}
		for _, k := range f.Risks {
			if !known[k.UUID] {
				t.Errorf("no risk is %s", k.UUID)
			}
		}
	}
	if satisfied != r.Assessment.Passed {
		t.Errorf("%d controls are satisfied, %d are compliant", satisfied, r.Assessment.Passed)
	}
}
