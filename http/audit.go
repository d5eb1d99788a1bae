package http

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// auditQuery is asked in the query alone.
type auditQuery struct{}

// wrong implements formed.
func (auditQuery) wrong(_ context.Context, s *Server, in *call) error {
	_, err := s.auditQuestionOf(in)
	return err
}

// auditLogs handles GET /audit/logs and GET /audit.
func (s *Server) auditLogs(ctx context.Context, in *call, _ auditQuery) (reply[[]auditEntry], error) {
	q, err := s.auditQuestionOf(in)
	if err != nil {
		return reply[[]auditEntry]{}, err
	}
	receipt, err := s.Vault.RecordAuditQuery(ctx, in.by, q.filter())
	if err != nil {
		return reply[[]auditEntry]{}, err
	}
	return s.readPage(ctx, in, q, receipt)
}

// readPage answers a question about the log whose reading is on the record.
func (s *Server) readPage(ctx context.Context, in *call, q auditQuestion, receipt eventstore.Receipt) (reply[[]auditEntry], error) {
	s.catchUp(ctx, receipt) // the reading is part of what is read
	if q.Offset > 0 && q.Before == 0 && !q.Forward {
		q.Before = s.pins.get(q.pin, s.Now()) // every reading is on the log and would shift the pages
	}
	r, err := s.auditPage(ctx, in, q)
	r.receipt = receipt
	return r, err
}

// auditPage reads the page that q asks for.
func (s *Server) auditPage(ctx context.Context, in *call, q auditQuestion) (reply[[]auditEntry], error) {
	r := reply[[]auditEntry]{data: []auditEntry{}}
	actors, anybody, err := s.visibleActors(ctx, in, q.users)
	if err != nil || !anybody && len(actors) == 0 {
		return r, err
	}
	q.Actors = actors
	seqs, err := s.auditIndex(ctx, q)
	if err != nil {
		return r, err
	}
	facts, err := s.Queries.AuditLog(ctx, in.by.Tenant, seqs)
	if err != nil {
		return r, err
	}
	signed := len(facts) <= signedRows && dialectOf(in.http) == rest || in.http.URL.Query().Get("include") == "signature"
	for _, fact := range facts {
		r.data = append(r.data, auditEntryOf(fact, signed))
	}
	if len(seqs) == 0 {
		return r, nil
	}
	oldest, newest := slices.Min(seqs), slices.Max(seqs)
	if q.Offset == 0 && q.Before == 0 && !q.Forward {
		s.pins.put(q.pin, newest+1, s.Now())
	}
	switch full := len(seqs) == q.Limit; {
	case full && q.Forward:
		r.next = strconv.FormatUint(newest+1, 10)
	case full && oldest > 0:
		r.next = strconv.FormatUint(oldest, 10)
	}
	return r, nil
}

// auditIndex returns which facts q wants, whatever kinds of thing have the id that
// q asks for.
func (s *Server) auditIndex(ctx context.Context, q auditQuestion) ([]uint64, error) {
	if q.resource != "" {
		about, err := s.Queries.Resources(ctx, q.Tenant, q.resource, q.kind)
		if err != nil || len(about) == 0 {
			return nil, err
		}
		q.Aggregates = about
	}
	return s.Queries.AuditIndex(ctx, q.AuditFilter)
}

// auditLog handles GET /audit/logs/{id}.
func (s *Server) auditLog(ctx context.Context, in *call, _ none) (reply[auditProof], error) {
	receipt, err := s.Vault.RecordAuditQuery(ctx, in.by, "event "+in.param("id"))
	if err != nil {
		return reply[auditProof]{}, err
	}
	id, err := domain.ParseID(in.param("id"))
	if err != nil {
		return reply[auditProof]{}, errNotFound
	}
	fact, err := s.Queries.Log.Find(ctx, in.by.Tenant, id)
	if errors.Is(err, eventstore.ErrNotFound) {
		return reply[auditProof]{}, errNotFound
	}
	if err != nil {
		return reply[auditProof]{}, err
	}
	actors, anybody, err := s.visibleActors(ctx, in, nil)
	if err != nil {
		return reply[auditProof]{}, err
	}
	if !anybody && !slices.Contains(actors, domain.ID(fact.Header.ActorID)) {
		return reply[auditProof]{}, errNotFound
	}
	return reply[auditProof]{data: auditProofOf(fact), receipt: receipt}, nil
}
