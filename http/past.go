package http

import (
	"context"
	"strconv"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/queries"
)

// past reads a parameter that is an instant of the past, or now if it was not given.
func (s *Server) past(p *parameters, name string) int64 {
	now := s.Now().UnixMicro()
	at := p.instant(name, true)
	if at > now {
		p.wrong(name + " must not be in the future")
	}
	if at == 0 {
		return now
	}
	return at
}

// span reads two instants: since, and until where a question goes.
func (s *Server) span(p *parameters, to string) (since, until int64) {
	since, until = p.instant("since", false), s.past(p, to)
	if since > until {
		p.wrong("since must be before " + to)
	}
	return since, until
}

// accessAnswer is who could read a credential at an instant, and who did until then.
type accessAnswer struct {
	CredentialID string      `json:"credential_id"`
	At           instant     `json:"at"`
	State        string      `json:"state"` // as it was: usable, retired, ended, expired, unknown (not sealed yet), locked
	Version      uint16      `json:"version"`
	EntryID      *string     `json:"entry_id"`
	Could        []couldRead `json:"could_read"`
	Did          []didRead   `json:"did_read"`
	DidMore      bool        `json:"did_read_more"` // did_read is of the newest readings only
}

type couldRead struct {
	ActorType  string        `json:"actor_type"`
	ActorID    domain.ID     `json:"actor_id"`
	UserID     domain.UserID `json:"user_id"` // who answers for it
	Role       domain.Role   `json:"role"`
	Restricted bool          `json:"restricted"` // from some addresses only
}

type didRead struct {
	ActorType string    `json:"actor_type"`
	ActorID   domain.ID `json:"actor_id"`
	Times     int       `json:"times"`
	First     instant   `json:"first_at"`
	Last      instant   `json:"last_at"`
	LastSeq   uint64    `json:"last_seq"`
}

// accessQuery is asked in the query alone.
type accessQuery struct{}

// wrong implements formed.
func (accessQuery) wrong(_ context.Context, s *Server, in *call) error {
	p := parametersOf(in.http)
	s.span(p, "at")
	return p.err
}

// access handles GET /vault/{id}/access: who could read a credential at an instant, by
// the rules that decide about requests, and who did.
func (s *Server) access(ctx context.Context, in *call, _ accessQuery) (reply[accessAnswer], error) {
	p := parametersOf(in.http)
	since, at := s.span(p, "at")
	if p.err != nil {
		return reply[accessAnswer]{}, p.err
	}
	id := in.param("id")
	receipt, err := s.Vault.RecordAuditQuery(ctx, in.by, "access "+id+" "+p.values.Encode())
	if err != nil {
		return reply[accessAnswer]{}, err
	}
	known, err := s.knows(ctx, in.by, id)
	if err != nil {
		return reply[accessAnswer]{}, err
	}
	if !known {
		return reply[accessAnswer]{}, s.Vault.RecordDenied(ctx, in.by, domain.ScopeAuditRead, id, "vault.access")
	}
	reference, err := domain.ParseReference(id)
	if err != nil {
		return reply[accessAnswer]{}, err
	}
	s.catchUp(ctx, receipt)
	a, err := s.Past.Access(ctx, in.by.Tenant, reference.Credential(), since, at)
	if err != nil {
		return reply[accessAnswer]{}, err
	}
	answer := accessAnswer{
		CredentialID: reference.Credential().Handle(), At: instant(at), State: stateOf(a, at), Version: a.Credential.Version,
		Could: make([]couldRead, 0, len(a.Could)), Did: make([]didRead, 0, len(a.Did)), DidMore: a.More,
	}
	if a.Credential.Version > 0 {
		entry := a.Credential.Entry().String()
		answer.EntryID = &entry
	}
	for _, r := range a.Could {
		answer.Could = append(answer.Could, couldRead{r.Kind.String(), r.ID, r.User, r.Role, r.Restricted})
	}
	for _, r := range a.Did {
		answer.Did = append(answer.Did, didRead{r.Kind.String(), r.ID, r.Times, instant(r.First), instant(r.Last), r.LastSeq})
	}
	return reply[accessAnswer]{data: answer, receipt: receipt}, nil
}

// stateOf says in a word what a credential was at an instant.
func stateOf(a queries.Access, at int64) string {
	c := a.Credential
	switch {
	case c.Version == 0:
		return "unknown"
	case c.Ended:
		return "ended"
	case c.RestoreUntil != 0:
		return "retired"
	case c.ExpiresAt != 0 && at >= c.ExpiresAt:
		return "expired"
	case a.Locked:
		return "locked"
	}
	return "usable"
}

