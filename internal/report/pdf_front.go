package report

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/quantaseal/quantaseal/internal/compliance"
)

// said returns a word of the API as people write it.
func said[S ~string](word S) string { return strings.ReplaceAll(string(word), "_", " ") }

func (p *page) cover() {
	a := &p.r.Assessment
	p.AddPage()
	p.fill(brand)
	p.Rect(0, 0, pageWidth, 92, "F")
	p.write(regular, 11, ink{205, 216, 232})
	p.SetXY(margin, 22)
	p.CellFormat(textWidth, 6, "QuantaSeal   Compliance evidence report", "", 1, "L", false, 0, "")
	p.write(bold, 24, ink{255, 255, 255})
	p.SetXY(margin, 36)
	for _, l := range p.wrap(a.FrameworkName, textWidth) {
		p.SetX(margin)
		p.CellFormat(textWidth, 11, l, "", 1, "L", false, 0, "")
	}
	p.write(regular, 11, ink{205, 216, 232})
	for _, l := range p.wrap(a.FrameworkVersion, textWidth) {
		p.SetX(margin)
		p.CellFormat(textWidth, 6, l, "", 1, "L", false, 0, "")
	}
	p.SetXY(margin, 104)
	name := p.r.TenantName
	if name == "" {
		name = "Tenant " + p.r.Tenant.String()
	}
	p.write(bold, 16, black)
	lines := p.wrap(name, textWidth)
	for i, l := range lines[:min(len(lines), 5)] {
		if i == 4 && len(lines) > 5 {
			l = "…"
		}
		p.SetX(margin)
		p.CellFormat(textWidth, 8, l, "", 1, "L", false, 0, "")
	}
	p.SetY(p.GetY() + 6)
	p.pairs([][2]string{
		{"Tenant", p.r.Tenant.String()},
		{"Deployment", p.r.Origin},
		{"Period", fmt.Sprintf("%d days, %s to %s", p.r.Days, day(p.r.Period().From), day(a.AsOf))},
		{"As of", timeText(a.AsOf)},
		{"As of event", strconv.FormatUint(a.AsOfSeq, 10) + ", the last one that counts"},
		{"Catalogue", a.Catalogue.Version + ", SHA3-256 " + a.Catalogue.Digest.String()},
		{"Made by", "QuantaSeal " + p.r.Generator},
		{"Report", p.r.ID.String()},
	})
	p.fill(pale)
	y := 242.0
	p.Rect(margin, y, textWidth, 26, "F")
	p.SetXY(margin, y+4)
	p.write(bold, 10, black)
	p.SetX(margin + 4)
	p.CellFormat(textWidth-8, 5, "An evidence report, not an audit opinion", "", 1, "L", false, 0, "")
	p.write(regular, 8.5, black)
	for _, l := range p.wrap("It is no certificate and no authorisation. It says what the signed record of one system shows, and how little of the framework "+
		"that is. Confidential: for the tenant, and for whom the tenant chooses.", textWidth-8) {
		p.SetX(margin + 4)
		p.CellFormat(textWidth-8, p.height(), l, "", 1, "L", false, 0, "")
	}
}

// day returns the date of an instant in UTC.
func day(t compliance.Instant) string { return timeText(t)[:10] }

func (p *page) result() {
	a := &p.r.Assessment
	p.section("Result")
	y := p.GetY() + 1
	p.write(bold, 44, scoreTone(a.Score))
	p.SetXY(margin, y)
	p.CellFormat(36, 17, strconv.Itoa(a.Score), "", 0, "L", false, 0, "")
	p.write(bold, 13, black)
	p.SetXY(margin+38, y+1.5)
	p.CellFormat(100, 6, "of 100.  Grade "+a.Grade+", "+said(a.Status), "", 1, "L", false, 0, "")
	p.write(regular, 9.5, black)
	p.SetX(margin + 38)
	for _, l := range p.wrap(a.Coverage.Statement+".", textWidth-38) {
		p.SetX(margin + 38)
		p.CellFormat(textWidth-38, 5, l, "", 1, "L", false, 0, "")
	}
	p.SetY(max(p.GetY(), y+17) + 2)
	period := p.r.Period()
	overPeriod := "the chain tells of none of its days"
	if period.Scored > 0 {
		overPeriod = fmt.Sprintf("mean %d, lowest %d, below 70 on %d of %d days", period.Mean, period.Min, period.DaysBelow, period.Scored)
	}
	p.pairs([][2]string{
		{"Before caps", number(a.ScoreExact)},
		{"On that day", fmt.Sprintf("%d: what was designed and in place", a.Score)},
		{"Over the period", overPeriod + ": what operated"},
		{"Controls", fmt.Sprintf("%d compliant, %d partial, %d non compliant, %d not applicable", a.Passed, a.Partly, a.Failed, a.NotApplicable)},
	})
	if len(a.Caps) > 0 {
		p.heading("What holds the score down", 12)
		var rows [][]string
		for _, c := range a.Caps {
			rows = append(rows, []string{c.ID, strconv.Itoa(c.Limit), c.Reason})
		}
		p.table([]column{{"Cap", 22, bold, 0}, {"At most", 14, regular, 0}, {"Because", 130, regular, 0}}, rows)
	}
	p.bars()
}

func (p *page) bars() {
	a := &p.r.Assessment
	p.heading("By who can put it in order", 14)
	halves, _ := a.Breakdown["by_responsibility"].(map[string]int)
	for _, who := range slices.Sorted(maps.Keys(halves)) {
		p.bar("The "+who, halves[who], strconv.Itoa(halves[who]))
	}
	p.SetY(p.GetY() + 3)
	p.heading("By category", 14)
	for _, name := range slices.Sorted(maps.Keys(a.Breakdown)) {
		if c, ok := a.Breakdown[name].(compliance.Category); ok {
			of := c.Compliant + c.Partial + c.NonCompliant
			note := fmt.Sprintf("%d   %d of %d compliant", c.Score, c.Compliant, of)
			if of == 0 {
				note = "not applicable"
			}
			p.bar(name, c.Score, note)
		}
	}
}

func (p *page) scope() {
	a := &p.r.Assessment
	_, found := p.r.reading()
	p.section("Scope and limits")
	p.heading("What was looked at", 14)
	p.prose("One tenant of a QuantaSeal deployment: a vault for credentials that records each act as a signed fact on a chain of its own. Every result here is a function " +
		"of the facts up to event " + strconv.FormatUint(a.AsOfSeq, 10) + ", of one instant and of the catalogue. " + found + " Where no fact speaks to a check the result is \"no evidence\", which counts as zero.")
	p.heading("What was counted", 14)
	p.prose(a.Coverage.Statement + ". " + p.r.Framework.Counted)
	p.heading("What is out of sight", 14)
	p.prose(a.Outside)
	p.heading("What this report is not", 14)
	p.prose(a.Disclaimer)
	p.prose("The operator of the deployment holds the keys that sign. That nothing was left out before it was signed, this report cannot show; that nothing was changed or removed " +
		"since, it can, for whoever holds an earlier checkpoint or receipt.")
	p.heading("Who answers for what", 14)
	p.prose("Each check names who can put it in order: the operator of the deployment, the tenant, or both. The two halves are scored apart in section 1.")
}
