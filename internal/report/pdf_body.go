package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/quantaseal/quantaseal/internal/compliance"
)

// findings writes what does not hold, the worst first.
func (p *page) findings() {
	a := &p.r.Assessment
	p.section("Findings")
	if len(a.Movers) > 0 {
		p.heading("What would raise the score most", 16)
		var rows [][]string
		for _, m := range a.Movers {
			rows = append(rows, []string{m.Check, "+" + number(m.Gain), m.Remediation})
		}
		p.table([]column{{"Check", 26, bold, 0}, {"Points", 16, regular, 0}, {"What to do", 124, regular, 0}}, rows)
	}
	open := []compliance.AssessedControl{}
	for _, c := range a.Controls {
		if c.Status == compliance.NonCompliant || c.Status == compliance.PartlyHolds {
			open = append(open, c)
		}
	}
	slices.SortStableFunc(open, func(x, y compliance.AssessedControl) int {
		if x.Status != y.Status {
			return cmp.Compare(x.Status, y.Status) // non_compliant before partial
		}
		return cmp.Compare(*x.Credit, *y.Credit)
	})
	if len(open) == 0 {
		p.prose("None: every control that is applicable holds, as far as this system can see.")
		return
	}
	for _, c := range open {
		p.finding(c)
	}
}

func (p *page) finding(c compliance.AssessedControl) {
	p.heading(c.ID+"  "+c.Title, 24)
	p.paragraph(8.5, toneOf(said(c.Status)), said(c.Status)+", credit "+credit(c)+", "+string(c.Support)+" support")
	var rows [][]string
	for _, check := range c.Checks {
		if check.Result == compliance.Pass || check.Result == compliance.NotApplicable {
			continue
		}
		rows = append(rows, []string{check.ID, said(check.Result), found(check), check.Title + ". " + p.r.Catalogue.Check(check.ID).Remediation})
	}
	p.table([]column{{"Check", 25, bold, 0}, {"Result", 19, regular, 0}, {"In order", 24, regular, 0}, {"What was asked, and what to do", 98, regular, 0}}, rows)
}

// found says how much of a population is in order.
func found(check compliance.AssessedCheck) string {
	switch {
	case check.Result == compliance.NoEvidence:
		return "nothing on record"
	case check.Result == compliance.NotApplicable:
		return "nothing to look at"
	case check.Population == 0:
		return fmt.Sprintf("%.1f %%", math.Floor(check.Ratio*1000)/10)
	}
	whole := check.Ratio * float64(check.Population)
	if count := math.Round(whole); count-whole <= float64(check.Population)*1e-6 && whole-count <= 1e-9 { // ratios are rounded down
		return fmt.Sprintf("%d of %d", int(count), check.Population)
	}
	return fmt.Sprintf("%.1f %% of %d", math.Floor(check.Ratio*1000)/10, check.Population)
}

func credit(c compliance.AssessedControl) string {
	if c.Credit == nil {
		return "none"
	}
	return number(*c.Credit)
}

func (p *page) controls() {
	p.section("Controls")
	p.prose("Every control that the vault has evidence for. Titles are ours, not the framework's. \"Direct\" means that the checks decide whether the control holds here; " +
		"\"partial\", that they show a part of it.")
	var rows [][]string
	for _, c := range p.r.Assessment.Controls {
		var ids []string
		for _, check := range c.Checks {
			ids = append(ids, strings.TrimPrefix(check.ID, "QS-"))
		}
		rows = append(rows, []string{c.ID, c.Title, said(c.Status), string(c.Support), credit(c), strings.Join(ids, ", ")})
	}
	p.table([]column{
		{"Control", 24, bold, 0},
		{"What it asks for", 58, regular, 0},
		{"Status", 22, regular, 0},
		{"Support", 15, regular, 0},
		{"Credit", 14, regular, 0},
		{"Checks", 41, regular, 7.5},
	}, rows)
}

// asked returns each check of the report once, by its id.
func (p *page) asked() []compliance.AssessedCheck {
	var all []compliance.AssessedCheck
	for _, c := range p.r.Assessment.Controls {
		all = append(all, c.Checks...)
	}
	slices.SortFunc(all, func(x, y compliance.AssessedCheck) int { return cmp.Compare(x.ID, y.ID) })
	return slices.CompactFunc(all, func(x, y compliance.AssessedCheck) bool { return x.ID == y.ID })
}

func (p *page) checks() {
	p.section("Checks")
	p.prose("What each check asks of the facts, under which parameters, and what it found. A check that passes earns its whole weight; one that does not, half its ratio, and nothing " +
		"if it is critical.")
	told := p.asked()
	for i, u := range p.r.Catalogue.Uses(p.r.Framework) {
		check := told[i]
		p.heading(check.ID+"  "+check.Title, 26)
		p.paragraph(8.5, toneOf(said(check.Result)), said(check.Result)+"; in order: "+found(check)+"; evidence of "+check.Strength)
		p.paragraph(8.5, black, strings.Join(u.Rule, " "))
		p.paragraph(8, grey, fmt.Sprintf("%s, weight %d; %s; up to: %s. Not applicable: %s. %s", u.Severity, u.Weight, u.Kind, u.Responsibility,
			strings.TrimSuffix(u.NotApplicableWhen, "."), parameters(u)))
	}
}

// parameters writes what a check was asked with.
func parameters(u compliance.Used) string {
	var all []string
	for name, value := range u.Params {
		mark := ""
		if slices.Contains(u.Stricter, name) {
			mark = " (the framework's)"
		}
		all = append(all, fmt.Sprintf("%s %d%s", name, value, mark))
	}
	for name, values := range u.Lists {
		all = append(all, name+" "+strings.Join(values, " "))
	}
	if len(all) == 0 {
		return ""
	}
	slices.Sort(all)
	return "Parameters: " + strings.Join(all, ", ") + "."
}

func (p *page) evidence() {
	p.section("Evidence")
	p.prose("The facts that are held against the tenant, check by check: the newest of them, in the order of the chain. Hashes are shown by their first 16 and last 8 digits; " +
		"whole they stand in evidence.csv and report.json, which are attached. Each is served by GET /api/v2/audit/logs/{event id}, with its record and signature.")
	cited := 0
	for _, check := range p.asked() {
		if len(check.Evidence) == 0 {
			continue
		}
		p.heading(check.ID+"  "+check.Title, 20)
		var rows [][]string
		for _, e := range check.Evidence {
			cited++
			hash, key := e.Hash.String(), e.Signer.String()
			rows = append(rows, []string{
				strconv.FormatUint(e.Seq, 10), e.Type, timeText(compliance.Instant(e.Time))[:19] + "Z", e.EventID.String(), hash[:16] + "…" + hash[56:], key[:8] + "…",
			})
		}
		p.table([]column{
			{"Seq", 13, regular, 7}, {"Fact", 39, regular, 6.5}, {"Recorded", 28, regular, 6.5}, {"Event id", 46, mono, 5.6}, {"Hash", 34, mono, 5.6}, {"Key", 14, mono, 5.6},
		}, rows)
		if check.More > 0 {
			p.paragraph(8, grey, strconv.Itoa(check.More)+" older facts of the same kind are not shown.")
		}
	}
	if cited == 0 {
		p.prose("No fact is held against the tenant.")
	}
}
