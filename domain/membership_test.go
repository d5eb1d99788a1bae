package domain_test

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
)

// house is a tenant with its users and their versions, as the log keeps them:
// facts are appended if they were decided on the versions that stand.
type house struct {
	tenant        domain.Tenant
	tenantVersion int
	users         map[domain.UserID]domain.User
	versions      map[domain.UserID]int
}

func newHouse() house {
	return house{
		given[domain.Tenant, domain.TenantEvent](domain.TenantRegistered{Owner: userID, TenantID: tenantID}), 1,
		map[domain.UserID]domain.User{userID: given[domain.User, domain.UserEvent](user, password)},
		map[domain.UserID]int{userID: 2},
	}
}

// clone returns what somebody read of the house, and may decide on later.
func (h house) clone() house {
	h.users, h.versions = maps.Clone(h.users), maps.Clone(h.versions)
	return h
}

// append appends facts that were decided on an older reading, and reports whether
// the log took them.
func (h *house) append(read house, id domain.UserID, facts domain.MemberFacts) bool {
	if len(facts.Tenant) > 0 && h.tenantVersion != read.tenantVersion || len(facts.User) > 0 && h.versions[id] != read.versions[id] {
		return false
	}
	for _, e := range facts.Tenant {
		h.tenant, h.tenantVersion = h.tenant.Evolve(e), h.tenantVersion+1
	}
	for _, e := range facts.User {
		h.users[id], h.versions[id] = h.users[id].Evolve(e), h.versions[id]+1
	}
	return true
}

func (h house) owners() (owners []domain.UserID) {
	for id, u := range h.users {
		if u.Status == domain.Active && u.Role == domain.RoleOwner {
			owners = append(owners, id)
		}
	}
	return owners
}

var residents = []domain.UserID{userID, otherID, {ID: id(0x24)}, {ID: id(0x25)}}

// Whoever decides what on whatever old reading, in whatever order it reaches the
// log: an owner stays, the tenant knows its owners, and nobody becomes a user
// but by an invitation.
func TestMembershipProperties(t *testing.T) {
	anyRole := rapid.SampledFrom(append(domain.Roles(), "root"))
	rapid.Check(t, func(t *rapid.T) {
		h := newHouse()
		readings := []house{h.clone()}
		act := func(rule func(*rapid.T, domain.Member, domain.Actor) (domain.MemberFacts, error)) func(*rapid.T) {
			return func(t *rapid.T) {
				read := readings[rapid.IntRange(0, len(readings)-1).Draw(t, "reading")]
				id := rapid.SampledFrom(residents).Draw(t, "user")
				by := owner
				by.Role = rapid.SampledFrom([]domain.Role{domain.RoleOwner, domain.RoleOwner, domain.RoleAdmin, domain.RoleEditor}).Draw(t, "by")
				before := read.users[id]
				by.ID = id.ID // whom the rule is about, for invitations
				facts, err := rule(t, domain.Member{Tenant: read.tenant, User: before}, by)
				if err != nil && (facts.Tenant != nil || facts.User != nil) {
					t.Fatalf("%v beside %v", facts, err)
				}
				if by.Role != domain.RoleOwner && slices.ContainsFunc(facts.User, func(e domain.UserEvent) bool { return touchesOwner(e, before) }) {
					t.Fatalf("%s decided %v", by.Role, facts.User)
				}
				if h.append(read, id, facts) {
					h.check(t)
				}
				readings = append(readings[max(0, len(readings)-4):], h.clone())
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"invite": act(func(t *rapid.T, m domain.Member, by domain.Actor) (domain.MemberFacts, error) {
				invitee := domain.UserID{ID: by.ID}
				return m.Invite(domain.UserInvited{AccountRef: account, Role: anyRole.Draw(t, "role"), UserID: invitee}, digest(1), by, now)
			}),
			"accept": act(func(_ *rapid.T, m domain.Member, _ domain.Actor) (domain.MemberFacts, error) {
				return m.Accept(digest(1), password, now)
			}),
			"role": act(func(t *rapid.T, m domain.Member, by domain.Actor) (domain.MemberFacts, error) {
				return m.ChangeRole(anyRole.Draw(t, "role"), by)
			}),
			"deactivate": act(func(_ *rapid.T, m domain.Member, by domain.Actor) (domain.MemberFacts, error) {
				return m.Deactivate(by)
			}),
			"erase": act(func(_ *rapid.T, m domain.Member, by domain.Actor) (domain.MemberFacts, error) {
				return m.Erase([]domain.SeqRange{{From: 1, To: 2}}, by)
			}),
		})
	})
}

