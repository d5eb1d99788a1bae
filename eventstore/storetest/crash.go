package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// patience is how long a test waits for what must happen.
const patience = time.Minute

// TestCrash has many append through a Log while crash does something terrible to
// the database and, before it returns, brings it back. Appends may fail meanwhile,
// but what was acknowledged before and after is there.
func TestCrash(t *testing.T, store eventstore.Store, crash func()) {
	t.Helper()
	const chains, writers, enough = 3, 4, 30
	l := newLedger(t, store)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	acknowledged := make(chan struct{})
	var writing sync.WaitGroup
	for range chains {
		tenant := l.open(t)
		for range writers {
			writing.Go(func() { l.keepOn(ctx, t, tenant, acknowledged) })
		}
	}
	wait := func() {
		for range enough {
			select {
			case <-acknowledged:
			case <-ctx.Done():
				t.Fatal("appends do not go on")
			}
		}
	}
	wait()
	crash()
	wait()
	cancel()
	writing.Wait()
	l.audit(t)
}

// keepOn appends until ctx ends, and says so whenever it succeeds.
func (l *ledger) keepOn(ctx context.Context, t *testing.T, tenant domain.TenantID, acknowledged chan<- struct{}) {
	t.Helper()
	for ctx.Err() == nil {
		id, _ := credential()
		err := l.append(context.WithoutCancel(ctx), l.nodes[0], tenant, change(id, 0), change(id, 1))
		if errors.Is(err, eventstore.ErrTampered) {
			t.Error(err)
		}
		if err == nil {
			select {
			case acknowledged <- struct{}{}:
			case <-ctx.Done():
			}
		}
	}
}
