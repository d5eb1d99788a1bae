package eventstore

import (
	"context"
	"fmt"
	"time"

	"github.com/quantaseal/quantaseal/domain"
)

// watchPause is how long Watch waits before it tries again.
const watchPause = time.Second

// Watch drops from memory every aggregate that another process changes, until
// ctx ends. Without it a node learns of another's change only when its own append
// is refused as stale: good enough for what is appended, not for what is only
// read. What it misses while the store is down it catches up with.
func (l *Log) Watch(ctx context.Context) error {
	seen, known := Position(0), false
	for ctx.Err() == nil {
		err := l.watch(ctx, &seen, &known)
		if err == nil || ctx.Err() != nil {
			continue
		}
		l.Logger.WarnContext(ctx, "watching other nodes failed, trying again", "err", err)
		select {
		case <-ctx.Done():
		case <-time.After(watchPause):
		}
	}
	return ctx.Err()
}

// watch forgets what changed after seen, and moves seen.
func (l *Log) watch(ctx context.Context, seen *Position, known *bool) error {
	if !*known {
		last, err := l.Store.Last(ctx)
		if err != nil {
			return fmt.Errorf("finding the end of the log: %w", err)
		}
		*seen, *known = last, true
		l.forgetAll() // what was folded before, or is right now, may be older than last
	}
	if err := l.Store.Wait(ctx, *seen); err != nil {
		return err
	}
	for p, err := range l.Store.All(ctx, *seen) {
		if err != nil {
			return fmt.Errorf("reading what other nodes wrote: %w", err)
		}
		*seen = p.Position
		if index, err := p.Record.Index(); err == nil && !l.tail.holds(p.Position) { // what this node wrote it overtook already
			id := domain.AggregateID{Kind: domain.AggregateKind(index.AggregateKind), ID: index.AggregateID}
			l.overtake(domain.TenantID{ID: index.Tenant}, id, index.AggregateVersion)
			if subject, ok := erasureIn(index, p.Record); ok {
				l.forgetErased(domain.TenantID{ID: index.Tenant}, subject)
				if l.Erased != nil {
					l.Erased(subject)
				}
			}
		}
	}
	return nil
}