// touchesOwner reports whether e makes, unmakes or ends an owner. What an invitee
// accepts was decided by who invited.
func touchesOwner(e domain.Event, before domain.User) bool {
	switch e := e.(type) {
	case domain.UserRoleChanged:
		return e.OldRole == domain.RoleOwner || e.NewRole == domain.RoleOwner
	case domain.UserInvited:
		return e.Role == domain.RoleOwner
	case domain.UserDeactivated, domain.SubjectErased:
		return before.Role == domain.RoleOwner
	}
	return false
}

func (h house) check(t *rapid.T) {
	owners := h.owners()
	if len(owners) == 0 {
		t.Fatal("no owner is left")
	}
	byID := func(a, b domain.UserID) int { return slices.Compare(a.ID[:], b.ID[:]) }
	if got, want := slices.SortedFunc(slices.Values(h.tenant.Owners), byID), slices.SortedFunc(slices.Values(owners), byID); !slices.Equal(got, want) {
		t.Fatalf("the tenant knows the owners %v, there are %v", got, want)
	}
	for id, u := range h.users {
		if _, err := domain.ParseRole(string(u.Role)); err != nil {
			t.Fatalf("%s is %q", id, u.Role)
		}
		if u.Status != domain.Active && u.PasswordHash != "" {
			t.Fatalf("%s is %s and has a password", id, u.Status)
		}
	}
}

