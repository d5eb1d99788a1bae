package projections_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// Marks of what no table may hold.
const (
	markEmail    = "marker-address@example.org"
	markPassword = "marker-phc-string"
	markIP       = "203.0.113.77"
)

// history draws a plausible log: a few tenants, their keys and sessions, and
// credentials that live, turn and end.
func history(atLeast, atMost int) *rapid.Generator[story] {
	return rapid.Custom(func(t *rapid.T) story {
		h := &writer{t: t, seqs: map[domain.TenantID]uint64{}, now: 1_800_000_000_000_000}
		for range rapid.IntRange(1, 3).Draw(t, "tenants") {
			h.register()
		}
		want := rapid.IntRange(atLeast, atMost).Draw(t, "facts")
		for len(h.facts) < want {
			h.step()
		}
		return h.facts
	})
}

// story is a history that a failing test prints in one line a fact.
type story []eventstore.Recorded

func (s story) GoString() string {
	var b strings.Builder
	for _, f := range s {
		fmt.Fprintf(&b, "\n%3d %x %s", f.Position, f.Header.AggregateID, f.Header.EventType)
	}
	return b.String()
}

// writer writes a history.
type writer struct {
	t       *rapid.T
	facts   []eventstore.Recorded
	seqs    map[domain.TenantID]uint64
	now     uint64
	drawn   uint64
	tenants []*tenantState
}

type tenantState struct {
	id          domain.TenantID
	user        domain.UserID
	others      []domain.UserInvited
	keys        []domain.KeyID
	sessions    []domain.SessionID
	credentials []domain.Credential
}

func (h *writer) id() (id domain.ID) {
	h.drawn++
	copy(id[:], fmt.Sprintf("%02x-id-%010d", h.drawn%251, h.drawn))
	return id
}

func (h *writer) digest() domain.Digest {
	id, other := h.id(), h.id()
	return domain.Digest(append(id[:], other[:]...))
}

// append records e as the next fact.
func (h *writer) append(by domain.Actor, kind domain.AggregateKind, id domain.ID, e domain.Event) {
	h.now += rapid.Uint64Range(0, 90_000_000).Draw(h.t, "later")
	h.facts = append(h.facts, eventstore.Recorded{
		Position: eventstore.Position(len(h.facts) + 1), Event: e, Origin: domain.Origin{IP: markIP},
		Header: chain.Header{
			Tenant: by.Tenant.ID, Seq: h.seqs[by.Tenant], EventID: h.id(), TimeUS: h.now,
			ActorKind: uint8(by.Kind), ActorID: by.ID, RequestID: h.id(), Outcome: uint8(domain.OutcomeOf(e)),
			AggregateKind: uint8(kind), AggregateID: id, EventType: e.EventType().Name, SchemaVersion: e.EventType().Version,
		},
	})
	h.seqs[by.Tenant]++
}

func (h *writer) register() {
	s := &tenantState{id: domain.TenantID{ID: h.id()}, user: domain.UserID{ID: h.id()}}
	h.tenants = append(h.tenants, s)
	anonymous := domain.Actor{Kind: domain.ActorAnonymous}
	ref := h.id()
	h.append(anonymous, domain.KindUser, ref, domain.AccountClaimed{
		AccountRef: ref, TenantID: s.id, UserID: s.user,
		Personal: domain.Registration{Email: markEmail, PasswordHash: markPassword, TenantName: "Acme"},
	})
	h.append(anonymous, domain.KindTenant, domain.ID{}, domain.TenantAdded{TenantID: s.id, TenantIndex: uint32(len(h.tenants))})
	if rapid.IntRange(0, 5).Draw(h.t, "crash") == 0 {
		if rapid.Bool().Draw(h.t, "erased") {
			h.append(anonymous, domain.KindUser, ref, domain.AccountReleased{AccountRef: ref, UserID: s.user})
		}
		return // interrupted: the tenant never began
	}
	anonymous.Tenant = s.id
	h.append(anonymous, domain.KindTenant, s.id.ID, domain.ChainGenesis{TenantIndex: uint32(len(h.tenants))})
	h.append(anonymous, domain.KindTenant, s.id.ID, domain.TenantRegistered{
		Plan: "trial", TenantID: s.id, TrialEndsAt: int64(h.now) + 1, Personal: domain.TenantName{Name: "Acme <& Söhne>"},
	})
	h.append(anonymous, domain.KindUser, s.user.ID, domain.UserRegistered{
		AccountRef: ref, Role: domain.RoleOwner, UserID: s.user, Verified: true, Personal: domain.UserAddress{Email: markEmail},
	})
	h.append(anonymous, domain.KindUser, s.user.ID, domain.PasswordSet{UserID: s.user, Personal: domain.PasswordHash{Hash: markPassword}})
}

