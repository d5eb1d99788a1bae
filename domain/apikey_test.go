package domain_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
)

type (
	keyRule     = func(domain.APIKey) ([]domain.APIKeyEvent, error)
	keyDecision = decision[domain.APIKey, domain.APIKeyEvent]
)

var (
	owner = domain.Actor{Tenant: tenantID, Kind: domain.ActorUser, ID: userID.ID, User: userID, Role: domain.RoleOwner, Scopes: domain.AllScopes(), Environment: domain.Live, Verdict: domain.Judged("")}

	created = domain.APIKeyCreated{
		Digest: digest(3), Environment: domain.Live, ExpiresAt: expiry, KeyID: keyID, Lookup: "0A1b2C3d4E", Owner: userID,
		Prefix: "qs_live_0A1b", Scopes: []domain.Scope{domain.ScopeVaultList}, Personal: domain.APIKeyName{Name: "deploy"},
	}
)

func anyScopes(t *rapid.T, label string) []domain.Scope {
	scopes := rapid.SliceOfDistinct(rapid.SampledFrom(domain.AllScopes()), rapid.ID).Draw(t, label)
	slices.Sort(scopes)
	return scopes
}

// Whoever creates a key, and whatever is asked of it then: it may do no more
// than its creator, it proves nothing before its creation, after its end or in
// the other environment, and nothing but the very key proves it.
func TestAPIKeyProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var k domain.APIKey
		at, exists, revoked := now, false, false
		fact := created
		t.Repeat(map[string]func(*rapid.T){
			"create": func(t *rapid.T) {
				by := owner
				by.Kind = rapid.SampledFrom([]domain.ActorKind{domain.ActorUser, domain.ActorKey}).Draw(t, "creator")
				by.Environment, by.Scopes = anyEnvironment(t), anyScopes(t, "creator's scopes")
				proposal := created
				proposal.Scopes, proposal.Environment = anyScopes(t, "scopes"), rapid.SampledFrom(environments).Draw(t, "of the key")
				proposal.ExpiresAt = at.Add(rapid.SampledFrom([]time.Duration{
					-time.Hour, 0, time.Microsecond, time.Hour, domain.MaxKeyLifetime, domain.MaxKeyLifetime + time.Microsecond,
				}).Draw(t, "life")).UnixMicro()
				next, facts, err := decide(t, k, func(k domain.APIKey) ([]domain.APIKeyEvent, error) { return k.Create(proposal, by, at) })
				if (err == nil) != (len(facts) == 1) {
					t.Fatalf("%v beside %v", facts, err)
				}
				if k = next; err != nil {
					return
				}
				life := time.UnixMicro(proposal.ExpiresAt).Sub(at)
				switch {
				case exists:
					t.Fatal("created twice")
				case len(proposal.Scopes) == 0 || slices.ContainsFunc(proposal.Scopes, func(s domain.Scope) bool { return !slices.Contains(by.Scopes, s) }):
					t.Fatalf("%v was created by one who may %v", proposal.Scopes, by.Scopes)
				case by.Kind == domain.ActorKey && by.Environment != proposal.Environment:
					t.Fatalf("a key of %s made one of %s", by.Environment, proposal.Environment)
				case life <= 0 || life > domain.MaxKeyLifetime:
					t.Fatalf("a life of %v", life)
				}
				fact, exists = proposal, true
			},
			"revoke": func(t *rapid.T) {
				next, facts, err := decide(t, k, func(k domain.APIKey) ([]domain.APIKeyEvent, error) { return k.Revoke() })
				if (len(facts) == 1) != (exists && !revoked) || (err != nil) == exists {
					t.Fatalf("revoked by %v, %v", facts, err)
				}
				k, revoked = next, exists
			},
			"wait": func(t *rapid.T) {
				at = at.Add(rapid.SampledFrom([]time.Duration{time.Microsecond, time.Hour, 100 * 24 * time.Hour}).Draw(t, "step"))
			},
			"": func(t *rapid.T) {
				for _, env := range environments {
					want := exists && !revoked && env == fact.Environment && at.UnixMicro() < fact.ExpiresAt
					if k.Authenticates(fact.Digest, env, at) != want {
						t.Fatalf("proven in %s: %v", env, !want)
					}
					if k.Authenticates(digest(4), env, at) || k.Authenticates(domain.Digest{}, env, at) {
						t.Fatal("another key proves it")
					}
				}
			},
		})
	})
}

