package http

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
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
	f, users, err := s.auditFilter(in)
	if err != nil {
		return reply[[]auditEntry]{}, err
	}
	receipt, err := s.Vault.RecordAuditQuery(ctx, in.by, fmt.Sprintf("%+v %q", f, users))
	if err != nil {
		return reply[[]auditEntry]{}, err
	}
	s.catchUp(ctx, receipt) // the reading is part of what is read
	asked := len(users) > 0
	if f.Actors, err = s.actors(ctx, in, users); err != nil {
		return reply[[]auditEntry]{}, err
	}
	if in.by.Role.OwnOnly(domain.ScopeAuditRead) {
		own, err := s.actors(ctx, in, []string{in.by.User.String()})
		if err != nil {
			return reply[[]auditEntry]{}, err
		}
		if asked {
			own = slices.DeleteFunc(own, func(id domain.ID) bool { return !slices.Contains(f.Actors, id) })
		}
		f.Actors, asked = own, true
	}
	if asked && len(f.Actors) == 0 {
		return reply[[]auditEntry]{data: []auditEntry{}, receipt: receipt}, nil
	}
	seqs, err := s.auditIndex(ctx, f)
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

// auditIndex returns which facts f wants, for any number of actors.
func (s *Server) auditIndex(ctx context.Context, f queries.AuditFilter) ([]uint64, error) {
	if len(f.Actors) <= queries.MaxActors {
		return s.Queries.AuditIndex(ctx, f)
	}
	part := f
	part.Offset, part.Limit, part.Ascending = 0, f.Offset+f.Limit, false
	var seqs []uint64
	for part.Actors = range slices.Chunk(f.Actors, queries.MaxActors) {
		some, err := s.Queries.AuditIndex(ctx, part)
		if err != nil {
			return nil, err
		}
		seqs = append(seqs, some...)
	}
	slices.Sort(seqs)
	seqs = slices.Compact(seqs)
	end := max(0, len(seqs)-f.Offset)
	seqs = seqs[max(0, end-f.Limit):end]
	if !f.Ascending {
		slices.Reverse(seqs)
	}
	return seqs, nil
}

// auditFilter reads what the caller wants to see, and whose acts. It looks nothing
// up: whether the caller may ask is not decided yet.
func (s *Server) auditFilter(in *call) (f queries.AuditFilter, users []string, err error) {
	p := parametersOf(in.http)
	f = queries.AuditFilter{
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
		who := p.text(name)
		if who == "" {
			continue
		}
		if _, err := domain.ParseID(who); err != nil && !strings.Contains(who, "@") {
			p.wrong(name + " must be an id or an e-mail address")
		}
		users = append(users, who)
	}
	return f, users, p.err
}

// actors returns the ids under which any of the users acted.
func (s *Server) actors(ctx context.Context, in *call, users []string) (all []domain.ID, err error) {
	for _, who := range users {
		actors, err := s.actorsOf(ctx, in, who)
		if err != nil {
			return nil, err
		}
		all = append(all, actors...)
	}
	return all, nil
}

// actorsOf returns the ids under which a user acted, named by id or by e-mail
// address: the user's own, and those of the user's API keys. For an address that
// is no user's there are none.
func (s *Server) actorsOf(ctx context.Context, in *call, who string) ([]domain.ID, error) {
	id, err := domain.ParseID(who)
	if err != nil {
		user, err := s.Identity.UserOf(ctx, in.by.Tenant, who)
		if refusal, ok := errors.AsType[*domain.Error](err); ok && refusal.Kind != domain.Unavailable {
			return nil, nil
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
