package http

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/compliance"
)

// reportAnswer is a report as clients read it, under each of the names that they
// know its parts by.
type reportAnswer struct {
	ID             domain.ReportID `json:"id"`
	ReportID       domain.ReportID `json:"report_id"` // the same
	Framework      string          `json:"framework"`
	FrameworkName  string          `json:"framework_name"`
	Status         string          `json:"status"`
	CreatedAt      instant         `json:"created_at"`
	GeneratedAt    instant         `json:"generated_at"`    // the same
	CompletionTime instant         `json:"completion_time"` // the same
	AsOf           instant         `json:"as_of"`
	AsOfSeq        uint64          `json:"as_of_seq"`
	PeriodDays     int             `json:"period_days"`
	Score          int             `json:"score"`
	OverallScore   int             `json:"overall_score"` // the same
	Grade          string          `json:"grade"`
	Summary        any             `json:"summary"`
	Controls       json.RawMessage `json:"controls,omitempty"`
	Checkpoint     checkpointRef   `json:"checkpoint"`
	Ruleset        domain.Digest   `json:"ruleset_hash"`
	ResultDigest   string          `json:"result_digest"`
	Files          reportFiles     `json:"files"`
	ReportURL      string          `json:"report_url"`
	PDFURL         string          `json:"pdf_url"`
	DownloadURL    string          `json:"download_url"` // the same
	ExpiresIn      int             `json:"expires_in"`   // of the URLs, in seconds
}

// checkpointRef is the fact up to which a report tells.
type checkpointRef struct {
	Seq uint64 `json:"seq"`
}

// reportFiles are the files of a report, by their URLs, and what the record says
// that they digest to.
type reportFiles map[string]reportFile

type reportFile struct {
	URL    string         `json:"url"`
	Digest *domain.Digest `json:"sha3_256,omitempty"` // none of the signature, which holds the others'
}

// reportSummary is what a report comes to.
type reportSummary struct {
	Score         int                 `json:"score"`
	Grade         string              `json:"grade"`
	Status        string              `json:"status"`
	Provisional   bool                `json:"provisional"`
	Passed        int                 `json:"passed_controls"`
	Partial       int                 `json:"partial_controls"`
	Failed        int                 `json:"failed_controls"`
	NotApplicable int                 `json:"not_applicable_controls"`
	Coverage      compliance.Coverage `json:"coverage"`
	Caps          []compliance.Cap    `json:"caps"`
}

// briefReport tells of a report what the record does.
func (s *Server) briefReport(ctx context.Context, in *call, made commands.Report) (reportAnswer, error) {
	f := made.Fact
	framework, err := s.Scores.Catalogue().Framework(f.Framework)
	if err != nil {
		return reportAnswer{}, fmt.Errorf("telling of report %s: %w", f.ReportID, err)
	}
	a := reportAnswer{
		ID: f.ReportID, ReportID: f.ReportID, Framework: f.Framework, FrameworkName: framework.Name, Status: "complete",
		CreatedAt: instant(made.At), GeneratedAt: instant(made.At), CompletionTime: instant(made.At),
		AsOf: instant(f.AsOf), AsOfSeq: f.AsOfSeq, PeriodDays: f.PeriodDays, Score: f.Score, OverallScore: f.Score, Grade: compliance.Grade(f.Score),
		Summary:    map[string]any{"score": f.Score, "grade": compliance.Grade(f.Score)},
		Checkpoint: checkpointRef{f.AsOfSeq}, Ruleset: f.CatalogueDigest, ResultDigest: "sha3-256:" + f.ResultDigest.String(),
		Files: reportFiles{}, ExpiresIn: int(commands.ReportURLTTL.Seconds()),
	}
	for name, digest := range map[string]*domain.Digest{
		"report.json": &f.JSONDigest, "report.pdf": &f.PDFDigest, "controls.csv": &f.ControlsDigest, "evidence.csv": &f.EvidenceDigest,
		"assessment-results.json": &f.OSCALDigest, "assessment-plan.json": &f.PlanDigest, "platform-evidence.json": &f.PlatformDigest, "report.sig.json": nil,
	} {
		url, err := s.Reports.URL(ctx, made, name)
		if err != nil {
			return reportAnswer{}, err
		}
		if strings.HasPrefix(url, "/") {
			url = s.base(in) + url
		}
		a.Files[name] = reportFile{url, digest}
	}
	a.ReportURL, a.PDFURL, a.DownloadURL = a.Files["report.json"].URL, a.Files["report.pdf"].URL, a.Files["report.pdf"].URL
	return a, nil
}

// base returns where the caller reaches this server: as it is configured, or else as
// the caller says, who alone is told.
func (s *Server) base(in *call) string {
	switch {
	case s.PublicURL != "":
		return s.PublicURL
	case in.http.TLS != nil:
		return "https://" + in.http.Host
	}
	return "http://" + in.http.Host
}

// reportAnswer tells of a report all that it says, as its file does, which has to be
// the one that is on record.
func (s *Server) reportAnswer(ctx context.Context, in *call, made commands.Report) (reportAnswer, error) {
	a, err := s.briefReport(ctx, in, made)
	if err != nil {
		return reportAnswer{}, err
	}
	data, err := s.Reports.Read(ctx, made, "report.json", made.Fact.JSONDigest)
	if err != nil {
		return reportAnswer{}, err
	}
	var told struct {
		Assessment struct {
			reportSummary
			Controls json.RawMessage `json:"controls"`
		} `json:"assessment"`
	}
	if err := json.Unmarshal(data, &told); err != nil {
		return reportAnswer{}, fmt.Errorf("reading report %s: %w", made.Fact.ReportID, err)
	}
	a.Summary, a.Controls = told.Assessment.reportSummary, told.Assessment.Controls
	return a, nil
}