func TestAPIKeyRefusals(t *testing.T) {
	create := func(by domain.Actor, change func(*domain.APIKeyCreated)) keyRule {
		fact := created
		change(&fact)
		return func(k domain.APIKey) ([]domain.APIKeyEvent, error) { return k.Create(fact, by, now) }
	}
	same := func(*domain.APIKeyCreated) {}
	lister, liveKey := owner, owner
	lister.Scopes = []domain.Scope{domain.ScopeKeysManage, domain.ScopeVaultList}
	liveKey.Kind = domain.ActorKey
	editor, fenced := owner, created
	editor.Role = domain.RoleEditor
	fenced.Restricted, fenced.Personal.Ranges = true, []string{"10.0.0.0/8", "192.0.2.7/32"}
	revoke := func(k domain.APIKey) ([]domain.APIKeyEvent, error) { return k.Revoke() }
	begun := []domain.APIKeyEvent{created}
	ended := append(begun, domain.APIKeyRevoked{KeyID: keyID})
	aYear, lastDay := created, now.Add(domain.MaxKeyLifetime).UnixMicro()
	aYear.ExpiresAt = lastDay
	const life, env = "an API key lives 1 to 365 days", "environment must be live or test"
	testDecisions(t, map[string]keyDecision{
		"create":              {nil, create(lister, same), begun, nil},
		"create for a year":   {nil, create(owner, func(f *domain.APIKeyCreated) { f.ExpiresAt = lastDay }), []domain.APIKeyEvent{aYear}, nil},
		"create twice":        {begun, create(owner, same), nil, domain.ErrKeyExists},
		"create once revoked": {ended, create(owner, same), nil, domain.ErrKeyExists},
		"create with more than one has": {nil, create(lister, func(f *domain.APIKeyCreated) {
			f.Scopes = []domain.Scope{domain.ScopeVaultList, domain.ScopeVaultUnseal}
		}), nil, domain.ErrDenied},
		"create an unknown scope": {nil, create(owner, func(f *domain.APIKeyCreated) { f.Scopes = []domain.Scope{"vault:*"} }), nil, domain.ErrDenied},
		"create as an editor":     {nil, create(editor, same), nil, domain.ErrDenied},
		"create for some addresses": {
			nil, create(owner, func(f *domain.APIKeyCreated) { f.Personal.Ranges = []string{"192.0.2.7", "10.1.2.3/8"} }),
			[]domain.APIKeyEvent{fenced},
			nil,
		},
		"create for no address": {
			nil, create(owner, func(f *domain.APIKeyCreated) { f.Personal.Ranges = []string{"here"} }), nil,
			invalid("an address range must be an IP address or a CIDR range"),
		},
		"create by nobody":              {nil, create(domain.Actor{}, same), nil, domain.ErrDenied},
		"create without a scope":        {nil, create(owner, func(f *domain.APIKeyCreated) { f.Scopes = nil }), nil, invalid("an API key needs a scope")},
		"create without a name":         {nil, create(owner, func(f *domain.APIKeyCreated) { f.Personal.Name = " " }), nil, invalid("name is required")},
		"create with a long name":       {nil, create(owner, func(f *domain.APIKeyCreated) { f.Personal.Name = strings.Repeat("x", 256) }), nil, invalid("name is too long")},
		"create without an environment": {nil, create(owner, func(f *domain.APIKeyCreated) { f.Environment = "" }), nil, invalid(env)},
		"create in some environment":    {nil, create(owner, func(f *domain.APIKeyCreated) { f.Environment = "staging" }), nil, invalid(env)},
		"a live key creates a test key": {nil, create(liveKey, func(f *domain.APIKeyCreated) { f.Environment = domain.Test }), nil, domain.ErrDenied},
		"create what is over":           {nil, create(owner, func(f *domain.APIKeyCreated) { f.ExpiresAt = now.UnixMicro() }), nil, invalid(life)},
		"create for ever":               {nil, create(owner, func(f *domain.APIKeyCreated) { f.ExpiresAt = 0 }), nil, invalid(life)},
		"create for more than a year":   {nil, create(owner, func(f *domain.APIKeyCreated) { f.ExpiresAt = now.Add(domain.MaxKeyLifetime).UnixMicro() + 1 }), nil, invalid(life)},
		"revoke":                        {begun, revoke, []domain.APIKeyEvent{domain.APIKeyRevoked{KeyID: keyID}}, nil},
		"revoke twice":                  {ended, revoke, nil, nil},
		"revoke what was never created": {nil, revoke, nil, domain.ErrKeyNotFound},
	})
}

// The zero key proves nothing, not even to a MAC of zeros.
func TestZeroKeyProvesNothing(t *testing.T) {
	if (domain.APIKey{ExpiresAt: expiry}).Authenticates(domain.Digest{}, "", now) {
		t.Error("the zero key is proven")
	}
}

// A key acts from where it may, written as IPv4 or within IPv6.
func TestKeyRanges(t *testing.T) {
	fenced := created
	fenced.Restricted, fenced.Personal.Ranges = true, []string{"192.0.2.0/24"}
	k := domain.APIKey{}.Evolve(fenced)
	for addr, want := range map[string]bool{"192.0.2.9": true, "::ffff:192.0.2.9": true, "192.0.3.9": false, "2001:db8::1": false} {
		if got := k.AllowsFrom(netip.MustParseAddr(addr)); got != want {
			t.Errorf("from %s: %v", addr, got)
		}
	}
	if k.AllowsFrom(netip.Addr{}) || !(domain.APIKey{}).AllowsFrom(netip.Addr{}) {
		t.Error("no address is within a range, or a key without ranges is held to some")
	}
}