// What each rule says to whom, by hand.
func TestMembershipRefusals(t *testing.T) {
	by := func(role domain.Role) domain.Actor { a := owner; a.Role = role; return a }
	invitation := domain.UserInvited{AccountRef: account, Role: domain.RoleEditor, UserID: otherID, Personal: domain.UserAddress{Email: "bob@example.org"}}
	invited := []domain.UserEvent{invitation, domain.ProofIssued{
		Digest: digest(1), ExpiresAt: now.Add(7 * 24 * time.Hour).UnixMicro(), Purpose: domain.ProvesInvitation, UserID: otherID,
	}}
	accepted := password
	accepted.UserID = otherID
	joined := []domain.UserEvent{
		domain.ProofConsumed{Purpose: domain.ProvesInvitation, UserID: otherID},
		domain.UserRegistered{AccountRef: account, Role: domain.RoleEditor, UserID: otherID, Verified: true, Personal: domain.UserAddress{Email: "bob@example.org"}},
		accepted,
	}
	editor := slices.Concat(invited, joined)
	alone := newHouse().tenant
	type rule = func(domain.Member) (domain.MemberFacts, error)
	change := func(to domain.Role, as domain.Role) rule {
		return func(m domain.Member) (domain.MemberFacts, error) { return m.ChangeRole(to, by(as)) }
	}
	accept := func(token int, at time.Time) rule {
		return func(m domain.Member) (domain.MemberFacts, error) { return m.Accept(digest(token), password, at) }
	}
	invite := func(as domain.Role) rule {
		return func(m domain.Member) (domain.MemberFacts, error) {
			return m.Invite(invitation, digest(1), by(as), now)
		}
	}
	deactivate := func(as domain.Role) rule {
		return func(m domain.Member) (domain.MemberFacts, error) { return m.Deactivate(by(as)) }
	}
	left := append(slices.Clone(editor), domain.UserDeactivated{Reason: "removed", UserID: otherID})
	for name, tt := range map[string]struct {
		given []domain.UserEvent
		when  rule
		then  domain.MemberFacts
		err   error
	}{
		"invite":                    {nil, invite(domain.RoleAdmin), domain.MemberFacts{User: invited}, nil},
		"invite as an editor":       {nil, invite(domain.RoleEditor), domain.MemberFacts{}, domain.ErrDenied},
		"invite again":              {invited, invite(domain.RoleAdmin), domain.MemberFacts{User: invited}, nil},
		"invite who left":           {left, invite(domain.RoleAdmin), domain.MemberFacts{User: invited}, nil},
		"invite who is there":       {editor, invite(domain.RoleAdmin), domain.MemberFacts{}, domain.ErrUserExists},
		"accept":                    {invited, accept(1, now), domain.MemberFacts{User: joined}, nil},
		"accept with another token": {invited, accept(2, now), domain.MemberFacts{}, domain.ErrProofRefused},
		"accept too late":           {invited, accept(1, now.Add(7*24*time.Hour)), domain.MemberFacts{}, domain.ErrProofRefused},
		"accept twice":              {editor, accept(1, now), domain.MemberFacts{}, domain.ErrProofRefused},
		"accept uninvited":          {nil, accept(1, now), domain.MemberFacts{}, domain.ErrProofRefused},
		"promote": {
			editor, change(domain.RoleOwner, domain.RoleOwner), domain.MemberFacts{
				Tenant: []domain.TenantEvent{domain.OwnerAdded{UserID: otherID}},
				User:   []domain.UserEvent{domain.UserRoleChanged{NewRole: domain.RoleOwner, OldRole: domain.RoleEditor, UserID: otherID}},
			}, nil,
		},
		"promote an invitee": {
			invited, change(domain.RoleOwner, domain.RoleOwner), domain.MemberFacts{
				User: []domain.UserEvent{domain.UserRoleChanged{NewRole: domain.RoleOwner, OldRole: domain.RoleEditor, UserID: otherID}},
			}, nil,
		},
		"promote as an admin":        {editor, change(domain.RoleOwner, domain.RoleAdmin), domain.MemberFacts{}, domain.ErrDenied},
		"promote to what is no role": {editor, change("root", domain.RoleOwner), domain.MemberFacts{}, invalid("role must be viewer, editor, admin, owner or auditor")},
		"the role it has":            {editor, change(domain.RoleEditor, domain.RoleAdmin), domain.MemberFacts{}, nil},
		"demote the last owner":      {[]domain.UserEvent{user, password}, change(domain.RoleAdmin, domain.RoleOwner), domain.MemberFacts{}, domain.ErrLastOwner},
		"change nobody":              {nil, change(domain.RoleAdmin, domain.RoleOwner), domain.MemberFacts{}, domain.ErrUserNotFound},
		"change who left":            {left, change(domain.RoleAdmin, domain.RoleOwner), domain.MemberFacts{}, domain.ErrUserNotFound},
		"deactivate":                 {editor, deactivate(domain.RoleAdmin), domain.MemberFacts{User: left[len(left)-1:]}, nil},
		"deactivate twice":           {left, deactivate(domain.RoleAdmin), domain.MemberFacts{}, nil},
		"deactivate the last owner":  {[]domain.UserEvent{user, password}, deactivate(domain.RoleOwner), domain.MemberFacts{}, domain.ErrLastOwner},
		"deactivate an owner":        {[]domain.UserEvent{user, password}, deactivate(domain.RoleAdmin), domain.MemberFacts{}, domain.ErrDenied},
		"deactivate nobody":          {nil, deactivate(domain.RoleOwner), domain.MemberFacts{}, domain.ErrUserNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			facts, err := tt.when(domain.Member{Tenant: alone, User: given[domain.User](tt.given...)})
			if diff := cmp.Diff(tt.then, facts); diff != "" || !sameError(err, tt.err) {
				t.Errorf("%v, want %v (-want +got):\n%s", err, tt.err, diff)
			}
		})
	}
}

