package domain_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
)

type credentialRule = func(domain.Credential) ([]domain.CredentialEvent, error)

// custody is a credential beside what a tenant would say of it, kept in other
// words than the domain's.
type custody struct {
	domain.Credential
	now     time.Time
	home    domain.Environment
	sealed  bool
	over    bool
	retired time.Time // zero = in use
	expires time.Time // zero = never
	ttl     time.Duration
	version uint16
	hash    int // of the current version's record
	hashes  int // record hashes given out
}

var environments = []domain.Environment{domain.Live, domain.Test}

func anyEnvironment(t *rapid.T) domain.Environment {
	return rapid.SampledFrom(environments).Draw(t, "environment")
}

// reference draws a way to name the credential: the handle, a version it has had
// or one it has not had yet.
func (v *custody) reference(t *rapid.T) domain.EntryID {
	return credID.Entry(rapid.Uint16Max(v.version+1).Draw(t, "version"))
}

func (v *custody) expired() bool { return !v.expires.IsZero() && !v.now.Before(v.expires) }

func (v *custody) there(env domain.Environment) bool { return v.sealed && env == v.home && !v.over }

func (v *custody) usable(env domain.Environment) bool {
	return v.there(env) && !v.expired() && v.retired.IsZero()
}

// ask asks a rule and holds the answer to what the tenant expects: that it is
// refused, or that it changes something or nothing.
func (v *custody) ask(t *rapid.T, rule credentialRule, refused, changes bool) {
	t.Helper()
	next, facts, err := decide(t, v.Credential, rule)
	switch {
	case refused != errors.Is(err, domain.ErrCredentialUnavailable), !refused && err != nil:
		t.Fatalf("refused: %v, want %v", err, refused)
	case refused && (len(facts) != 1 || domain.OutcomeOf(facts[0]) != domain.Refused):
		t.Fatalf("a refusal is on the record as %v", facts)
	case changes == reflect.DeepEqual(next, v.Credential):
		t.Fatalf("want a change: %v, got %v", changes, facts)
	}
	v.Credential = next
}

func (v *custody) seal(t *rapid.T) {
	days := rapid.SampledFrom([]int{0, 1, 30, domain.MaxTTLDays}).Draw(t, "days")
	env := anyEnvironment(t)
	v.hashes++
	fact := domain.CredentialSealed{
		EntryID: credID.Entry(1), Environment: env, RecordHash: digest(v.hashes), TTLDays: days,
		ExpiresAt: domain.ExpiryAfter(days, v.now), Type: "password", Version: 1,
		Personal: domain.CredentialLabel{Name: "db", Metadata: json.RawMessage(`{"team":"a"}`)},
	}
	next, _, err := decide(t, v.Credential, func(c domain.Credential) ([]domain.CredentialEvent, error) { return c.Seal(fact) })
	if v.sealed != errors.Is(err, domain.ErrCredentialExists) || !v.sealed && err != nil {
		t.Fatalf("sealed before: %v, refused: %v", v.sealed, err)
	}
	if v.Credential = next; v.sealed {
		return
	}
	v.sealed, v.home, v.version, v.hash, v.ttl = true, env, 1, v.hashes, time.Duration(days)*24*time.Hour
	if days > 0 {
		v.expires = v.now.Add(v.ttl)
	}
}

func (v *custody) rotate(t *rapid.T) {
	env, anew := anyEnvironment(t), rapid.Bool().Draw(t, "new value")
	v.hashes++
	proposal := v.proposal(anew)
	allowed := v.usable(env)
	v.ask(t, func(c domain.Credential) ([]domain.CredentialEvent, error) {
		return c.Rotate(proposal, c.Entry(), env, v.now)
	}, !allowed, allowed)
	if !allowed {
		return
	}
	v.version, v.hash = v.version+1, v.hashes
	if anew && v.ttl > 0 {
		v.expires = v.now.Add(v.ttl)
	}
}

func (v *custody) proposal(anew bool) domain.CredentialRotated {
	return domain.CredentialRotated{
		NewEntryID: credID.Entry(v.version + 1), OldEntryID: credID.Entry(v.version), RecordHash: digest(v.hashes),
		ExpiresAt: v.Expiry(anew, domain.Settings{}, v.now), ValueChanged: anew, Version: v.version + 1,
	}
}

func (v *custody) delete(t *rapid.T) {
	env, via := anyEnvironment(t), v.reference(t)
	refused := !v.there(env) || via.Version() > v.version
	changes := !refused && (via.Version() == 0 || via.Version() == v.version)
	v.ask(t, func(c domain.Credential) ([]domain.CredentialEvent, error) { return c.Delete(via, env) }, refused, changes)
	v.over = v.over || changes
}

func (v *custody) retire(t *rapid.T) {
	env, via := anyEnvironment(t), v.reference(t)
	old := via.Version() != 0 && via.Version() < v.version
	refused := !v.there(env) || via.Version() > v.version || !old && !v.usable(env)
	v.ask(t, func(c domain.Credential) ([]domain.CredentialEvent, error) { return c.Retire(via, env, v.now) }, refused, !refused && !old)
	if !refused && !old {
		v.retired = v.now
	}
}

