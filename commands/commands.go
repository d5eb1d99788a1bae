// Package commands changes the vault. Each command is a struct that says what
// the caller wants, and a method that makes it so or says why not.
//
// Its one law: what a command did is on the record before its caller learns of
// it. [Vault.Unseal] is a command too: the fact is durable before the value
// leaves, and if it cannot be recorded it does not happen.
package commands

import (
	"context"
	"errors"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// maxRaces is how often a command decides again after losing a race.
const maxRaces = 5

// terms are what a command asks of its append beside its facts.
type terms[S any] struct {
	eventID  domain.ID     // of the first fact; zero = drawn
	proof    domain.ID     // of the fact that issues a proof, whose token follows from it
	fresh    bool          // eventID was drawn just now, and names an aggregate that nobody can know
	lost     error         // the refusal after too many lost races; nil = ErrContended
	denial   domain.Event  // goes on the record with lost; nil = nothing does
	bodyMAC  []byte        // kept with the first fact
	notAfter func(S) int64 // the last stamp that suits the state; nil = any

	name func(domain.Event) domain.ID // of the first fact, if what it says names it; nil or zero = eventID
}

// transact folds an aggregate, asks decide which facts follow, and appends them.
// A lost race starts again from what won. Facts that come with a refusal are
// appended before the refusal is returned. It returns the state after them, and
// a zero receipt if there was nothing to append.
func transact[S eventstore.Folds[S, E], E domain.Event](ctx context.Context, log *eventstore.Log, by domain.Actor,
	id domain.AggregateID, t terms[S], decide func(S) ([]E, error),
) (S, eventstore.Receipt, error) {
	for races := 0; ; races++ {
		as := log.Generation()
		var state S
		var version uint64
		if !t.fresh || races > 0 {
			var err error
			if state, version, err = eventstore.Fold[S](ctx, log, by.Tenant, id); err != nil {
				return state, eventstore.Receipt{}, accuse(ctx, log, by, id, t, err)
			}
		}
		facts, refusal := decide(state)
		if len(facts) == 0 {
			return state, eventstore.Receipt{}, refusal
		}
		t := t
		if refusal != nil {
			t.notAfter = nil // it was too late already
			if err := pretend[S](ctx, log, by, id, t, version); err != nil {
				return state, eventstore.Receipt{}, err
			}
		}
		after, reached, list := place(state, version, id, t, facts)
		receipt, err := log.Append(ctx, by, list...)
		if errors.Is(err, eventstore.ErrStale) || errors.Is(err, eventstore.ErrTooLate) {
			log.Forget(by.Tenant, id)
			if races < maxRaces {
				continue
			}
			return state, eventstore.Receipt{}, giveUp(ctx, log, by, id, t)
		}
		if err != nil {
			return state, receipt, fmt.Errorf("recording: %w", err)
		}
		if reached > version {
			eventstore.Remember(log, by.Tenant, id, after, reached, as)
		}
		return after, receipt, recorded(refusal, receipt)
	}
}

// pretend makes the refusal of what is known cost as much as that of what is not:
// memory spared it a reading of the log, for an aggregate that there never is.
func pretend[S eventstore.Folds[S, E], E domain.Event](ctx context.Context, log *eventstore.Log, by domain.Actor,
	id domain.AggregateID, t terms[S], version uint64,
) error {
	if t.denial == nil || version == 0 {
		return nil
	}
	_, _, err := eventstore.Fold[S](ctx, log, by.Tenant, domain.AggregateID{Kind: id.Kind})
	return err
}

// accuse returns the fault that kept an aggregate from being folded. If the log
// itself contradicts what was signed about a credential, that goes on the record:
// the caller is denied like any other, and nobody else would learn of it.
func accuse[S any](ctx context.Context, log *eventstore.Log, by domain.Actor, id domain.AggregateID, t terms[S], fault error) error {
	if t.denial == nil || !errors.Is(fault, eventstore.ErrTampered) {
		return fault
	}
	_, err := observe(ctx, log, by, id, domain.IntegrityViolated{Check: "event_log", ObjectRef: domain.EntryID{ID: id.ID}})
	return errors.Join(fault, err)
}

// giveUp returns the refusal of a command that lost too many races.
func giveUp[S any](ctx context.Context, log *eventstore.Log, by domain.Actor, id domain.AggregateID, t terms[S]) error {
	refusal := t.lost
	if refusal == nil {
		refusal = domain.ErrContended
	}
	if t.denial == nil {
		return refusal
	}
	receipt, err := observe(ctx, log, by, id, t.denial)
	if err != nil {
		return err
	}
	return recorded(refusal, receipt)
}

// place turns facts about one aggregate into what the Log appends, and folds them.
func place[S eventstore.Folds[S, E], E domain.Event](state S, version uint64, id domain.AggregateID, t terms[S], facts []E) (S, uint64, []eventstore.Fact) {
	list := make([]eventstore.Fact, 0, len(facts))
	var notAfter int64
	if t.notAfter != nil {
		notAfter = t.notAfter(state)
	}
	for i, e := range facts {
		f := eventstore.Fact{Event: e, Aggregate: id, Version: version, NotAfter: notAfter}
		if domain.Observes(e) {
			f.Requires = domain.RequiresVersion(e)
		} else {
			f.Changes = true
			version++
		}
		if i == 0 {
			f.EventID, f.BodyMAC, f.Fresh = t.eventID, t.bodyMAC, t.fresh
			if t.name != nil {
				f.EventID = t.name(e)
				f.Fresh = !f.EventID.IsZero()
			}
		}
		if _, issues := any(e).(domain.ProofIssued); issues && !t.proof.IsZero() {
			f.EventID, f.Fresh = t.proof, true
		}
		state, list = state.Evolve(e), append(list, f)
	}
	return state, version, list
}

// observe appends a fact that changes nothing.
func observe(ctx context.Context, log *eventstore.Log, by domain.Actor, id domain.AggregateID, e domain.Event) (eventstore.Receipt, error) {
	receipt, err := log.Append(ctx, by, eventstore.Fact{Event: e, Aggregate: id})
	if err != nil {
		return receipt, fmt.Errorf("recording: %w", err)
	}
	return receipt, nil
}

// authorize refuses with Denied, on the record, an actor whose access does not
// cover scope, or whom something bars. Every command that somebody proven asks for
// calls it, whoever asked before. route names what was asked, by its action.
func authorize(ctx context.Context, log *eventstore.Log, by domain.Actor, scope domain.Scope, route string) error {
	if by.May(scope) {
		return nil
	}
	return deny(ctx, log, by, scope, route)
}

// deny puts on the record that an actor's access does not go so far, and why, and
// returns the refusal.
func deny(ctx context.Context, log *eventstore.Log, by domain.Actor, scope domain.Scope, route string) error {
	reason, refusal := by.Denial()
	receipt, err := observe(ctx, log, by, tenantAggregate(by.Tenant), domain.AccessDenied{Permission: scope, Reason: reason, Route: route})
	if err != nil {
		return err
	}
	return recorded(refusal, receipt)
}

// Recorded is a refusal that a fact was recorded of. It is the refusal that it wraps,
// with the receipt of that fact.
type Recorded struct {
	error
	Receipt eventstore.Receipt
}

// Unwrap returns the refusal.
func (r *Recorded) Unwrap() error { return r.error }

// recorded returns a refusal with the receipt of the fact that was recorded of it,
// and nil for nil.
func recorded(refusal error, receipt eventstore.Receipt) error {
	if refusal == nil {
		return nil
	}
	return &Recorded{refusal, receipt}
}

// unfinished is a fault that comes after a fact was recorded. It is no refusal
// whatever its cause is: a refusal says that nothing happened.
type unfinished struct{ cause error }

func (u unfinished) Error() string { return "unfinished: " + u.cause.Error() }

// Is tells the cause to whoever knows it, but not through errors.As.
func (u unfinished) Is(target error) bool { return errors.Is(u.cause, target) }