// blast is what is at stake if somebody else has an API key.
type blast struct {
	ID          domain.KeyID       `json:"id"`
	Owner       domain.UserID      `json:"owner_id"`
	Scopes      []domain.Scope     `json:"scopes"`
	Environment domain.Environment `json:"environment"`
	Active      bool               `json:"is_active"`
	ExpiresAt   instant            `json:"expires_at"`
	Since       instant            `json:"since"`
	Until       instant            `json:"until"`
	Events      []deeds            `json:"events"`
	Credentials []touched          `json:"credentials"`
	Exposed     int                `json:"exposed"`   // credentials in use with a value that the key read
	Reachable   int                `json:"reachable"` // credentials that it can read now
	More        bool               `json:"credentials_more"`
}

type deeds struct {
	EventType string  `json:"event_type"`
	Action    string  `json:"action"`
	Times     int     `json:"times"`
	First     instant `json:"first_at"`
	Last      instant `json:"last_at"`
}

type touched struct {
	CredentialID string  `json:"credential_id"`
	Name         string  `json:"name"`
	Type         string  `json:"credential_type"`
	Times        int     `json:"times"`
	First        instant `json:"first_at"`
	Last         instant `json:"last_at"`
	LastSeq      uint64  `json:"last_seq"`
	Active       bool    `json:"is_active"`
	Exposed      bool    `json:"exposed"`
}

// blastQuery is asked in the query alone.
type blastQuery struct{}

// wrong implements formed.
func (blastQuery) wrong(_ context.Context, s *Server, in *call) error {
	p := parametersOf(in.http)
	s.span(p, "until")
	return p.err
}

// blastRadius handles GET /security/api-keys/{id}/blast-radius: what a key did and can
// reach, and which values it read that are still in use.
func (s *Server) blastRadius(ctx context.Context, in *call, _ blastQuery) (reply[blast], error) {
	p := parametersOf(in.http)
	since, until := s.span(p, "until")
	if p.err != nil {
		return reply[blast]{}, p.err
	}
	receipt, err := s.Vault.RecordAuditQuery(ctx, in.by, "blast radius "+in.param("id")+" "+p.values.Encode())
	if err != nil {
		return reply[blast]{}, err
	}
	id, err := domain.ParseID(in.param("id"))
	if err != nil {
		return reply[blast]{}, errNotFound
	}
	key, _, err := eventstore.Fold[domain.APIKey](ctx, s.Events, in.by.Tenant, domain.AggregateID{Kind: domain.KindKey, ID: id})
	if err != nil {
		return reply[blast]{}, err
	}
	if key.ID.IsZero() {
		return reply[blast]{}, errNotFound
	}
	s.catchUp(ctx, receipt)
	now := s.Now().UnixMicro()
	r, err := s.Past.Reach(ctx, in.by.Tenant, key, since, until, now)
	if err != nil {
		return reply[blast]{}, err
	}
	b := blast{
		ID: key.ID, Owner: key.Owner, Scopes: key.Scopes, Environment: key.Environment, Active: key.Works(now), ExpiresAt: instant(key.ExpiresAt),
		Since: instant(since), Until: instant(until), Events: make([]deeds, 0, len(r.Events)), Credentials: make([]touched, 0, len(r.Credentials)),
		Reachable: r.Reachable, More: r.More,
	}
	for _, d := range r.Events {
		b.Events = append(b.Events, deeds{d.Type, domain.Action(d.Type), d.Times, instant(d.First), instant(d.Last)})
	}
	for _, t := range r.Credentials {
		if t.Exposed {
			b.Exposed++
		}
		b.Credentials = append(b.Credentials, touched{
			t.ID.Handle(), t.Name, t.Type, t.Times, instant(t.First), instant(t.Last), t.LastSeq, t.Active, t.Exposed,
		})
	}
	return reply[blast]{data: b, receipt: receipt}, nil
}

// listPast answers GET /vault/list as of an instant.
func (s *Server) listPast(ctx context.Context, page queries.CredentialPage, at int64, receipt eventstore.Receipt) (reply[[]entry], error) {
	found, next, err := s.Past.Credentials(ctx, page, at)
	if err != nil {
		return reply[[]entry]{}, err
	}
	r := reply[[]entry]{data: make([]entry, 0, len(found)), receipt: receipt}
	for _, c := range found {
		e := entryOfRow(c.Row, page)
		e.ID, e.EntryID = c.Entry().String(), c.Entry().String()
		e.Version, e.Active, e.UpdatedAt, e.AccessedAt = c.Version, c.Active(at), 0, 0
		e.ExpiresAt, e.TTLExpiresAt, e.RestoreUntil = instant(c.ExpiresAt), instant(c.ExpiresAt), instant(c.RestoreUntil)
		e.ETag = etag(c.Version, c.RecordHash)
		r.data = append(r.data, e)
	}
	if next > 0 {
		r.next = strconv.FormatUint(next, 10)
	}
	return r, nil
}
