package http

import (
	"context"

	"github.com/quantaseal/quantaseal/domain"
)

// historyQuery is asked in the query alone.
type historyQuery struct{}

// wrong implements formed.
func (historyQuery) wrong(_ context.Context, s *Server, in *call) error {
	_, err := s.historyQuestionOf(in)
	return err
}

func (s *Server) historyQuestionOf(in *call) (auditQuestion, error) {
	q, err := s.auditQuestionOf(in)
	if err == nil && q.resource != "" {
		err = invalid("the path names the resource")
	}
	return q, err
}

// history handles GET /vault/{id}/history: what happened to a credential, also
// once it is over. It takes what /audit/logs takes, but for the resource.
func (s *Server) history(ctx context.Context, in *call, _ historyQuery) (reply[[]auditEntry], error) {
	q, err := s.historyQuestionOf(in)
	if err != nil {
		return reply[[]auditEntry]{}, err
	}
	id := in.param("id")
	q.resource, q.kind, q.pin = id, domain.KindCredential, q.pin+" "+id
	receipt, err := s.Vault.RecordAuditQuery(ctx, in.by, q.filter())
	if err != nil {
		return reply[[]auditEntry]{}, err
	}
	known, err := s.knows(ctx, in.by, id)
	if err != nil {
		return reply[[]auditEntry]{}, err
	}
	if !known {
		return reply[[]auditEntry]{}, s.Vault.RecordDenied(ctx, in.by, domain.ScopeAuditRead, id, "vault.history")
	}
	return s.readPage(ctx, in, q, receipt)
}

// knows reports whether there is or was a credential for by, under a name that it has.
func (s *Server) knows(ctx context.Context, by domain.Actor, id string) (bool, error) {
	reference, err := domain.ParseReference(id)
	if err != nil {
		return false, nil //nolint:nilerr // no name is no credential's
	}
	c, found, err := s.Queries.Credential(ctx, by.Tenant, reference.Credential())
	return found && c.Environment == by.Environment && reference.Version() <= c.Version, err
}
