package storetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// stores returns the engine's store, and its peer if there can be one.
func (engine Engine) stores(t *testing.T) []eventstore.Store {
	t.Helper()
	all := []eventstore.Store{engine.Store}
	if engine.Peer != nil {
		all = append(all, engine.Peer(t))
	}
	return all
}

// last returns the last position there is.
func last(t testing.TB, store eventstore.Store) eventstore.Position {
	t.Helper()
	pos, err := store.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return pos
}

// TestRaces has writers of every process race for one chain: it stays one line,
// with what each of them was told it had written.
func (engine Engine) TestRaces(t *testing.T) {
	const writers, each = 6, 8
	stores := engine.stores(t)
	before := last(t, engine.Store)
	tenant := newTenant()
	var mu sync.Mutex
	written := map[eventstore.Position]chain.Record{}
	var wg sync.WaitGroup
	for w := range writers {
		store := stores[w%len(stores)]
		wg.Go(func() {
			for n := 0; n < each; {
				head, err := store.Head(t.Context(), tenant)
				if err != nil {
					t.Error(err)
					return
				}
				records, _ := Records(tenant, head, 1+n%3)
				first, err := store.Append(t.Context(), tenant, records)
				if errors.Is(err, eventstore.ErrConflict) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for _, p := range placed(first, records) {
					if _, taken := written[p.Position]; taken {
						t.Errorf("position %d was given twice", p.Position)
					}
					written[p.Position] = p.Record
				}
				mu.Unlock()
				n++
			}
		})
	}
	wg.Wait()
	all, err := collect(stores[0].All(t.Context(), before))
	if err != nil || len(all) != len(written) {
		t.Fatalf("%d records are stored, %v; %d were written", len(all), err, len(written))
	}
	var head chain.Head
	for i, p := range all {
		if d := cmp.Diff(written[p.Position], p.Record, whole); d != "" {
			t.Fatalf("at %d, -written +stored:\n%s", p.Position, d)
		}
		h, err := chain.ParseHeader(p.Record.Header)
		if err != nil || p.Position != before+eventstore.Position(i+1) || h.Seq != head.Next || i > 0 && h.Prev != head.Hash {
			t.Fatalf("%d at %d does not follow %d: %v", h.Seq, p.Position, head.Next, err)
		}
		head = chain.Head{Next: h.Seq + 1, Hash: p.Record.Hash()}
	}
}

// testFollow reads along in every process while many chains grow: positions never
// skip and never go back.
func (engine Engine) testFollow(t *testing.T) {
	const chains, each = 12, 20
	stores := engine.stores(t)
	before := last(t, engine.Store)
	var writing, reading sync.WaitGroup
	var written atomic.Int64
	done := make(chan struct{})
	for c := range chains {
		store := stores[c%len(stores)]
		writing.Go(func() {
			tenant, head := newTenant(), chain.Head{}
			for n := range each {
				var records []chain.Record
				records, head = Records(tenant, head, 1+n%2)
				if _, err := store.Append(t.Context(), tenant, records); err != nil {
					t.Error(err)
					return
				}
				written.Add(int64(len(records)))
			}
		})
	}
	for _, store := range stores {
		reading.Go(func() {
			seen := before
			heads := map[domain.ID]uint64{}
			for last := false; ; {
				for p, err := range store.All(t.Context(), seen) {
					if err != nil {
						t.Error(err)
						return
					}
					i, err := p.Record.Index()
					if err != nil || p.Position != seen+1 || i.Seq != heads[i.Tenant] {
						t.Errorf("%d of its chain came at %d, after %d: %v", i.Seq, p.Position, seen, err)
						return
					}
					seen, heads[i.Tenant] = p.Position, i.Seq+1
				}
				if last {
					break
				}
				select {
				case <-done:
					last = true
				default:
				}
			}
			if int64(seen-before) != written.Load() {
				t.Errorf("saw %d records, %d were written", seen-before, written.Load())
			}
		})
	}
	writing.Wait()
	close(done)
	reading.Wait()
}
