package compliance

import (
	"bytes"
	"crypto/sha3"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/quantaseal/quantaseal/domain"
)

// Assessment is what a framework's score is made of, in the form in which it is
// given out and digested.
type Assessment struct {
	Framework        string            `json:"framework"`
	FrameworkName    string            `json:"framework_name"`
	FrameworkVersion string            `json:"framework_version"`
	Score            int               `json:"score"`         // 0 to 100
	OverallScore     int               `json:"overall_score"` // the same
	ScoreExact       float64           `json:"score_exact"`   // before caps, two digits, rounded down
	Grade            string            `json:"grade"`         // A, B, C, D or F
	Status           Status            `json:"status"`
	Provisional      bool              `json:"provisional"`
	Passed           int               `json:"passed_controls"`
	Partly           int               `json:"partial_controls"`
	Failed           int               `json:"failed_controls"`
	NotApplicable    int               `json:"not_applicable_controls"`
	Coverage         Coverage          `json:"coverage"`
	Caps             []Cap             `json:"caps"`
	Breakdown        map[string]any    `json:"breakdown"` // a Category for each, and by_responsibility: numbers of 0 to 100
	Movers           []Mover           `json:"movers"`
	Controls         []AssessedControl `json:"controls"`
	Outside          string            `json:"outside"`
	Disclaimer       string            `json:"disclaimer"`
	AsOf             Instant           `json:"as_of"`
	AsOfSeq          uint64            `json:"as_of_seq"` // the last fact that counts
	HeadHash         domain.Digest     `json:"head_hash"` // of that fact
	Catalogue        CatalogueRef      `json:"catalogue"`

	// Platform are the facts of the system chain that the checks relied on, by their
	// sequence numbers, sorted. From these alone each check comes out the same: of
	// those that it looks for it takes the newest.
	Platform []uint64 `json:"-"`
}

// Coverage is how much of a framework the vault can see.
type Coverage struct {
	Scored    int    `json:"scored"`
	Total     int    `json:"total"`
	Unit      string `json:"unit"`
	Statement string `json:"statement"`
}

// CatalogueRef names the catalogue that was used.
type CatalogueRef struct {
	Version string        `json:"version"`
	Digest  domain.Digest `json:"sha3_256"`
}

// Category is how the controls of one part of a framework stand.
type Category struct {
	Score         int `json:"score"`
	Compliant     int `json:"compliant"`
	Partial       int `json:"partial"`
	NonCompliant  int `json:"non_compliant"`
	NotApplicable int `json:"not_applicable"`
}

// AssessedControl is one control with its checks.
type AssessedControl struct {
	ID      string          `json:"id"`
	Title   string          `json:"title"`
	Status  Status          `json:"status"`
	Support Support         `json:"support"`
	Credit  *float64        `json:"credit"` // 0 to 1; null = not applicable
	Checks  []AssessedCheck `json:"checks"`
}

// AssessedCheck is what one check found.
type AssessedCheck struct {
	ID         string  `json:"id"`
	Title      string  `json:"title"`
	Result     Result  `json:"result"`
	Ratio      float64 `json:"ratio"` // 0 to 1, six digits, rounded down
	Population int     `json:"population"`
	Strength   string  `json:"strength"`
	Evidence   []Ref   `json:"evidence,omitempty"` // facts that are not in order, the newest of them
	More       int     `json:"evidence_not_shown,omitempty"`
}

// Assess scores a framework of c at an instant, Unix microseconds, which is not
// before the last fact. The same facts give the same assessment.
func (s *State) Assess(c *Catalogue, f *Framework, at int64) Assessment {
	on := s.relying()
	a := on.assess(c, f, at, on.examine(c, f, at))
	a.Platform = on.reliedOn()
	return a
}

// assess scores what the checks found.
func (s *State) assess(c *Catalogue, f *Framework, at int64, found map[string]finding) Assessment {
	controls := make([]scored, len(f.Controls))
	for i := range f.Controls {
		controls[i] = c.scoreControl(&f.Controls[i], found)
	}
	raw, weight := total(controls)
	caps := s.caps(c, f, at, found)
	broken := len(caps) > 0 && caps[0].Limit == 0
	a := Assessment{
		Framework: f.ID, FrameworkName: f.Name, FrameworkVersion: f.Version, Score: int(points(raw, 0)), ScoreExact: points(raw, 2),
		Caps: caps, Coverage: f.Coverage(), Movers: c.movers(f, controls, weight, found), Outside: f.Outside, Disclaimer: f.Disclaimer,
		AsOf: Instant(at), HeadHash: s.head, Catalogue: CatalogueRef{c.Version, c.digest}, Controls: []AssessedControl{},
	}
	if s.next > 0 {
		a.AsOfSeq = s.next - 1
	}
	if a.Caps == nil {
		a.Caps = []Cap{}
	}
	for _, limit := range caps {
		a.Score = min(a.Score, limit.Limit)
		a.Provisional = a.Provisional || limit.ID == "provisional"
	}
	if broken {
		for i := range controls {
			controls[i].status = NonCompliant
		}
	}
	a.OverallScore, a.Grade = a.Score, grade(a.Score)
	a.tell(c, controls, found)
	a.Breakdown = breakdown(controls)
	a.Breakdown["by_responsibility"] = c.halves(f, found)
	switch {
	case broken || a.Score < nonCompliantAt:
		a.Status = NonCompliant
	case a.Partly+a.Failed == 0:
		a.Status = Compliant
	default:
		a.Status = PartlyHolds
	}
	return a
}

// examine asks every check that f rests on.
func (s *State) examine(c *Catalogue, f *Framework, at int64) map[string]finding {
	found := map[string]finding{}
	for _, id := range f.mapped() {
		ask, ok := checks[id]
		if !ok {
			found[id] = absent()
			continue
		}
		q := question{at: at, params: maps.Clone(c.checks[id].Params), lists: c.checks[id].Lists}
		if q.params == nil {
			q.params = map[string]int64{}
		}
		maps.Copy(q.params, f.Params[id])
		found[id] = ask(s, q)
	}
	return found
}

// Coverage returns how much of the framework the vault can see.
func (f *Framework) Coverage() Coverage {
	n := f.InView()
	return Coverage{n, f.Total, f.Unit, fmt.Sprintf("scored %d of %d %s; the rest are outside what this system can see", n, f.Total, f.Unit)}
}

// Brief returns a without the facts it cites.
func (a Assessment) Brief() Assessment {
	brief := a
	brief.Controls = make([]AssessedControl, len(a.Controls))
	for i, control := range a.Controls {
		brief.Controls[i] = control
		brief.Controls[i].Checks = make([]AssessedCheck, len(control.Checks))
		for j, check := range control.Checks {
			check.More, check.Evidence = 0, nil
			brief.Controls[i].Checks[j] = check
		}
	}
	return brief
}

// Digest returns the SHA3-256 over a as canonical JSON (RFC 8785), what it cites
// included. Texts of a catalogue are printable ASCII, and numbers short enough to
// be written in one way.
func (a Assessment) Digest() (domain.Digest, error) {
	data, err := canonical(a)
	return sha3.Sum256(data), err
}

func canonical(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("writing an assessment: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber() // as they were written: the shortest form, which is RFC 8785's
	var fields any
	if err := dec.Decode(&fields); err != nil {
		return nil, fmt.Errorf("writing an assessment: %w", err)
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(fields); err != nil { // sorts the names
		return nil, fmt.Errorf("writing an assessment: %w", err)
	}
	return []byte(strings.TrimSuffix(b.String(), "\n")), nil
}
