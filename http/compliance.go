package http

import (
	"context"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/compliance"
)

// score is an assessment as clients read it, with when it was made and what it
// digests to.
type score struct {
	compliance.Assessment
	Period          *compliance.Period `json:"period,omitempty"` // if it was asked for
	CalculatedAt    instant            `json:"calculated_at"`
	LastEvaluatedAt instant            `json:"last_evaluated_at"` // the same
	ResultDigest    string             `json:"result_digest"`     // of the full assessment, whatever this answer shows of it
}

// complianceScore handles GET /compliance/score and GET /compliance/score/{framework}.
func (s *Server) complianceScore(ctx context.Context, in *call, _ none) (reply[score], error) {
	p := parametersOf(in.http)
	question := s.scoreQuestion(p)
	detail := p.text("detail")
	if detail != "" && detail != "full" && detail != "brief" {
		p.wrong("detail must be full or brief")
	}
	framework, err := s.framework(in, p)
	if p.err != nil || err != nil {
		return reply[score]{}, firstOf(p.err, err)
	}
	if err := s.Vault.Authorize(ctx, in.by, domain.ScopeCompliance, "compliance.score"); err != nil {
		return reply[score]{}, err
	}
	a, period, err := s.assess(ctx, in.by.Tenant, framework, question)
	if err != nil {
		return reply[score]{}, err
	}
	digest, err := a.Digest()
	if err != nil {
		return reply[score]{}, err
	}
	receipt, err := s.Vault.RecordScore(ctx, in.by, framework.ID+" "+question.String(), domain.ComplianceScored{
		AsOf: int64(a.AsOf), AsOfSeq: a.AsOfSeq, CatalogueDigest: a.Catalogue.Digest, Framework: a.Framework, ResultDigest: digest, Score: a.Score,
	})
	if err != nil {
		return reply[score]{}, err
	}
	if detail != "full" {
		a = a.Brief()
	}
	made := instant(s.Now().UnixMicro())
	return reply[score]{data: score{a, period, made, made, "sha3-256:" + digest.String()}, receipt: receipt}, nil
}

// framework returns the one that a request names, in its path or its query.
func (s *Server) framework(in *call, p *parameters) (*compliance.Framework, error) {
	name := in.param("framework")
	if name == "" {
		name = p.text("framework")
	}
	return s.Scores.Catalogue().Framework(name)
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// framework is what a score can be asked for.
type framework struct {
	Framework  string              `json:"framework"`
	Name       string              `json:"framework_name"`
	Version    string              `json:"framework_version"`
	Publisher  string              `json:"publisher"`
	Aliases    []string            `json:"aliases"`
	Coverage   compliance.Coverage `json:"coverage"`
	Controls   int                 `json:"controls"`
	Outside    string              `json:"outside"`
	Disclaimer string              `json:"disclaimer"`
}

// complianceFrameworks handles GET /compliance/frameworks. What there is to score
// is no fact of the tenant's, so asking for it is none either.
func (s *Server) complianceFrameworks(ctx context.Context, in *call, _ none) (reply[[]framework], error) {
	if err := s.Vault.Authorize(ctx, in.by, domain.ScopeCompliance, "compliance.frameworks"); err != nil {
		return reply[[]framework]{}, err
	}
	var all []framework
	for _, f := range s.Scores.Catalogue().Frameworks {
		all = append(all, framework{
			Framework: f.ID, Name: f.Name, Version: f.Version, Publisher: f.Publisher, Aliases: f.Aliases,
			Coverage: f.Coverage(), Controls: len(f.Controls), Outside: f.Outside, Disclaimer: f.Disclaimer,
		})
	}
	return reply[[]framework]{data: all}, nil
}
