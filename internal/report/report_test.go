package report_test

import (
	"bytes"
	"crypto/sha3"
	"encoding/csv"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/compliance"
	"github.com/quantaseal/quantaseal/internal/report"
)

// names are tenants' names in scripts that the font has, and in one that it lacks.
var names = map[string]string{
	"soc2": "Ελληνική Ασφάλεια & Ćwiąkała-Søn ООО «Щит»", "nist_800_53": "東京セキュリティ株式会社 \U0001f510 " + strings.Repeat("long", 60), "gdpr": "",
}

// A report is the same, byte for byte, whenever it is rendered, and another where
// one thing in it is.
func TestReportsAreDeterministic(t *testing.T) {
	for framework, name := range names {
		r := reportOf(t, framework, name)
		first, again := files(t, r), files(t, reportOf(t, framework, name))
		if len(first) != 7 {
			t.Errorf("%s has %d files", framework, len(first))
		}
		for file, data := range first {
			if !bytes.Equal(data, again[file]) {
				t.Errorf("%s: two runs make two of %s", framework, file)
			}
		}
		if !bytes.HasPrefix(first[report.PDFFile], []byte("%PDF-")) || !bytes.HasSuffix(bytes.TrimSpace(first[report.PDFFile]), []byte("%%EOF")) {
			t.Errorf("%s: not a whole PDF", framework)
		}
		r.Generator = "9.9.9"
		if other := files(t, r); bytes.Equal(other[report.PDFFile], first[report.PDFFile]) || bytes.Equal(other[report.JSONFile], first[report.JSONFile]) {
			t.Errorf("%s: the PDF or the JSON does not say what made it", framework)
		}
	}
	r := reportOf(t, "soc2", "")
	r.Assessment.Framework = "gdpr"
	if _, err := r.Files(); err == nil {
		t.Error("an assessment of another framework is reported")
	}
}

// A report says that the chain did not hold, and nowhere that it did.
func TestABrokenChainIsSaid(t *testing.T) {
	r := reportOf(t, "soc2", "")
	sound := files(t, r)[report.PDFFile]
	if short, sentence := r.Reading(); !strings.HasPrefix(short, "events 0 to ") || !strings.Contains(sentence, "was verified") {
		t.Errorf("a sound chain reads %q, %q", short, sentence)
	}
	r.Assessment.Caps = append(r.Assessment.Caps, compliance.Cap{ID: "integrity", Reason: "V13 at 7"})
	for i, said := range func() []string { a, b := r.Reading(); return []string{a, b} }() {
		if !strings.Contains(said, "V13 at 7") || strings.Contains(said, "events 0") || strings.Contains(said, "was verified, link") {
			t.Errorf("%d: a broken chain reads %q", i, said)
		}
	}
	if bytes.Equal(files(t, r)[report.PDFFile], sound) {
		t.Error("the PDF does not say it")
	}
}

func files(t *testing.T, r *report.Report) map[string][]byte {
	t.Helper()
	list, err := r.Files()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, f := range list {
		all[f.Name] = f.Data
	}
	return all
}