// actor draws who acts: the user, one of the keys, or the deployment.
func (h *writer) actor(s *tenantState) domain.Actor {
	by := domain.Actor{Tenant: s.id, Kind: domain.ActorUser, ID: s.user.ID, User: s.user}
	switch n := rapid.IntRange(0, 3).Draw(h.t, "actor"); {
	case n == 0:
		by = domain.System(s.id, domain.RequestID{})
	case n > 1 && len(s.keys) > 0:
		by.Kind, by.ID = domain.ActorKey, rapid.SampledFrom(s.keys).Draw(h.t, "key").ID
	}
	return by
}

func (h *writer) step() {
	s := rapid.SampledFrom(h.tenants).Draw(h.t, "tenant")
	by := h.actor(s)
	switch n := rapid.IntRange(0, 23).Draw(h.t, "step"); {
	case n > 20:
		h.people(s, by)
	case n == 0:
		id := domain.KeyID{ID: h.id()}
		s.keys = append(s.keys, id)
		h.append(by, domain.KindKey, id.ID, domain.APIKeyCreated{
			Digest: h.digest(), Environment: domain.Test, ExpiresAt: int64(h.now) + 5, KeyID: id, Lookup: id.String(),
			Owner: s.user, Prefix: "qs_test_", Scopes: domain.AllScopes()[:3], Personal: domain.APIKeyName{Name: "ci"},
		})
	case n == 1 && len(s.keys) > 0:
		id := rapid.SampledFrom(s.keys).Draw(h.t, "key")
		h.append(by, domain.KindKey, id.ID, domain.APIKeyRevoked{KeyID: id})
	case n == 2:
		id := domain.SessionID{ID: h.id()}
		s.sessions = append(s.sessions, id)
		h.append(by, domain.KindSession, id.ID, domain.SessionIssued{SessionID: id, UserID: s.user, ExpiresAt: int64(h.now) + 9, TokenDigest: h.digest()})
	case n == 3 && len(s.sessions) > 0:
		id := rapid.SampledFrom(s.sessions).Draw(h.t, "session")
		h.append(by, domain.KindSession, id.ID, domain.SessionRefreshed{SessionID: id, TokenDigest: h.digest(), UsedAt: int64(h.now)})
	case n == 4 && len(s.sessions) > 0:
		id := rapid.SampledFrom(s.sessions).Draw(h.t, "session")
		h.append(by, domain.KindSession, id.ID, domain.SessionRevoked{SessionID: id, Reason: "logout"})
	case n == 5:
		h.append(by, domain.KindTenant, s.id.ID, domain.AccessDenied{Permission: domain.ScopeAuditRead, Reason: "scope", Route: "audit.read"})
	case n < 10 || len(s.credentials) == 0:
		h.seal(s, by)
	default:
		n := rapid.IntRange(0, len(s.credentials)-1).Draw(h.t, "credential")
		h.live(by, &s.credentials[n])
	}
}

// people appends something that can happen to a user, be it the tenant's first or
// one who was invited.
func (h *writer) people(s *tenantState, by domain.Actor) {
	role := rapid.SampledFrom([]domain.Role{domain.RoleViewer, domain.RoleAdmin, domain.RoleOwner}).Draw(h.t, "role")
	n := rapid.IntRange(-1, len(s.others)).Draw(h.t, "user")
	if n == len(s.others) {
		s.others = append(s.others, domain.UserInvited{
			AccountRef: h.id(), Role: role, UserID: domain.UserID{ID: h.id()}, Personal: domain.UserAddress{Email: markEmail},
		})
		h.append(by, domain.KindUser, s.others[n].UserID.ID, s.others[n])
		return
	}
	id, kept := s.user, domain.SessionID{}
	if len(s.sessions) > 0 && rapid.Bool().Draw(h.t, "keeps one") {
		kept = rapid.SampledFrom(s.sessions).Draw(h.t, "kept")
	}
	var facts []domain.UserEvent
	if n >= 0 {
		u := s.others[n]
		id, u.Role = u.UserID, role
		facts = append(facts, u, domain.UserRegistered{
			AccountRef: u.AccountRef, Role: role, UserID: id, Verified: rapid.Bool().Draw(h.t, "verified"), Personal: u.Personal,
		}, domain.SubjectErased{Subject: id})
	}
	facts = append(facts, domain.UserRoleChanged{UserID: id, NewRole: role}, domain.UserEmailVerified{UserID: id},
		domain.UserDeactivated{UserID: id, Reason: domain.DeactivatedByAdmin},
		domain.PasswordSet{UserID: id, KeptSession: kept, Rehashed: rapid.Bool().Draw(h.t, "rehashed"), Personal: domain.PasswordHash{Hash: markPassword}})
	h.append(by, domain.KindUser, id.ID, rapid.SampledFrom(facts).Draw(h.t, "fact"))
}

