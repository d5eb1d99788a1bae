package compliance_test

import (
	"crypto/sha3"
	"encoding/binary"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/compliance"
)

// began is when the tenants of these tests begin.
var began = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// story is a tenant's chain as it grows.
type story struct {
	t     testing.TB
	facts []compliance.Fact
	now   time.Time

	platform *compliance.Platform
}

// by is who acts.
type by struct {
	kind domain.ActorKind
	id   domain.ID
}

var (
	system  = by{kind: domain.ActorSystem}
	nobody  = by{kind: domain.ActorAnonymous}
	ada     = domain.UserID{ID: domain.ID{0xa1}}
	bob     = domain.UserID{ID: domain.ID{0xb2}}
	robot   = domain.KeyID{ID: domain.ID{0xc3}}
	session = domain.SessionID{ID: domain.ID{0xd4}}
	tenant  = domain.TenantID{ID: domain.ID{0xf6}}

	verified = domain.AuditChainVerified{To: 3}
	altered  = domain.ChainVerificationFailed{Fault: "V13", FirstBadSeq: 2}
)

func user(id domain.UserID) by { return by{domain.ActorUser, id.ID} }
func key(id domain.KeyID) by   { return by{domain.ActorKey, id.ID} }

// tell begins a chain: a tenant and its owner, ada.
func tell(t testing.TB) *story {
	s := &story{t: t, now: began, platform: compliance.NewPlatform()}
	s.happens(system, domain.ChainGenesis{PublicKey: make([]byte, 1952), TenantIndex: 1})
	s.happens(nobody, domain.TenantRegistered{Owner: ada, Plan: "self_hosted", TenantID: tenant})
	return s.joins(ada, domain.RoleOwner)
}

// joins adds a user, with a password and a proven address.
func (s *story) joins(id domain.UserID, role domain.Role) *story {
	s.happens(nobody, domain.UserRegistered{AccountRef: id.ID, Role: role, UserID: id, Verified: true})
	return s.happens(nobody, domain.PasswordSet{KDF: "argon2id", PolicyVersion: 1, UserID: id})
}

// later lets time pass.
func (s *story) later(d time.Duration) *story {
	s.now = s.now.Add(d)
	return s
}

// happens appends facts, a millisecond apart.
func (s *story) happens(who by, events ...domain.Event) *story {
	s.t.Helper()
	for _, e := range events {
		stored, err := domain.Encode(e)
		if err != nil {
			s.t.Fatal(err)
		}
		n := uint64(len(s.facts))
		hash := sha3.Sum256(binary.BigEndian.AppendUint64(stored.Payload[:len(stored.Payload):len(stored.Payload)], n))
		s.facts = append(s.facts, compliance.Fact{
			Ref: compliance.Ref{
				Seq: n, EventID: domain.DerivedID(hash), Type: stored.Type.Name, Time: s.now.UnixMicro(), Hash: hash, Signer: domain.Digest{9},
			},
			ActorKind: who.kind, Actor: who.id, Request: domain.RequestID{ID: domain.ID{7}}, Outcome: domain.OutcomeOf(e),
			Payload: stored.Payload, Event: e,
		})
		s.later(time.Millisecond)
	}
	return s
}

// observes appends facts to the system chain, a millisecond apart.
func (s *story) observes(events ...domain.Event) *story {
	s.t.Helper()
	for _, e := range events {
		n := s.platform.Next()
		s.platform.Apply(compliance.Fact{Ref: compliance.Ref{Seq: n, Type: e.EventType().Name, Time: s.now.UnixMicro(), Hash: domain.Digest{byte(n + 1)}}, Event: e})
		s.later(time.Millisecond)
	}
	return s
}

// seals adds a credential of ada's that lives for so many days; 0 = for ever.
func (s *story) seals(n byte, who by, ttlDays int) domain.EntryID {
	entry := domain.CredentialID{ID: domain.ID{0xe5, n}}.Entry(1)
	e := domain.CredentialSealed{
		Algorithm: domain.SealAlgorithm, Classification: "password", EntryID: entry, Environment: domain.Live,
		Owner: ada, Suite: 1, TTLDays: ttlDays, Type: "password", Version: 1,
	}
	if ttlDays > 0 {
		e.ExpiresAt = s.now.Add(time.Duration(ttlDays) * day).UnixMicro()
	}
	s.happens(who, e)
	return entry
}

// creates adds an API key of ada's that lives for so many days.
func (s *story) creates(id domain.KeyID, days int, scopes ...domain.Scope) *story {
	return s.happens(user(ada), domain.APIKeyCreated{
		Environment: domain.Live, ExpiresAt: s.now.Add(time.Duration(days) * day).UnixMicro(), KeyID: id, Owner: ada, Scopes: scopes,
	})
}

func (s *story) sets(setting domain.SettingKey, value string) *story {
	return s.happens(user(ada), domain.TenantSettingsChanged{Key: setting, New: value})
}

// state folds the chain.
func (s *story) state() *compliance.State {
	state := compliance.NewState()
	for _, f := range s.facts {
		state.Apply(f)
	}
	return state.On(s.platform)
}

// assess scores the chain at the story's now.
func (s *story) assess(framework string) compliance.Assessment {
	s.t.Helper()
	c := load(s.t)
	f, err := c.Framework(framework)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.state().Assess(c, f, s.now.UnixMicro())
}
