package eventstore

import (
	"context"
	"fmt"
	"math"

	"github.com/quantaseal/quantaseal/domain"
)

// folded is an aggregate at a version.
type folded struct {
	state   any
	version uint64
	bytes   int64 // that it takes
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
	as := l.Generation()
	state, version, err := foldUntil[S, E](ctx, l, tenant, id, math.MaxUint64)
	if err != nil {
		return state, 0, err
	}
	if version > 0 {
		Remember(l, tenant, id, state, version, as)
	}
	return state, version, nil
}

// FoldAt returns an aggregate as it was at an instant, Unix microseconds, and its
// version then: facts that are stamped later are left out. It reads the facts each time.
func FoldAt[S Folds[S, E], E domain.Event](ctx context.Context, l *Log, tenant domain.TenantID, id domain.AggregateID, at int64) (S, uint64, error) {
	return foldUntil[S, E](ctx, l, tenant, id, uint64(max(0, at)))
}

// foldUntil folds the facts about an aggregate that are stamped at last, or before.
func foldUntil[S Folds[S, E], E domain.Event](ctx context.Context, l *Log, tenant domain.TenantID, id domain.AggregateID, last uint64) (state S, version uint64, err error) {
	for record, err := range l.Store.Aggregate(ctx, tenant, id) {
		if err != nil {
			return state, 0, fmt.Errorf("folding an aggregate: %w", err)
		}
		r, err := l.read(ctx, tenant, Positioned{Record: record})
		if err != nil {
			return state, 0, fmt.Errorf("folding an aggregate: %w", err)
		}
		if r.Header.TimeUS > last {
			break
		}
		fact, ok := r.Event.(E)
		if !ok || r.Header.AggregateVersion != version+1 || r.Aggregate() != id {
			return state, 0, fmt.Errorf("%w: %s does not belong in this aggregate", ErrTampered, r.Header.EventType)
		}
		state, version = state.Evolve(fact), version+1
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
	if newest, ok := l.overtaken.Get(key); l.generation != as || ok && newest > version {
		return
	}
	if f, ok := l.states.Get(key); ok && f.version >= version {
		return
	}
	l.states.add(key, folded{state: state, version: version})
}

// overtake makes what is known of an aggregate before version, which a record
// gave it, count for nothing: now, and when whoever reads it at this moment wants
// to remember it. An observing record has version 0 and overtakes nothing.
func (l *Log) overtake(tenant domain.TenantID, id domain.AggregateID, version uint64) {
	l.remembering.Lock()
	defer l.remembering.Unlock()
	key := stateID{tenant, id}
	if newest, ok := l.overtaken.Get(key); version == 0 || ok && newest >= version {
		return
	}
	l.overtaken.Add(key, version)
	if f, ok := l.states.Peek(key); ok && f.version < version {
		l.states.Remove(key)
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
