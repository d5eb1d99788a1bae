package storetest

import (
	"context"
	"errors"
	"sync"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// ErrFault is what a fault that was injected says of itself.
var ErrFault = errors.New("storetest: the connection was lost")

// Fault is what becomes of one append to store.
type Fault func(ctx context.Context, store eventstore.Store, tenant domain.TenantID, records []chain.Record) (eventstore.Position, error)

// Lost writes nothing and says err.
func Lost(err error) Fault {
	return func(context.Context, eventstore.Store, domain.TenantID, []chain.Record) (eventstore.Position, error) {
		return 0, err
	}
}

// Kept writes everything and says err.
func Kept(err error) Fault {
	return func(ctx context.Context, store eventstore.Store, tenant domain.TenantID, records []chain.Record) (eventstore.Position, error) {
		if _, err := store.Append(ctx, tenant, records); err != nil {
			return 0, err
		}
		return 0, err
	}
}

// Torn breaks the contract: it writes only some records, all but the last if there
// are fewer, and says err, or, if that is nil, that it wrote all.
func Torn(some int, err error) Fault {
	return func(ctx context.Context, store eventstore.Store, tenant domain.TenantID, records []chain.Record) (eventstore.Position, error) {
		some := min(some, len(records)-1)
		if some == 0 {
			last, failed := store.Last(ctx)
			return last + 1, errors.Join(failed, err)
		}
		first, failed := store.Append(ctx, tenant, records[:some])
		if failed != nil {
			return 0, failed
		}
		return first, err
	}
}

// Slow waits until it may go on.
func Slow(until <-chan struct{}) Fault {
	return func(ctx context.Context, store eventstore.Store, tenant domain.TenantID, records []chain.Record) (eventstore.Position, error) {
		<-until
		return store.Append(ctx, tenant, records)
	}
}

// Faulty is a Store whose appends fail as told.
type Faulty struct {
	eventstore.Store

	mu     sync.Mutex
	faults []Fault
}

// Inject makes faults the fate of the next appends, one each.
func (f *Faulty) Inject(faults ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, faults...)
}

// Append implements eventstore.Store, unless there is a fault for it.
func (f *Faulty) Append(ctx context.Context, tenant domain.TenantID, records []chain.Record) (eventstore.Position, error) {
	f.mu.Lock()
	var fault Fault
	if len(f.faults) > 0 {
		fault, f.faults = f.faults[0], f.faults[1:]
	}
	f.mu.Unlock()
	if fault != nil {
		return fault(ctx, f.Store, tenant, records)
	}
	return f.Store.Append(ctx, tenant, records)
}
