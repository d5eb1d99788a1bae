package report

import (
	"bytes"
	"encoding/csv"
	"strconv"
	"strings"

	"github.com/quantaseal/quantaseal/internal/compliance"
)

// ControlsCSV renders one line for each control, as RFC 4180 in UTF-8.
func (r *Report) ControlsCSV() ([]byte, error) {
	a := &r.Assessment
	rows := [][]string{{
		"framework", "framework_version", "control_id", "oscal_id", "title", "category", "support", "status", "credit", "weight", "checks",
		"as_of", "as_of_seq", "catalogue_sha3_256",
	}}
	for i, told := range a.Controls {
		control := &r.Framework.Controls[i]
		credit := ""
		if told.Credit != nil {
			credit = number(*told.Credit)
		}
		rows = append(rows, []string{
			a.Framework, a.FrameworkVersion, told.ID, control.OSCALID, told.Title, control.Category, string(told.Support), string(told.Status),
			credit, number(float64(r.Catalogue.ControlWeight(control)) / 2), strings.Join(control.Checks, " "),
			timeText(a.AsOf), strconv.FormatUint(a.AsOfSeq, 10), a.Catalogue.Digest.String(),
		})
	}
	return table(rows)
}

// EvidenceCSV renders one line for each fact that a check of a control cites, and
// one for each check that cites none.
func (r *Report) EvidenceCSV() ([]byte, error) {
	rows := [][]string{{
		"framework", "control_id", "check_id", "result", "ratio", "population", "strength", "role", "stream", "seq", "event_id", "event_type",
		"recorded_at", "event_hash", "sig_key_id",
	}}
	for _, control := range r.Assessment.Controls {
		for _, check := range control.Checks {
			row := []string{
				r.Assessment.Framework, control.ID, check.ID, string(check.Result), number(check.Ratio), strconv.Itoa(check.Population), check.Strength,
			}
			if len(check.Evidence) == 0 {
				rows = append(rows, append(row, "", "", "", "", "", "", "", ""))
			}
			for _, e := range check.Evidence {
				rows = append(rows, append(row[:len(row):len(row)],
					"failing", e.Stream(), strconv.FormatUint(e.Seq, 10), e.EventID.String(), e.Type, timeText(compliance.Instant(e.Time)),
					e.Hash.String(), e.Signer.String()))
			}
		}
	}
	return table(rows)
}

func table(rows [][]string) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	for _, row := range rows {
		for i, cell := range row {
			row[i] = harmless(cell)
		}
		if err := w.Write(row); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

// harmless keeps a spreadsheet from taking a cell for a formula.
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func timeText(t compliance.Instant) string {
	b, _ := t.MarshalJSON() // it has no error to give
	return strings.Trim(string(b), `"`)
}