func (v *custody) restore(t *rapid.T) {
	env := anyEnvironment(t)
	late := !v.retired.IsZero() && !v.now.Before(v.retired.Add(domain.RestoreWindow))
	refused := !v.there(env) || v.expired() || late
	changes := !refused && !v.retired.IsZero()
	v.ask(t, func(c domain.Credential) ([]domain.CredentialEvent, error) { return c.Restore(c.Entry(), env, v.now) }, refused, changes)
	if changes {
		v.retired = time.Time{}
	}
}

func (v *custody) sweep(t *rapid.T) {
	late := !v.retired.IsZero() && !v.now.Before(v.retired.Add(domain.RestoreWindow))
	ends := v.sealed && !v.over && (v.expired() || late)
	v.ask(t, func(c domain.Credential) ([]domain.CredentialEvent, error) { return c.Sweep(v.now) }, false, ends)
	v.over = v.over || ends
}

// wait lets time pass, and often just as much as a limit is away.
func (v *custody) wait(t *rapid.T) {
	steps := []time.Duration{time.Microsecond, time.Hour, domain.RestoreWindow, 400 * 24 * time.Hour}
	if !v.expires.IsZero() && v.now.Before(v.expires) {
		steps = append(steps, v.expires.Sub(v.now), v.expires.Sub(v.now)-time.Microsecond)
	}
	if until := v.retired.Add(domain.RestoreWindow); v.now.Before(until) {
		steps = append(steps, until.Sub(v.now), until.Sub(v.now)-time.Microsecond)
	}
	v.now = v.now.Add(max(0, rapid.SampledFrom(steps).Draw(t, "step")))
}

// check holds after every step: one version opens at most, and only where, when
// and by the names it should; and the state says of itself what is true.
func (v *custody) check(t *rapid.T) {
	for _, env := range environments {
		if v.Usable(env, v.now) != v.usable(env) {
			t.Fatalf("usable in %s: %v", env, v.Usable(env, v.now))
		}
		for n := range v.version + 2 {
			via := credID.Entry(n)
			facts, err := v.Unseal(via, env, v.now)
			opens := v.usable(env) && n <= v.version
			switch {
			case len(facts) != 1 || opens != (err == nil):
				t.Fatalf("%v opens in %s: %v, %v, want %v", via, env, facts, err, opens)
			case opens:
				want := domain.CredentialUnsealed{EntryID: credID.Entry(v.version), ScopeUsed: domain.ScopeVaultUnseal, ViaEntryID: via}
				if facts[0] != domain.CredentialEvent(want) {
					t.Fatalf("opened by %#v, want %#v", facts[0], want)
				}
			case !errors.Is(err, domain.ErrCredentialUnavailable):
				t.Fatalf("refused with %v", err)
			}
		}
	}
	if v.Expired(v.now) != v.expired() {
		t.Fatalf("expired: %v", v.Expired(v.now))
	}
	if want := v.expected(); !reflect.DeepEqual(want, v.Credential) {
		t.Fatalf("state (-want +got):\n%s", cmp.Diff(want, v.Credential))
	}
}

// expected is the state that the tenant's words amount to.
func (v *custody) expected() (c domain.Credential) {
	if !v.sealed {
		return c
	}
	c = domain.Credential{
		ID: credID, Version: v.version, Name: "db", Metadata: json.RawMessage(`{"team":"a"}`), Type: "password",
		Environment: v.home, RecordHash: digest(v.hash), TTLDays: int(v.ttl / (24 * time.Hour)), Ended: v.over,
	}
	if !v.expires.IsZero() {
		c.ExpiresAt = v.expires.UnixMicro()
	}
	if !v.retired.IsZero() {
		c.RestoreUntil = v.retired.Add(domain.RestoreWindow).UnixMicro()
	}
	return c
}

// Whatever is asked of a credential in whatever order: at most one version
// opens, none once it is over; a retired one comes back within its window only;
// superseded ids never touch the live version; the environments are disjoint;
// and no rule does the same twice.
func TestCredentialProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := &custody{now: now}
		t.Repeat(map[string]func(*rapid.T){
			"seal": v.seal, "rotate": v.rotate, "delete": v.delete, "retire": v.retire,
			"restore": v.restore, "sweep": v.sweep, "wait": v.wait, "": v.check,
		})
	})
}

// A proposal made for another state than the current one never becomes a fact.
func TestRotateRefusesStaleProposals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := &custody{now: now, version: 1}
		v.Credential = given[domain.Credential](history(sealed, rotated)...)
		v.version = rapid.Uint16Range(0, 4).Draw(t, "version")
		p := v.proposal(false)
		p.Version = rapid.Uint16Range(0, 4).Draw(t, "number")
		facts, err := v.Rotate(p, v.Entry(), domain.Live, now)
		fits := v.version == 2 && p.Version == 3
		if fits != (err == nil) || !fits && (facts != nil || !errors.Is(err, domain.ErrContended)) {
			t.Fatalf("version %d as number %d: %v, %v", v.version, p.Version, facts, err)
		}
	})
}