// The JSON holds the result that is signed: its canonical assessment has the digest.
func TestJSONHoldsTheResult(t *testing.T) {
	r := reportOf(t, "soc2", "Ελληνική <b>")
	data, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Name       string          `json:"tenant_name"`
		Assessment json.RawMessage `json:"assessment"`
		Digest     string          `json:"result_digest"`
		Period     struct {
			Scored    int `json:"days_scored"`
			Mean, Min int
			DaysBelow int `json:"days_below_70"`
		} `json:"period"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	want, err := r.Assessment.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if got := domain.Digest(sha3.Sum256(doc.Assessment)); got != want || doc.Digest != "sha3-256:"+want.String() || doc.Name != "Ελληνική <b>" {
		t.Errorf("the assessment in it digests to %s, it says %s; the result is %s", got, doc.Digest, want)
	}
	if doc.Period.Scored != 30 || doc.Period.Min < 1 || doc.Period.Mean < doc.Period.Min || doc.Period.DaysBelow != 30 {
		t.Errorf("the period is %+v", doc.Period)
	}
}

// Tables are read back as they were meant, and no cell is a formula.
func TestCSV(t *testing.T) {
	r := reportOf(t, "pci_dss", "")
	for name, table := range map[string]struct {
		render func() ([]byte, error)
		least  int
	}{"controls": {r.ControlsCSV, 41}, "evidence": {r.EvidenceCSV, 150}} {
		data, err := table.render()
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
		if err != nil || len(rows) < table.least || !bytes.Contains(data, []byte("\r\n")) {
			t.Errorf("%s has %d rows: %v", name, len(rows), err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.String().Draw(t, "cell")
		safe := report.Harmless(cell)
		if safe != cell && safe != "'"+cell {
			t.Fatalf("%q became %q", cell, safe)
		}
		if safe != "" && strings.ContainsAny(safe[:1], "=+-@\t\r\n") {
			t.Fatalf("%q stays a formula", safe)
		}
	})
}

// No line is wider than its cell, and nothing of a text is lost but the letters that
// the font lacks, which are told by their numbers.
func TestTextFits(t *testing.T) {
	wrap, err := reportOf(t, "soc2", "").Wrapper()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.OneOf(rapid.Rune(), rapid.RuneFrom([]rune("ab cdéλЖ東")))).Draw(t, "text")
		width := rapid.Float64Range(12, 170).Draw(t, "width")
		lines, widths := wrap(text, width)
		for i, w := range widths {
			if w > width {
				t.Fatalf("line %q is %.2f wide of %.2f", lines[i], w, width)
			}
		}
		kept := strings.Join(lines, "")
		for _, c := range text {
			if letter := unicode.In(c, unicode.Greek) && c >= 'α' && c <= 'ω' || c > ' ' && c < 0x7f; letter && !strings.ContainsRune(kept, c) {
				t.Fatalf("%q was lost from %q: %q", c, text, kept)
			}
		}
	})
	if lines, _ := wrap("a東b", 100); !slices.Equal(lines, []string{"a[U+6771]b"}) {
		t.Errorf("got %q", lines)
	}
}

// A sidecar vouches for the files it was made of, and for no change of its own.
func TestSidecar(t *testing.T) {
	r := reportOf(t, "soc2", "x")
	list := []report.File{{Name: report.PDFFile, Data: []byte("%PDF-")}, {Name: report.JSONFile, Data: []byte("{}")}}
	s, err := r.Sidecar(list)
	if err != nil {
		t.Fatal(err)
	}
	message, err := s.Message()
	if err != nil {
		t.Fatal(err)
	}
	if s.Signature, err = auditor.Sign(chain.ContextReport, message); err != nil {
		t.Fatal(err)
	}
	file, err := s.File()
	if err != nil {
		t.Fatal(err)
	}
	read, err := report.ReadSidecar(file.Data)
	if err != nil || read.Files[report.PDFFile].Hash != domain.Digest(sha3.Sum256(list[0].Data)) || read.ReportID != r.ID {
		t.Errorf("read %+v, %v", read.Files, err)
	}
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(0, len(file.Data)-1).Draw(t, "at")
		bad := bytes.Clone(file.Data)
		bad[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if read, err := report.ReadSidecar(bad); err == nil {
			again, _ := read.File()
			if !bytes.Equal(again.Data, file.Data) { // what only changes the spelling changes nothing
				t.Fatalf("a changed byte %d passes", at)
			}
		}
	})
}

func FuzzReadSidecar(f *testing.F) {
	f.Add([]byte(`{"format":"quantaseal/report-signature","version":1,"alg":"ML-DSA-65"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := report.ReadSidecar(data); err == nil {
			t.Errorf("forged %+v", s)
		}
	})
}
