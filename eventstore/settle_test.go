package eventstore_test

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/eventstore/sqlite"
	"github.com/quantaseal/quantaseal/eventstore/storetest"
)

// unreachable is a store that cannot be reached while it is down.
type unreachable struct {
	eventstore.Store
	down atomic.Bool
}

func (u *unreachable) Append(ctx context.Context, tenant domain.TenantID, records []chain.Record) (eventstore.Position, error) {
	if u.down.Load() {
		return 0, storetest.ErrFault
	}
	return u.Store.Append(ctx, tenant, records)
}

func (u *unreachable) Chain(ctx context.Context, tenant domain.TenantID, from uint64) iter.Seq2[chain.Record, error] {
	if u.down.Load() {
		return func(yield func(chain.Record, error) bool) { yield(chain.Record{}, storetest.ErrFault) }
	}
	return u.Store.Chain(ctx, tenant, from)
}

func (u *unreachable) Head(ctx context.Context, tenant domain.TenantID) (chain.Head, error) {
	if u.down.Load() {
		return chain.Head{}, storetest.ErrFault
	}
	return u.Store.Head(ctx, tenant)
}

// newLog returns a Log over store, and an actor whose chain is open.
func newLog(t *testing.T, store eventstore.Store) (*eventstore.Log, domain.Actor) {
	t.Helper()
	keys := storetest.NewKeys()
	ids := byte(0)
	log, err := (&eventstore.Log{
		Store: store, Keys: keys, LogID: keys.LogID(), Root: keys.Root(), Now: time.Now,
		NewID:  func() domain.ID { ids++; return domain.ID{1, ids} },
		Logger: slog.New(slog.DiscardHandler),
	}).Open()
	if err != nil {
		t.Fatal(err)
	}
	by := domain.Actor{Tenant: domain.TenantID{ID: domain.ID{9}}}
	genesis, err := keys.Genesis(by.Tenant, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := log.Append(t.Context(), by, eventstore.Fact{Event: genesis, Aggregate: domain.AggregateID{Kind: domain.KindTenant, ID: by.Tenant.ID}}); err != nil {
		t.Fatal(err)
	}
	return log, by
}

func retired(n byte) eventstore.Fact {
	return eventstore.Fact{
		Event: domain.CredentialRetired{}, Aggregate: domain.AggregateID{Kind: domain.KindCredential, ID: domain.ID{n}},
		EventID: domain.ID{2, n}, Changes: true,
	}
}

// TestNobodyKnows loses the store in the middle of an append and does not get it
// back in time: the caller learns that nobody knows, and finds out by repeating
// the append once the store is back.
func TestNobodyKnows(t *testing.T) {
	for name, kept := range map[string]bool{"lost": false, "kept": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				inner, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "events.db"))
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = inner.Close() }()
				store := &unreachable{Store: inner}
				faulty := &storetest.Faulty{Store: store}
				log, by := newLog(t, faulty)
				faulty.Inject(func(ctx context.Context, _ eventstore.Store, tenant domain.TenantID, records []chain.Record) (eventstore.Position, error) {
					store.down.Store(true)
					if kept {
						_, err = inner.Append(ctx, tenant, records)
					}
					return 0, errors.Join(storetest.ErrFault, err)
				})
				began := time.Now()
				if _, err := log.Append(t.Context(), by, retired(1)); !errors.Is(err, eventstore.ErrUncertain) || !errors.Is(err, storetest.ErrFault) {
					t.Fatalf("got %v, want that nobody knows", err)
				}
				if took := time.Since(began); took < 10*time.Second || took > 11*time.Second {
					t.Fatalf("gave up after %v", took)
				}
				if _, err := log.Append(t.Context(), by, retired(2)); !errors.Is(err, storetest.ErrFault) || errors.Is(err, eventstore.ErrUncertain) {
					t.Fatalf("got %v, want a fault: this one was not even offered", err)
				}
				store.down.Store(false)
				switch _, err := log.Append(t.Context(), by, retired(1)); {
				case kept && !errors.Is(err, eventstore.ErrRepeated):
					t.Fatalf("got %v, want that it had happened", err)
				case !kept && err != nil:
					t.Fatalf("got %v, want that it happens now", err)
				}
				if found, err := log.Find(t.Context(), by.Tenant, domain.ID{2, 1}); err != nil || found.Header.Seq != 1 {
					t.Fatalf("found %v, %v", found.Header.Seq, err)
				}
			})
		})
	}
}

// TestNobodyWaits gives up on an append that the store takes its time for: it
// happens all the same.
func TestNobodyWaits(t *testing.T) {
	inner, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "events.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = inner.Close() }()
	faulty := &storetest.Faulty{Store: inner}
	log, by := newLog(t, faulty)
	gate := make(chan struct{})
	faulty.Inject(storetest.Slow(gate))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := log.Append(ctx, by, retired(1)); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want that the context ended", err)
	}
	close(gate)
	if _, err := log.Append(t.Context(), by, retired(1)); !errors.Is(err, eventstore.ErrRepeated) {
		t.Fatalf("got %v, want that it had happened", err)
	}
}
