package eventstore

import (
	"context"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
)

// folded is an aggregate at a version. Without a state it only says that there is
// that version, and that what is older counts for nothing.
type folded struct {
	state   any
	version uint64
}

// Folds is kept by a state S that facts E fold to.
type Folds[S any, E domain.Event] interface{ Evolve(E) S }

// Fold returns an aggregate and its version: the zero S and 0 if nothing ever
// changed it. The answer may be older than the chain; a fact decided on it is
// then refused with ErrStale, after which Fold reads again.
func Fold[S Folds[S, E], E domain.Event](ctx context.Context, l *Log, tenant domain.TenantID, id domain.AggregateID) (S, uint64, error) {
	if f, ok := l.states.Get(stateID{tenant, id}); ok {
		if state, ok := f.state.(S); ok {
			return state, f.version, nil
		}
	}
	var state S
	var version uint64
	as := l.Generation()
	for record, err := range l.Store.Aggregate(ctx, tenant, id) {
		if err != nil {
			return state, 0, fmt.Errorf("folding an aggregate: %w", err)
		}
		r, err := l.read(ctx, tenant, Positioned{Record: record})
		if err != nil {
			return state, 0, fmt.Errorf("folding an aggregate: %w", err)
		}
		fact, ok := r.Event.(E)
		if !ok || r.Header.AggregateVersion != version+1 || r.Aggregate() != id {
			return state, 0, fmt.Errorf("%w: %s does not belong in this aggregate", ErrTampered, r.Header.EventType)
		}
		state, version = state.Evolve(fact), version+1
	}
	if version > 0 {
		Remember(l, tenant, id, state, version, as)
	}
	return state, version, nil
}

// Remember keeps an aggregate that the caller folded, unless a newer version is
// known or something was forgotten since the generation as: then it may be old
// already. It must be what the chain said at that version.
func Remember[S any](l *Log, tenant domain.TenantID, id domain.AggregateID, state S, version, as uint64) {
	key := stateID{tenant, id}
	l.remembering.Lock()
	defer l.remembering.Unlock()
	f, ok := l.states.Get(key)
	if newer := ok && (f.version > version || f.version == version && f.state != nil); newer || l.generation != as {
		return
	}
	l.states.Add(key, folded{state, version})
}

// overtake makes what is known of the aggregates that facts changed count for
// nothing, now and once it is remembered by whoever reads it at this moment. It
// comes before anybody learns that the facts stand, and does not depend on their
// author, who may be gone.
func (l *Log) overtake(tenant domain.TenantID, facts []Recorded) {
	l.remembering.Lock()
	defer l.remembering.Unlock()
	for i := range facts {
		key, version := stateID{tenant, facts[i].Aggregate()}, facts[i].Header.AggregateVersion
		if f, ok := l.states.Peek(key); version > 0 && (!ok || f.version < version) {
			l.states.Add(key, folded{version: version})
		}
	}
}

// Forget drops what is known of an aggregate, after ErrStale.
func (l *Log) Forget(tenant domain.TenantID, id domain.AggregateID) {
	l.remembering.Lock()
	defer l.remembering.Unlock()
	l.generation++
	l.states.Remove(stateID{tenant, id})
}

// forgetAll drops what is known of every aggregate.
func (l *Log) forgetAll() {
	l.remembering.Lock()
	defer l.remembering.Unlock()
	l.generation++
	l.states.Purge()
}

// Generation counts what was forgotten. Take it before reading what Remember is
// to keep.
func (l *Log) Generation() uint64 {
	l.remembering.Lock()
	defer l.remembering.Unlock()
	return l.generation
}
