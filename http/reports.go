package http

import (
	"context"
	"mime"
	"strconv"
	"strings"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/queries"
)

// reportCost is what a report counts against a limit, in requests.
const reportCost = 50

// reportRequest asks for a report. What it says may stand in the query as well.
type reportRequest struct {
	Framework string  `json:"framework"`
	At        string  `json:"at"`
	AsOfSeq   *uint64 `json:"as_of_seq"`
	Days      int     `json:"days"`
	Period    string  `json:"period"`
	Catalogue string  `json:"catalogue"`
	Format    string  `json:"format"`
}

// wrong implements formed.
func (r reportRequest) wrong(_ context.Context, s *Server, in *call) error {
	_, _, err := s.reportQuestion(in, r)
	return err
}

// reportQuery is asked in the query alone.
type reportQuery struct{}

// wrong implements formed.
func (reportQuery) wrong(ctx context.Context, s *Server, in *call) error {
	return reportRequest{}.wrong(ctx, s, in)
}

// reportForms are the files that an answer can be, by format: the name of each, its
// type, and its digest on record. JSON is the answer itself.
var reportForms = map[string]struct {
	file, kind string
	digest     func(domain.ComplianceReportGenerated) domain.Digest
}{
	"json":     {},
	"pdf":      {"report.pdf", "application/pdf", func(f domain.ComplianceReportGenerated) domain.Digest { return f.PDFDigest }},
	"csv":      {"controls.csv", fileKinds[".csv"], func(f domain.ComplianceReportGenerated) domain.Digest { return f.ControlsDigest }},
	"evidence": {"evidence.csv", fileKinds[".csv"], func(f domain.ComplianceReportGenerated) domain.Digest { return f.EvidenceDigest }},
	"oscal":    {"assessment-results.json", fileKinds[".json"], func(f domain.ComplianceReportGenerated) domain.Digest { return f.OSCALDigest }},
}

// reportQuestion returns what a request asks for, and in which format.
func (s *Server) reportQuestion(in *call, req reportRequest) (commands.ReportQuestion, string, error) {
	p := parametersOf(in.http)
	seq := ""
	if req.AsOfSeq != nil {
		seq = strconv.FormatUint(*req.AsOfSeq, 10)
	}
	for name, given := range map[string]string{
		"framework": req.Framework, "at": req.At, "as_of_seq": seq, "period": req.Period, "catalogue": req.Catalogue, "format": req.Format,
	} {
		if given == "" {
			continue
		}
		if p.text(name) != "" {
			p.wrong(name + " was given twice")
		}
		p.values.Set(name, given)
	}
	if p.text("framework") != "" && in.param("framework") != "" {
		p.wrong("the path names the framework")
	}
	asked := s.scoreQuestion(p)
	q := commands.ReportQuestion{At: asked.at, AsOfSeq: asked.seq, Days: p.number("days", 1, queries.MaxHistory, historyDays)}
	if req.Days != 0 {
		if q.Days = req.Days; req.Days < 1 || req.Days > queries.MaxHistory {
			p.wrong("days must be 1 to 366")
		}
	}
	if asked.days > 0 {
		if q.Days = asked.days; req.Days != 0 || p.text("days") != "" {
			p.wrong("days and period are the same: give one")
		}
	}
	format := p.text("format")
	if format == "" && wants(in.http.Header.Get("Accept"), "application/pdf") {
		format = "pdf"
	}
	if format == "" {
		format = "json"
	}
	if _, ok := reportForms[format]; !ok {
		p.wrong("format must be json, pdf, csv, evidence or oscal")
	}
	f, err := s.framework(in, p)
	if err := firstOf(p.err, err); err != nil {
		return q, "", err
	}
	q.Framework = f.ID
	return q, format, nil
}

// wants reports whether an Accept header names a type before every other.
func wants(accept, kind string) bool {
	first, _, _ := strings.Cut(accept, ",")
	named, _, err := mime.ParseMediaType(first)
	return err == nil && named == kind
}

// reportNow handles GET /compliance/report. Asked again within a minute it gives the
// same report, for a client may repeat a GET whenever it likes.
func (s *Server) reportNow(ctx context.Context, in *call, _ reportQuery) (reply[reportAnswer], error) {
	return s.report(ctx, in, reportRequest{}, true)
}