// What a password, a departure and a return leave alive of sessions and keys.
func TestWhatOutlivesWhat(t *testing.T) {
	u := given[domain.User, domain.UserEvent](user, password)
	s := domain.Session{ID: session, User: userID, AuthVersion: u.AuthVersion}
	other := domain.Session{ID: domain.SessionID{ID: id(0x45)}, User: userID, AuthVersion: u.AuthVersion}
	k := domain.APIKey{ID: keyID, Owner: userID, AuthVersion: u.AuthVersion}
	want := func(what string, u domain.User, own, others, key bool) {
		t.Helper()
		if u.AdmitsSession(s) != own || u.AdmitsSession(other) != others || u.AdmitsKey(k) != key {
			t.Errorf("after %s: own session %v, others %v, key %v", what, u.AdmitsSession(s), u.AdmitsSession(other), u.AdmitsKey(k))
		}
	}
	set := password
	set.KeptSession, set.Personal.Hash = session, "$argon2id$2"
	rehash := set
	rehash.Rehashed = true
	want("registration", u, true, true, true)
	want("a new hash", u.Evolve(rehash), true, true, true)
	want("a new role", u.Evolve(domain.UserRoleChanged{NewRole: domain.RoleAdmin, UserID: userID}), true, true, true)
	want("a new password", u.Evolve(set), true, false, true)
	set.KeptSession = domain.SessionID{}
	want("a reset password", u.Evolve(set), false, false, true)
	gone := u.Evolve(domain.UserDeactivated{UserID: userID})
	want("a departure", gone, false, false, false)
	back := gone.Evolve(domain.UserInvited{UserID: userID, Role: domain.RoleEditor}).Evolve(user).Evolve(password)
	want("a return", back, false, false, false)
	if back.Status != domain.Active || back.AuthVersion <= u.AuthVersion {
		t.Errorf("%+v", back)
	}
	fresh := domain.Session{ID: session, User: userID, AuthVersion: back.AuthVersion}
	if !back.AdmitsSession(fresh) || back.AdmitsSession(domain.Session{AuthVersion: 99}) || (domain.User{}).AdmitsSession(domain.Session{}) {
		t.Error("a session is admitted by the wrong user")
	}
}

// An address is free again once its person was erased, and only by that.
func TestAccountRelease(t *testing.T) {
	a := domain.Account{}.Evolve(claimed)
	if facts, err := a.Release(otherID); facts != nil || err != nil {
		t.Errorf("released by %v, %v", facts, err)
	}
	facts, err := a.Release(userID)
	if want := []domain.AccountEvent{domain.AccountReleased{AccountRef: account, UserID: userID}}; !cmp.Equal(want, facts) || err != nil {
		t.Fatalf("released by %v, %v", facts, err)
	}
	a = a.Evolve(facts[0])
	if again, err := a.Release(userID); again != nil || err != nil || a.Releases != 1 {
		t.Errorf("%+v is released again by %v, %v", a, again, err)
	}
	if _, err := a.Claim(claimed); errors.Is(err, domain.ErrAddressTaken) {
		t.Error("a released address is taken")
	}
	if a = a.Evolve(claimed); a.Releases != 1 || a.User != userID {
		t.Errorf("claimed again it is %+v", a)
	}
}

// An acceptance that broke off makes a user of whoever was invited before it, and
// of nobody else.
func TestFinish(t *testing.T) {
	invited := domain.Member{User: domain.User{
		ID: domain.UserID{ID: domain.ID{3}}, AccountRef: domain.ID{4}, Email: "b@example.com", Role: domain.RoleOwner, Status: domain.Invited,
		Proofs: domain.Proofs{Invitation: domain.Proof{Digest: digest(1), ExpiresAt: now.Add(domain.ProvesInvitation.Lifetime()).UnixMicro()}},
	}}
	password := domain.PasswordSet{KDF: "k", Personal: domain.PasswordHash{Hash: "h"}}
	want, err := invited.Accept(digest(1), password, now)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		member domain.Member
		at     time.Time
		ok     bool
	}{
		"at once":             {invited, now, true},
		"later":               {invited, now.Add(time.Hour), true},
		"invited again since": {invited, now.Add(-time.Microsecond), false},
		"nobody":              {domain.Member{}, now, false},
		"active":              {domain.Member{User: domain.User{Status: domain.Active, Proofs: invited.User.Proofs}}, now, false},
		"without a token":     {domain.Member{User: domain.User{Status: domain.Invited}}, now, false},
	} {
		got, ok := test.member.Finish(test.at, password)
		expected := want
		if !test.ok {
			expected = domain.MemberFacts{}
		}
		if diff := cmp.Diff(expected, got); ok != test.ok || diff != "" {
			t.Errorf("%s: %v, (-want +got):\n%s", name, ok, diff)
		}
	}
}
