package report

import (
	"fmt"
	"strconv"

	"github.com/boombuler/barcode/qr"

	"github.com/quantaseal/quantaseal/domain"
)

func (p *page) keys(digest domain.Digest) {
	a, r := &p.r.Assessment, p.r
	verified, _ := r.reading()
	p.section("Cryptography")
	p.pairs([][2]string{
		{"Head of the chain", "event " + strconv.FormatUint(a.AsOfSeq, 10) + ", " + a.HeadHash.String()},
		{"Verified", verified},
		{"Log id", r.LogID.String()},
		{"Audit key", r.KeyID.String()},
		{"Result digest", digestText(digest)},
		{"Signature", fmt.Sprintf("%s over the result digest, %d bytes; whole in report.json", Algorithm, len(r.Signature))},
		{"Algorithms", "facts: SHA3-256, ML-DSA-65 (FIPS 204); this report: the same"},
	})
	p.prose("The key id is the SHA3-256 of the audit key, which the deployment's root key has certified in the first event of the chain; the log id commits to the root key. " +
		"The public key stands in report.json.")
}

func (p *page) verification(digest domain.Digest) {
	p.section("How to verify")
	steps := []string{
		"Compute the SHA3-256 of this file and compare it with report.sig.json, the sidecar that is given out beside it.",
		"Verify the ML-DSA-65 signature of the sidecar, context string quantaseal/v1/report, under the audit key; and that of the result digest, context string quantaseal/v1/result.",
		"Find COMPLIANCE_REPORT_GENERATED on the chain by the report's id, which is its event id, and compare the digests that it names.",
		"Take report.json out of this file, canonicalise its member assessment (RFC 8785), and compare the SHA3-256 with the result digest.",
		"For each fact that is cited, fetch /api/v2/audit/logs/{event id}; compute its hash again, and check its signature and its link.",
		"Export the chain (POST /api/v2/audit/export) and run qsverify on the bundle, with the log id from a source that is not this report, and with a checkpoint or receipt of your own.",
		"Compute the score again: quantaseal report verify, with that bundle and the files that are attached here, does steps 1 to 4 and 6 and this one, without a server.",
	}
	for i, step := range steps {
		p.write(regular, 9, black)
		lines := p.wrap(step, textWidth-8)
		p.room(float64(len(lines)) * p.height())
		y := p.GetY()
		p.SetXY(margin, y)
		p.CellFormat(8, p.height(), strconv.Itoa(i+1)+".", "", 0, "L", false, 0, "")
		for n, l := range lines {
			p.SetXY(margin+8, y+float64(n)*p.height())
			p.CellFormat(textWidth-8, p.height(), l, "", 0, "L", false, 0, "")
		}
		p.SetXY(margin, y+float64(len(lines))*p.height()+1.2)
	}
	p.SetY(p.GetY() + 2)
	p.code(p.r.ID.String() + " " + digestText(digest))
}

// code draws text as a QR code, with what it says beside it.
func (p *page) code(text string) {
	const side = 34.0
	drawn, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		p.SetError(err)
		return
	}
	p.room(side + 2)
	x, y, n := margin, p.GetY(), drawn.Bounds().Dx()
	module := side / float64(n)
	p.fill(black)
	for row := range n {
		for column := range n {
			if c, _, _, _ := drawn.At(column, row).RGBA(); c == 0 {
				p.Rect(x+float64(column)*module, y+float64(row)*module, module*1.01, module*1.01, "F")
			}
		}
	}
	p.write(regular, 8, grey)
	p.SetXY(margin+side+5, y+2)
	p.CellFormat(80, p.height(), "The report's id and the digest of its result:", "", 1, "L", false, 0, "")
	p.write(mono, 7.5, black)
	for _, l := range p.wrap(text, textWidth-side-5) {
		p.SetX(margin + side + 5)
		p.CellFormat(80, p.height(), l, "", 1, "L", false, 0, "")
	}
	p.SetY(y + side + 2)
}

// history draws the score of each day of the period.
func (p *page) history() {
	p.section("History")
	days := p.r.History
	if len(days) == 0 {
		p.prose("The chain tells of no day of the period but that of the report.")
		return
	}
	const height, left = 42.0, 10.0
	p.room(height + 14)
	y := p.GetY() + 2
	width := textWidth - left
	at := func(score int) float64 { return y + height*(1-float64(score)/100) }
	for _, mark := range []int{0, 50, 70, 100} {
		p.write(regular, 7, grey)
		p.SetXY(margin, at(mark)-1.8)
		p.CellFormat(left-2, 3.6, strconv.Itoa(mark), "", 0, "R", false, 0, "")
		p.SetDrawColor(line.r, line.g, line.b)
		p.SetLineWidth(0.2)
		p.Line(margin+left, at(mark), margin+textWidth, at(mark))
	}
	p.SetDrawColor(brand.r, brand.g, brand.b)
	p.SetLineWidth(0.6)
	step := width / float64(max(1, len(days)))
	scores := make([]int, 0, len(days)+1)
	for _, d := range days {
		scores = append(scores, d.Score)
	}
	scores = append(scores, p.r.Assessment.Score)
	for i := range len(scores) - 1 {
		x := margin + left + float64(i)*step
		p.Line(x, at(scores[i]), x+step, at(scores[i+1]))
	}
	p.write(regular, 7, grey)
	p.SetXY(margin+left, y+height+1)
	p.CellFormat(width, 4, day(days[0].AsOf), "", 0, "L", false, 0, "")
	p.SetX(margin + left)
	p.CellFormat(width, 4, day(p.r.Assessment.AsOf), "", 1, "R", false, 0, "")
	p.SetY(y + height + 7)
	period := p.r.Period()
	p.prose(fmt.Sprintf("The score at the beginning of each of %d days, in UTC, judged by the catalogue of this report, and that of the report: mean %d, lowest %d, below 70 on %d days.",
		period.Scored, period.Mean, period.Min, period.DaysBelow))
}
