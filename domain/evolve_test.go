package domain_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
)

// fold folds any facts, those of other kinds left out, and asks nothing of them.
func fold[S state[S, E], E domain.Event](facts []domain.Event) (s S) {
	for _, e := range facts {
		if e, ok := e.(E); ok {
			s = s.Evolve(e)
		}
	}
	return s
}

// Every state takes every fact, whatever is in it and whatever came before.
func TestEvolveIsTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.OneOf(anyFact...), 1, 20).Draw(t, "facts")
		fold[domain.Account, domain.AccountEvent](all)
		fold[domain.Directory, domain.DirectoryEvent](all)
		_ = fold[domain.Tenant, domain.TenantEvent](all).Adds(now)
		fold[domain.User, domain.UserEvent](all).Locked(now)
		fold[domain.Session, domain.SessionEvent](all).Live(now)
		fold[domain.APIKey, domain.APIKeyEvent](all).AllowsFrom(here)
		fold[domain.Credential, domain.CredentialEvent](all).Usable(domain.Live, now)
		fold[domain.CryptoKeys, domain.CryptoEvent](all).Due(domain.PurposeDocument, now)
	})
}

// What was stored before a fact got more fields is read as it was meant then.
func TestOlderFacts(t *testing.T) {
	read := func(e domain.Event, payload, personal string) domain.Event {
		t.Helper()
		stored := domain.Stored{Type: e.EventType(), Payload: []byte(payload)}
		if personal != "" {
			stored.Personal = []byte(personal)
		}
		fact, err := domain.Decode(stored)
		if err != nil {
			t.Fatal(err)
		}
		return fact
	}
	key := read(domain.APIKeyCreated{}, `{"digest":"`+digest(3).String()+`","environment":"live","expires_at":`+
		`1775099045000006,"key_id":"`+keyID.String()+`","lookup":"0A1b2C3d4E","owner":"`+userID.String()+`","prefix":"qs_live_0A1b","scopes":["vault:list"]}`,
		`{"name":"deploy"}`).(domain.APIKeyCreated)
	k := domain.APIKey{}.Evolve(key)
	if !k.AllowsFrom(here) || !active.AdmitsKey(k) || !k.Authenticates(digest(3), domain.Live, now) {
		t.Errorf("%+v is not what it was", k)
	}
	s := domain.Session{}.Evolve(read(domain.SessionIssued{}, `{"access_ttl_s":1800,"expires_at":1775099045000006,"idle_limit_s":0,`+
		`"refresh_ttl_s":604800,"session_id":"`+session.String()+`","token_digest":"`+digest(1).String()+`","user_id":"`+userID.String()+`"}`, "").(domain.SessionIssued))
	if !s.Live(now) || !active.AdmitsSession(s) {
		t.Errorf("%+v is not what it was", s)
	}
	tn := domain.Tenant{}.Evolve(read(domain.TenantRegistered{}, `{"plan":"trial","tenant_id":"`+tenantID.String()+`","trial_ends_at":0}`, `{"name":"Lovelace"}`).(domain.TenantRegistered))
	m := domain.Member{Tenant: tn, User: active}
	if facts, err := m.ChangeRole(domain.RoleAdmin, owner); err == nil {
		t.Errorf("the one owner that an older tenant has becomes something else by %v", facts)
	}
	m.Tenant = tn.Evolve(domain.OwnerAdded{UserID: otherID})
	if _, err := m.ChangeRole(domain.RoleAdmin, owner); err != nil {
		t.Errorf("beside another owner: %v", err)
	}
}

// A session that may idle for a while ends when it did, and a step-up lasts a
// while and is the user's alone.
func TestIdleAndStepUp(t *testing.T) {
	issued := domain.SessionIssued{
		ExpiresAt: now.Add(domain.RefreshTTL).UnixMicro(), RefreshTTLSeconds: int(domain.RefreshTTL.Seconds()), IdleLimitSeconds: 1800,
		SessionID: session, TokenDigest: digest(0), UserID: userID,
	}
	s := domain.Session{}.Evolve(issued)
	idle := now.Add(30 * time.Minute)
	if !s.Live(idle.Add(-time.Microsecond)) || s.Live(idle) {
		t.Errorf("%+v idles for another time", s)
	}
	if s = s.Evolve(domain.SessionRefreshed{SessionID: session, TokenDigest: digest(1), UsedAt: idle.Add(-time.Minute).UnixMicro()}); !s.Live(idle) {
		t.Error("a refreshed session idled")
	}
	by := domain.Actor{Kind: domain.ActorUser, ProvenAt: s.ProvenAt}
	if !by.SteppedUp(now.Add(domain.StepUpTTL)) || by.SteppedUp(now.Add(domain.StepUpTTL+time.Microsecond)) {
		t.Error("a login steps up for another time")
	}
	later := now.Add(20 * time.Minute)
	s, facts, err := decide(t, s, func(s domain.Session) ([]domain.SessionEvent, error) { return s.StepUp(true, later) })
	if len(facts) != 1 || err != nil || s.ProvenAt != later.UnixMicro() {
		t.Errorf("stepped up by %v, %v to %+v", facts, err, s)
	}
	if facts, err := s.StepUp(true, now.AddDate(1, 0, 0)); facts != nil || err == nil {
		t.Errorf("a session that is over steps up by %v", facts)
	}
	for _, none := range []domain.Actor{{Kind: domain.ActorKey, ProvenAt: now.UnixMicro()}, {Kind: domain.ActorUser}} {
		if none.SteppedUp(now) {
			t.Errorf("%+v stepped up", none)
		}
	}
}
