package node_test

import (
	"context"
	"iter"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/auth"
)

// interrupted runs then, once, before the reader of an aggregate sees its end.
type interrupted struct {
	eventstore.Store
	then func()
}

func (s *interrupted) Aggregate(ctx context.Context, tenant domain.TenantID, id domain.AggregateID) iter.Seq2[chain.Record, error] {
	return func(yield func(chain.Record, error) bool) {
		for r, err := range s.Store.Aggregate(ctx, tenant, id) {
			if !yield(r, err) {
				return
			}
		}
		if then := s.then; then != nil {
			s.then = nil
			then()
		}
	}
}

// What was read before Watch begins, and is folded after that, may be older than
// what Watch looks at: it must not be remembered.
func TestWatchForgetsWhatIsBeingFolded(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		n, err := node.Open(t.Context(), node.Config{Addr: "127.0.0.1:0", Data: dir, KMS: "local"}, node.Options{
			Logger: slog.New(slog.DiscardHandler), Argon: auth.Argon{MemoryKiB: 64, Passes: 1, Lanes: 1},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = n.Close() }()
		other, err := (&eventstore.Log{
			Store: n.Log.Store, Keys: n.Ring, LogID: n.Log.LogID, Root: n.Log.Root, Now: time.Now, NewID: n.Log.NewID, Logger: n.Log.Logger,
		}).Open()
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		system := domain.System(domain.TenantID{}, domain.RequestID{})
		id := domain.AggregateID{Kind: domain.KindSession, ID: n.Log.NewID()}
		session := domain.SessionID{ID: id.ID}
		mustAppend := func(log *eventstore.Log, e domain.Event, version uint64) {
			t.Helper()
			if _, err := log.Append(ctx, system, eventstore.Fact{Event: e, Aggregate: id, Changes: true, Version: version}); err != nil {
				t.Fatal(err)
			}
		}
		mustAppend(n.Log, domain.SessionIssued{SessionID: session}, 0)
		n.Log.Store = &interrupted{n.Log.Store, func() {
			mustAppend(other, domain.SessionRevoked{SessionID: session, Reason: "logout"}, 1)
			go func() { _ = n.Log.Watch(ctx) }()
			synctest.Wait()
		}}
		for range 2 {
			s, version, err := eventstore.Fold[domain.Session](ctx, n.Log, domain.TenantID{}, id)
			if err != nil {
				t.Fatal(err)
			}
			if version == 2 && s.Revoked {
				stop()
				return
			}
		}
		t.Error("a revocation that happened before Watch began is never seen")
		stop()
	})
}