func (h *writer) seal(s *tenantState, by domain.Actor) {
	id := domain.NewCredentialID(h.id())
	fact := domain.CredentialSealed{
		Algorithm: domain.SealAlgorithm, Classification: "generic", EntryID: id.Entry(1), Type: "generic", Version: 1,
		Environment: rapid.SampledFrom([]domain.Environment{domain.Live, domain.Test}).Draw(h.t, "environment"),
		KEMKeyID:    h.digest(), Owner: s.user, RecordHash: h.digest(), Suite: 1, Personal: domain.CredentialLabel{
			Name:     rapid.SampledFrom([]string{"db", "<b>", "naïve\u2028"}).Draw(h.t, "name"),
			Metadata: rapid.SampledFrom([]json.RawMessage{nil, json.RawMessage(`{ "a" : "<&>" }`), json.RawMessage("{\"b\":[1, 2.50],\n\"c\":\"\u2028\"}")}).Draw(h.t, "metadata"),
		},
	}
	if rapid.Bool().Draw(h.t, "expires") {
		fact.TTLDays, fact.ExpiresAt = 1, int64(h.now)+86_400_000_000
	}
	h.append(by, domain.KindCredential, id.ID, fact)
	s.credentials = append(s.credentials, domain.Credential{}.Evolve(fact))
}

// live appends something that can happen to c.
func (h *writer) live(by domain.Actor, c *domain.Credential) {
	entry := c.Entry()
	facts := []domain.CredentialEvent{
		domain.CredentialUnsealed{EntryID: entry, ViaEntryID: entry, ScopeUsed: domain.ScopeVaultUnseal},
		domain.CredentialUnsealDenied{EntryID: entry, Reason: "expired"},
	}
	if c.Version > 1 {
		facts = append(facts, domain.CredentialVersionShredded{EntryID: c.ID.Entry(c.Version - 1), Version: c.Version - 1, Method: domain.ShredMethod})
	}
	if c.Ended {
		facts = append(facts, domain.CredentialShredded{EntryID: entry, Version: c.Version, RecordHash: c.RecordHash, Method: domain.ShredMethod})
	} else {
		facts = append(facts,
			domain.CredentialRetired{EntryID: entry, RestoreUntil: int64(h.now) + 99},
			domain.CredentialRestored{EntryID: entry},
			domain.CredentialExpired{EntryID: entry},
			domain.CredentialDeleted{EntryID: entry},
			domain.CredentialRotated{
				OldEntryID: entry, NewEntryID: c.ID.Entry(c.Version + 1), Version: c.Version + 1,
				KEMKeyID: h.digest(), RecordHash: h.digest(), Suite: 1, ExpiresAt: c.ExpiresAt,
			})
	}
	fact := rapid.SampledFrom(facts).Draw(h.t, "fact")
	h.append(by, domain.KindCredential, c.ID.ID, fact)
	*c = c.Evolve(fact)
}

// tape is a log that can be cut anywhere and grows.
type tape struct {
	mu    sync.Mutex
	facts []eventstore.Recorded
	grown chan struct{}
	size  func(limit int) int // of the next batch; nil = as large as it may be
	fail  error
	read  int
}

// reads returns how often the log was read.
func (l *tape) reads() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.read
}

func newTape(facts []eventstore.Recorded) *tape {
	return &tape{facts: facts, grown: make(chan struct{})}
}

func (l *tape) add(facts ...eventstore.Recorded) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.facts = append(l.facts, facts...)
	close(l.grown)
	l.grown = make(chan struct{})
}

func (l *tape) tear(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fail = err
	close(l.grown)
	l.grown = make(chan struct{})
}

func (l *tape) Read(_ context.Context, after eventstore.Position, limit int) ([]eventstore.Recorded, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.read++
	if l.fail != nil {
		return nil, l.fail
	}
	rest := l.facts[after:]
	if l.size != nil {
		limit = min(limit, l.size(limit))
	}
	return rest[:min(limit, len(rest))], nil
}

func (l *tape) Wait(ctx context.Context, after eventstore.Position) error {
	l.mu.Lock()
	more, grown := int(after) < len(l.facts) || l.fail != nil, l.grown
	l.mu.Unlock()
	if more {
		return nil
	}
	select {
	case <-grown:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
