package http

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/queries"
)

// auditEntry is a fact as every published client reads it. What it says comes
// from the chain, verified; header, payload and signature let its reader verify it again.
type auditEntry struct {
	ID                 domain.ID       `json:"id"`
	Seq                uint64          `json:"seq"`
	EventType          string          `json:"event_type"`
	Action             string          `json:"action"`
	Outcome            string          `json:"outcome"`
	ActorID            string          `json:"actor_id"`
	ActorType          string          `json:"actor_type"`
	IPAddress          *string         `json:"ip_address"`
	UserAgent          *string         `json:"user_agent"`
	ResourceID         string          `json:"resource_id"`
	ResourceType       string          `json:"resource_type"`
	Metadata           json.RawMessage `json:"metadata"`
	Timestamp          instant         `json:"timestamp"`
	CreatedAt          instant         `json:"created_at"`
	RequestID          string          `json:"request_id"`
	PrevHash           string          `json:"prev_hash"`
	CurrentHash        string          `json:"current_hash"`
	SignatureAlgorithm string          `json:"signature_algorithm"`
	KeyID              string          `json:"key_id"`
	SignerKeyID        string          `json:"signer_key_id"`
	Header             []byte          `json:"header"`
	Signature          []byte          `json:"signature,omitempty"`
}

// signedRows is how many entries an answer may have and still carry signatures,
// 4.4 kB each, for callers that are not known to ignore them.
const signedRows = 100

// auditLogs handles GET /audit/logs and GET /audit.
func (s *Server) auditLogs(ctx context.Context, in *call, _ none) (reply[[]auditEntry], error) {
	f, err := s.auditFilter(ctx, in)
	if err != nil {
		return reply[[]auditEntry]{}, err
	}
	receipt, err := s.Vault.RecordAuditQuery(ctx, in.by, fmt.Sprintf("%+v", f))
	if err != nil {
		return reply[[]auditEntry]{}, err
	}
	s.catchUp(ctx, receipt) // the reading is part of what is read
	seqs, err := s.Queries.AuditIndex(ctx, f)
	if err != nil {
		return reply[[]auditEntry]{}, err
	}
	facts, err := s.Queries.AuditLog(ctx, in.by.Tenant, seqs)
	if err != nil {
		return reply[[]auditEntry]{}, err
	}
	r := reply[[]auditEntry]{data: make([]auditEntry, 0, len(facts)), receipt: receipt}
	signed := len(facts) <= signedRows && dialectOf(in.http) == rest || in.http.URL.Query().Get("include") == "signature"
	for _, fact := range facts {
		r.data = append(r.data, auditEntryOf(fact, signed))
	}
	if len(seqs) == f.Limit {
		oldest := seqs[len(seqs)-1]
		if f.Ascending {
			oldest = seqs[0]
		}
		if oldest > 0 {
			r.next = strconv.FormatUint(oldest, 10)
		}
	}
	return r, nil
}

// auditFilter reads what the caller wants to see.
func (s *Server) auditFilter(ctx context.Context, in *call) (queries.AuditFilter, error) {
	p := parameters{values: in.http.URL.Query()}
	f := queries.AuditFilter{
		Tenant: in.by.Tenant, Limit: p.number("limit", 1, maxPage, defaultPage), Offset: p.number("offset", 0, 1_000_000, 0),
		Since: p.instant("start_date", false), Until: p.instant("end_date", true), Before: p.seq("cursor"),
	}
	for _, name := range []string{"event_type", "action"} {
		if asked := p.text(name); asked != "" {
			names := domain.NamesOf(asked)
			if names == nil {
				p.wrong(name + " is not known")
			}
			f.Types = append(f.Types, names...)
		}
	}
	if hours := p.number("hours", 1, 24*3660, 0); hours > 0 {
		// Whole minutes, so that the same question within a minute is the same question.
		since := s.Now().Truncate(time.Minute).Add(-time.Duration(hours) * time.Hour).UnixMicro()
		f.Since = max(f.Since, since)
	}
	switch p.text("outcome") {
	case "":
	case "success":
		f.Outcome = queries.OnlySuccess
	case "failure", "denied", "failed":
		f.Outcome = queries.OnlyFailure
	default:
		p.wrong("outcome must be success or failure")
	}
	switch p.text("order") {
	case "", "desc":
	case "asc":
		f.Ascending = true
	default:
		p.wrong("order must be asc or desc")
	}
	for _, name := range []string{"user", "actor_id"} {
		if who := p.text(name); who != "" && p.err == nil {
			actors, err := s.actorsOf(ctx, in, who)
			if err != nil {
				return f, err
			}
			f.Actors = append(f.Actors, actors...)
		}
	}
	return f, p.err
}

// actorsOf returns the ids under which a user acted, named by id or by e-mail
// address: the user's own, and those of the user's API keys.
func (s *Server) actorsOf(ctx context.Context, in *call, who string) ([]domain.ID, error) {
	id, err := domain.ParseID(who)
	if err != nil {
		user, err := s.Identity.UserOf(ctx, in.by.Tenant, who)
		if refusal := (*domain.Error)(nil); errors.As(err, &refusal) {
			return nil, invalid("user must be an id or an e-mail address")
		}
		if err != nil {
			return nil, err
		}
		id = user.ID
	}
	actors := []domain.ID{id}
	keys, err := s.Queries.APIKeys(ctx, in.by.Tenant)
	for _, key := range keys {
		if key.Owner.ID == id {
			actors = append(actors, key.ID.ID)
		}
	}
	return actors, err
}

func auditEntryOf(r eventstore.Recorded, signed bool) auditEntry {
	h := r.Header
	e := auditEntry{
		ID: h.EventID, Seq: h.Seq, EventType: h.EventType, Action: domain.Action(h.EventType), Outcome: domain.Outcome(h.Outcome).String(),
		ActorID: domain.ID(h.ActorID).String(), ActorType: domain.ActorKind(h.ActorKind).String(),
		ResourceID: domain.ID(h.AggregateID).String(), ResourceType: domain.AggregateKind(h.AggregateKind).String(),
		Metadata: r.Record.Payload, Timestamp: instant(h.TimeUS), CreatedAt: instant(h.TimeUS),
		RequestID: domain.RequestID{ID: h.RequestID}.String(),
		PrevHash:  h.Prev.String(), CurrentHash: r.Hash.String(), SignatureAlgorithm: "ML-DSA-65",
		KeyID: h.SignerKeyID.String(), SignerKeyID: h.SignerKeyID.String(), Header: r.Record.Header,
	}
	if domain.AggregateKind(h.AggregateKind) == domain.KindCredential {
		e.ResourceID = domain.CredentialID{ID: h.AggregateID}.Handle()
	}
	if r.Origin.IP != "" {
		e.IPAddress = &r.Origin.IP
	}
	if r.Origin.UserAgent != "" {
		e.UserAgent = &r.Origin.UserAgent
	}
	if signed {
		e.Signature = r.Record.Signature
	}
	return e
}
