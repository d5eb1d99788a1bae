package http

import (
	"context"
	"strconv"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/compliance"
	"github.com/quantaseal/quantaseal/queries"
)

// foldCost is what a question about a stretch of the chain counts against a limit,
// in requests.
const foldCost = 5

// historyDays is how far back a history goes that says nothing else.
const historyDays = 90

// complianceHistory handles GET /compliance/history and
// GET /compliance/history/{framework}. The score that it ends with is put on record.
func (s *Server) complianceHistory(ctx context.Context, in *call, _ none) (reply[[]queries.HistoryPoint], error) {
	p := parametersOf(in.http)
	days := p.number("days", 1, queries.MaxHistory, historyDays)
	s.catalogue(p)
	framework, err := s.framework(in, p)
	if p.err != nil || err != nil {
		return reply[[]queries.HistoryPoint]{}, firstOf(p.err, err)
	}
	if err := s.Vault.Authorize(ctx, in.by, domain.ScopeCompliance, "compliance.history"); err != nil {
		return reply[[]queries.HistoryPoint]{}, err
	}
	points, err := s.Scores.History(ctx, in.by.Tenant, framework, days)
	if err != nil {
		return reply[[]queries.HistoryPoint]{}, err
	}
	question := framework.ID + " history " + strconv.Itoa(days)
	receipt, err := s.Vault.RecordScore(ctx, in.by, question, s.scored(framework, points[len(points)-1].Point))
	return reply[[]queries.HistoryPoint]{data: points, receipt: receipt}, err
}

// complianceDiff handles GET /compliance/diff and GET /compliance/diff/{framework}.
// The score that it ends with is put on record.
func (s *Server) complianceDiff(ctx context.Context, in *call, _ none) (reply[compliance.Change], error) {
	p := parametersOf(in.http)
	from, to := p.instant("from", false), p.instant("to", true)
	if from == 0 {
		p.wrong("from is required")
	}
	s.catalogue(p)
	framework, err := s.framework(in, p)
	if p.err != nil || err != nil {
		return reply[compliance.Change]{}, firstOf(p.err, err)
	}
	if err := s.Vault.Authorize(ctx, in.by, domain.ScopeCompliance, "compliance.diff"); err != nil {
		return reply[compliance.Change]{}, err
	}
	change, err := s.Scores.Change(ctx, in.by.Tenant, framework, from, to)
	if err != nil {
		return reply[compliance.Change]{}, err
	}
	question := framework.ID + " diff " + strconv.FormatInt(from, 10) + " " + strconv.FormatInt(to, 10)
	receipt, err := s.Vault.RecordScore(ctx, in.by, question, s.scored(framework, change.To))
	return reply[compliance.Change]{data: change, receipt: receipt}, err
}

// scored is the fact that somebody is given a score.
func (s *Server) scored(f *compliance.Framework, at compliance.Point) domain.ComplianceScored {
	return domain.ComplianceScored{
		AsOf: int64(at.AsOf), AsOfSeq: at.AsOfSeq, CatalogueDigest: s.Scores.Catalogue().Digest(),
		Framework: f.ID, ResultDigest: domain.Digest(at.ResultDigest), Score: at.Score,
	}
}
