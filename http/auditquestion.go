package http

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/queries"
)

// auditQuestion is what a caller wants to see of the log.
type auditQuestion struct {
	queries.AuditFilter

	users    []string             // whose acts: ids or addresses; none = anybody's
	resource string               // what they are about: an id or a handle; "" = anything
	kind     domain.AggregateKind // of the resource; 0 = any
	pin      string               // the same for every page that the same caller asks for by offset
}

// paging are the parameters that say which part of an answer is wanted.
var paging = []string{"limit", "offset", "cursor", "order", "include"}

// filter says what q asks for, whichever page of it.
func (q auditQuestion) filter() string {
	f := q.AuditFilter
	f.Limit, f.Offset, f.Before, f.From, f.Ascending, f.Forward = 0, 0, 0, 0, false, false
	return fmt.Sprintf("%+v %q %q %d", f, q.users, q.resource, q.kind)
}

// auditQuestionOf reads what the caller wants to see, and whose acts. It looks nothing
// up: whether the caller may ask is not decided yet.
func (s *Server) auditQuestionOf(in *call) (auditQuestion, error) {
	return s.auditQuestion(in, parametersOf(in.http))
}

// auditQuestion reads it from parameters.
func (s *Server) auditQuestion(in *call, p *parameters) (q auditQuestion, err error) {
	q = auditQuestion{AuditFilter: queries.AuditFilter{
		Tenant: in.by.Tenant, Limit: p.number("limit", 1, maxPage, defaultPage), Offset: p.number("offset", 0, 1_000_000, 0),
		Since: p.instant("start_date", false), Until: p.instant("end_date", true),
	}}
	p.types(&q)
	if hours := p.number("hours", 1, 24*3660, 0); hours > 0 {
		// Whole minutes, so that the same question within a minute is the same question.
		since := s.Now().Truncate(time.Minute).Add(-time.Duration(hours) * time.Hour).UnixMicro()
		q.Since = max(q.Since, since)
	}
	p.direction(&q)
	for _, name := range []string{"user", "actor_id"} {
		who := p.text(name)
		if who == "" {
			continue
		}
		if _, err := domain.ParseID(who); err != nil && !strings.Contains(who, "@") {
			p.wrong(name + " must be an id or an e-mail address")
		}
		q.users = append(q.users, who)
	}
	p.about(&q)
	for name := range p.values {
		if slices.Contains(paging, name) {
			delete(p.values, name)
		}
	}
	q.pin = fmt.Sprintf("%s %s %s", in.by.Tenant, in.by.ID, p.values.Encode())
	return q, p.err
}

// types reads which facts are wanted, by stored name or dotted action under
// either parameter, and by how they ended.
func (p *parameters) types(q *auditQuestion) {
	for _, name := range []string{"event_type", "action"} {
		asked := p.text(name)
		if asked == "" {
			continue
		}
		names := domain.NamesOf(asked)
		if names == nil {
			p.wrong(name + " is not known")
		}
		q.Types = append(q.Types, names...)
	}
	switch p.text("outcome") {
	case "":
	case "success":
		q.Outcome = queries.OnlySuccess
	case "failure", "denied", "failed":
		q.Outcome = queries.OnlyFailure
	default:
		p.wrong("outcome must be success or failure")
	}
}

// direction reads in which order the facts are wanted, and which of them first.
// Whoever names from_seq reads the chain forward.
func (p *parameters) direction(q *auditQuestion) {
	order := p.text("order")
	switch order {
	case "", "desc":
	case "asc":
		q.Ascending = true
	default:
		p.wrong("order must be asc or desc")
	}
	cursor := p.seq("cursor")
	if p.text("from_seq") == "" {
		q.Before = cursor
		return
	}
	if order == "desc" {
		p.wrong("from_seq reads forward")
	}
	q.Ascending, q.Forward, q.From = true, true, max(p.count("from_seq"), cursor)
}

// about reads which thing the facts are about.
func (p *parameters) about(q *auditQuestion) {
	q.resource = p.text("resource_id")
	if _, err := domain.ParseReference(q.resource); err != nil && q.resource != "" {
		if _, err := domain.ParseID(q.resource); err != nil {
			p.wrong("resource_id must be an id")
		}
	}
	kind := p.text("resource_type")
	if kind == "" {
		return
	}
	for q.kind = domain.KindTenant; q.kind.String() != kind; q.kind++ {
		if q.kind > domain.KindWebhook {
			p.wrong("resource_type is not known")
			return
		}
	}
	if q.resource == "" {
		p.wrong("resource_type needs a resource_id")
	}
}