// makeReport handles POST /compliance/reports, POST /compliance/reports/generate and
// POST /compliance/report/{framework}.
func (s *Server) makeReport(ctx context.Context, in *call, req reportRequest) (reply[reportAnswer], error) {
	return s.report(ctx, in, req, false)
}

func (s *Server) report(ctx context.Context, in *call, req reportRequest, coalesced bool) (reply[reportAnswer], error) {
	q, format, err := s.reportQuestion(in, req)
	if err != nil {
		return reply[reportAnswer]{}, err
	}
	made, err := s.Reports.Generate(ctx, commands.GenerateReport{
		Actor: in.by, Question: q, Idempotency: in.idempotency(), Coalesced: coalesced,
	})
	if err != nil {
		return reply[reportAnswer]{}, err
	}
	if form := reportForms[format]; form.file != "" {
		data, err := s.Reports.Read(ctx, made, form.file, form.digest(made.Fact))
		return reply[reportAnswer]{file: &file{form.file, form.kind, data}, receipt: made.Receipt}, err
	}
	answer, err := s.reportAnswer(ctx, in, made)
	return reply[reportAnswer]{data: answer, receipt: made.Receipt}, err
}

// readReport handles GET /compliance/reports/{id}. That somebody is given the score
// again is put on record.
func (s *Server) readReport(ctx context.Context, in *call, _ none) (reply[reportAnswer], error) {
	if err := s.Vault.Authorize(ctx, in.by, domain.ScopeCompliance, "compliance.report.read"); err != nil {
		return reply[reportAnswer]{}, err
	}
	id, err := domain.ParseID(in.param("id"))
	if err != nil {
		return reply[reportAnswer]{}, errNotFound
	}
	made, err := s.Reports.Find(ctx, in.by.Tenant, domain.ReportID{ID: id})
	if err != nil {
		return reply[reportAnswer]{}, err
	}
	answer, err := s.reportAnswer(ctx, in, made)
	if err != nil {
		return reply[reportAnswer]{}, err
	}
	fact := made.Fact
	receipt, err := s.Vault.RecordScore(ctx, in.by, fact.Framework+" report "+id.String(), domain.ComplianceScored{
		AsOf: fact.AsOf, AsOfSeq: fact.AsOfSeq, CatalogueDigest: fact.CatalogueDigest, Framework: fact.Framework,
		ResultDigest: fact.ResultDigest, Score: fact.Score,
	})
	return reply[reportAnswer]{data: answer, receipt: receipt}, err
}

// maxReports is how many reports a page has at most.
const maxReports = 100

// listReports handles GET /compliance/reports: the newest first. That reports were
// made stands in the log that whoever may ask this may read; asking is no fact.
func (s *Server) listReports(ctx context.Context, in *call, _ none) (reply[[]reportAnswer], error) {
	p := parametersOf(in.http)
	limit, offset := p.number("limit", 1, maxReports, maxReports), p.number("offset", 0, 1_000_000, 0)
	if p.err != nil {
		return reply[[]reportAnswer]{}, p.err
	}
	if err := s.Vault.Authorize(ctx, in.by, domain.ScopeCompliance, "compliance.report.list"); err != nil {
		return reply[[]reportAnswer]{}, err
	}
	seqs, err := s.Queries.AuditIndex(ctx, queries.AuditFilter{
		Tenant: in.by.Tenant, Types: []string{domain.ComplianceReportGenerated{}.EventType().Name}, Limit: limit, Offset: offset,
	})
	if err != nil {
		return reply[[]reportAnswer]{}, err
	}
	facts, err := s.Queries.AuditLog(ctx, in.by.Tenant, seqs)
	if err != nil {
		return reply[[]reportAnswer]{}, err
	}
	all := []reportAnswer{}
	for _, fact := range facts {
		made, ok := commands.Reported(in.by.Tenant, fact)
		if !ok {
			continue // a read model that is wrong names it; the log decides
		}
		answer, err := s.briefReport(ctx, in, made)
		if err != nil {
			return reply[[]reportAnswer]{}, err
		}
		all = append(all, answer)
	}
	return reply[[]reportAnswer]{data: all}, nil
}
