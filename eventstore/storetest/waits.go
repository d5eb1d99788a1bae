package storetest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// cancelled runs f and ends its context at some moment while it runs.
func cancelled(t *testing.T, f func(context.Context) error) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go cancel()
	err := f(ctx)
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want none or that the context ended", err)
	}
	return err
}

// testWait waits for what others append.
func (engine Engine) testWait(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	last, err := engine.Store.Last(ctx)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		var err error
		for err == nil { // it may wake up in doubt
			err = engine.Store.Wait(ctx, last)
		}
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want that the context ended", err)
	}
	if engine.Peer == nil {
		return
	}
	peer := engine.Peer(t)
	tenant, head := newTenant(), chain.Head{}
	var records []chain.Record
	for range 30 {
		records, head = Records(tenant, head, 1)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		appended := make(chan struct{})
		go func() {
			defer close(appended)
			if _, err := peer.Append(t.Context(), tenant, records); err != nil {
				t.Error(err)
				cancel()
			}
		}()
		for seen := last; seen == last; { // before, while or after it is appended
			if err := engine.Store.Wait(ctx, seen); err != nil {
				t.Fatal(err)
			}
			if seen, err = engine.Store.Last(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		<-appended
		cancel()
		last++
	}
	if err := engine.Store.Wait(t.Context(), last-1); err != nil { // long ago
		t.Fatal(err)
	}
}

// testLock holds a chain's lock in one process while others ask for it.
func (engine Engine) testLock(t *testing.T) {
	stores := engine.stores(t)
	tenant := newTenant()
	if engine.Peer != nil {
		held(t, stores[0], stores[1], tenant)
	}
	// Many locks at a time must leave room for the appends that they are for.
	var wg sync.WaitGroup
	for i := range 60 {
		store := stores[i%len(stores)]
		wg.Go(func() {
			tenant := newTenant()
			unlock, err := store.Lock(t.Context(), tenant)
			if err != nil {
				t.Error(err)
				return
			}
			defer unlock()
			records, _ := Records(tenant, chain.Head{}, 1)
			if _, err := store.Append(t.Context(), tenant, records); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func held(t *testing.T, store, peer eventstore.Store, tenant domain.TenantID) {
	t.Helper()
	unlock, err := store.Lock(t.Context(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	if err := cancelled(t, func(ctx context.Context) error {
		_, err := peer.Lock(ctx, tenant)
		return err
	}); err == nil {
		t.Fatal("two processes hold one lock")
	}
	var released atomic.Bool
	locked := make(chan error)
	go func() {
		unlock, err := peer.Lock(t.Context(), tenant)
		if !released.Load() {
			t.Error("two processes hold one lock")
		}
		if err == nil {
			unlock()
		}
		locked <- err
	}()
	released.Store(true)
	unlock()
	unlock() // again: nothing happens
	if err := <-locked; err != nil {
		t.Fatal(err)
	}
}
