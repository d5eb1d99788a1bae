package domain_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/domain"
)

// What tests call things.
var (
	now      = time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	tenantID = domain.TenantID{ID: id(0x11)}
	userID   = domain.UserID{ID: id(0x22)}
	otherID  = domain.UserID{ID: id(0x23)}
	keyID    = domain.KeyID{ID: id(0x33)}
	session  = domain.SessionID{ID: id(0x44)}
	account  = id(0x55)
	credID   = domain.NewCredentialID(id(0x66))
)

// id returns a UUID that is easy to tell from others.
func id(b byte) (id domain.ID) {
	for i := range id {
		id[i] = b
	}
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id
}

// digest returns a digest that is easy to tell from others.
func digest(n int) (d domain.Digest) {
	for i := range d {
		d[i] = byte(n >> (i % 2 * 8))
	}
	return d
}

// state is what facts E fold to.
type state[S any, E domain.Event] interface{ Evolve(E) S }

// given folds facts.
func given[S state[S, E], E domain.Event](facts ...E) (s S) {
	for _, e := range facts {
		s = s.Evolve(e)
	}
	return s
}

// decision is a rule asked once: given these facts, when this is asked, then
// these facts follow, or this refusal, or both.
type decision[S state[S, E], E domain.Event] struct {
	given []E
	when  func(S) ([]E, error)
	then  []E
	err   error
}

func testDecisions[S state[S, E], E domain.Event](t *testing.T, decisions map[string]decision[S, E]) {
	t.Helper()
	for name, d := range decisions {
		t.Run(name, func(t *testing.T) {
			facts, err := d.when(given[S](d.given...))
			if diff := cmp.Diff(d.then, facts); diff != "" {
				t.Errorf("facts that follow (-want +got):\n%s", diff)
			}
			if !sameError(err, d.err) {
				t.Errorf("refused with %v, want %v", err, d.err)
			}
		})
	}
}

// sameError compares a refusal by what a caller sees of it, a fault by its text.
func sameError(a, b error) bool {
	refusalA, refusedA := errors.AsType[*domain.Error](a)
	refusalB, refusedB := errors.AsType[*domain.Error](b)
	if refusedA != refusedB {
		return false
	}
	if refusedA {
		return *refusalA == *refusalB
	}
	return fmt.Sprint(a) == fmt.Sprint(b)
}

func invalid(message string) error { return &domain.Error{Kind: domain.Invalid, Message: message} }

// failer is a test or one run of a property.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// decide asks a rule, folds what follows, and holds it to what every rule keeps:
// observing facts change nothing, asking again changes nothing more, and the
// facts read back from their stored bytes fold to the same state.
func decide[S state[S, E], E domain.Event](t failer, s S, rule func(S) ([]E, error)) (S, []E, error) {
	t.Helper()
	facts, err := rule(s)
	next, reread := s, s
	for _, e := range facts {
		before := next
		next = next.Evolve(e)
		reread = reread.Evolve(restored(t, e).(E))
		if domain.Observes(e) && !reflect.DeepEqual(before, next) {
			t.Fatalf("%T changed %s", e, cmp.Diff(before, next))
		}
	}
	if !reflect.DeepEqual(next, reread) {
		t.Fatalf("folded from stored bytes (-facts +bytes):\n%s", cmp.Diff(next, reread))
	}
	again, _ := rule(next)
	for _, e := range again {
		if !domain.Observes(e) {
			t.Fatalf("asked again after its facts %v, the rule gives %#v", facts, e)
		}
	}
	return next, facts, err
}

// restored returns e as it is read back from its stored bytes.
func restored(t failer, e domain.Event) domain.Event {
	t.Helper()
	stored, err := domain.Encode(e)
	if err != nil {
		t.Fatalf("encoding %#v: %v", e, err)
	}
	read, err := domain.Decode(stored)
	if err != nil {
		t.Fatalf("decoding %s: %v", stored.Payload, err)
	}
	return read
}
