package http

import (
	"context"
	"strconv"
	"strings"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/compliance"
	"github.com/quantaseal/quantaseal/queries"
)

// scoreQuestion is what a score is asked for: as of which instant or fact, and over
// which days before.
type scoreQuestion struct {
	at   int64   // Unix microseconds; 0 = now
	seq  *uint64 // the last fact that counts, at the instant of which it is judged; nil = at says
	days int     // of the period; 0 = none is asked for
}

// scoreQuestion reads what is asked for, and refuses to judge by a catalogue that this
// server does not have.
func (s *Server) scoreQuestion(p *parameters) scoreQuestion {
	q := scoreQuestion{at: p.instant("at", true), days: p.span("period", queries.MaxHistory)}
	asOf := p.instant("as_of", true)
	if p.text("as_of_seq") != "" {
		seq := p.count("as_of_seq")
		q.seq = &seq
	}
	if q.at != 0 && asOf != 0 || q.seq != nil && (q.at != 0 || asOf != 0) {
		p.wrong("give one of at, as_of and as_of_seq")
	}
	q.at = max(q.at, asOf)
	s.catalogue(p)
	return q
}

// catalogue refuses a catalogue that is not the one there is: current, its version, or
// its digest.
func (s *Server) catalogue(p *parameters) {
	asked, c := strings.TrimPrefix(p.text("catalogue"), "sha3-256:"), s.Scores.Catalogue()
	if asked != "" && asked != "current" && asked != c.Version && asked != c.Digest().String() {
		p.wrong("catalogue must be current or " + c.Version)
	}
}

// span returns a parameter that is so many days, such as 90d or P90D, or 0.
func (p *parameters) span(name string, most int) int {
	s := p.text(name)
	if s == "" {
		return 0
	}
	digits, ok := strings.CutSuffix(strings.TrimPrefix(strings.ToLower(s), "p"), "d")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 1 || n > most || digits != strconv.Itoa(n) {
		p.wrong(name + " must be 1d to " + strconv.Itoa(most) + "d")
	}
	return n
}

// String tells questions about a framework apart.
func (q scoreQuestion) String() string {
	text := strconv.FormatInt(q.at, 10)
	if q.seq != nil {
		text = "fact " + strconv.FormatUint(*q.seq, 10)
	}
	if q.days > 0 {
		text += " period " + strconv.Itoa(q.days)
	}
	return text
}

// assess answers a question.
func (s *Server) assess(ctx context.Context, tenant domain.TenantID, f *compliance.Framework, q scoreQuestion) (a compliance.Assessment, period *compliance.Period, err error) {
	if q.seq != nil {
		a, err = s.Scores.ScoreAsOf(ctx, tenant, f, *q.seq)
	} else {
		a, err = s.Scores.Score(ctx, tenant, f, q.at)
	}
	if err != nil || q.days == 0 {
		return a, nil, err
	}
	days, err := s.Scores.Days(ctx, tenant, f, int64(a.AsOf), q.days)
	if err != nil {
		return a, nil, err
	}
	points := make([]compliance.Point, len(days))
	for i, day := range days {
		points[i] = day.Point
	}
	over := compliance.PeriodOf(a.AsOf, q.days, points)
	return a, &over, nil
}
