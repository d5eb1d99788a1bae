package anchors_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/anchors"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/eventstore/sqlite"
	"github.com/quantaseal/quantaseal/eventstore/storetest"
	"github.com/quantaseal/quantaseal/internal/anchorstore"
	"github.com/quantaseal/quantaseal/migrations"
)

var keys = storetest.NewKeys()

// place is an event store in a file.
type place struct {
	t    *testing.T
	file string
	log  *eventstore.Log
}

func openPlace(t *testing.T, file string) *place {
	t.Helper()
	store, err := sqlite.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	log, err := (&eventstore.Log{
		Store: store, Keys: keys, LogID: keys.LogID(), Root: keys.Root(), Now: time.Now, NewID: newID, Logger: slog.New(slog.DiscardHandler),
	}).Open()
	if err != nil {
		t.Fatal(err)
	}
	return &place{t, file, log}
}

func newID() (id domain.ID) {
	_, _ = rand.Read(id[:])
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id
}

// newPlace is an event store with a system chain.
func newPlace(t *testing.T) *place {
	t.Helper()
	p := openPlace(t, filepath.Join(t.TempDir(), "events.db"))
	p.genesis(domain.TenantID{}, 0)
	return p
}

func tenant(n uint32) domain.TenantID {
	if n == 0 {
		return domain.TenantID{}
	}
	return domain.TenantID{ID: domain.ID{0: byte(n >> 8), 1: byte(n), 15: 1}}
}

func (p *place) append(tenant domain.TenantID, facts ...eventstore.Fact) error {
	p.t.Helper()
	_, err := p.log.Append(p.t.Context(), domain.Actor{Tenant: tenant}, facts...)
	return err
}

func (p *place) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) genesis(id domain.TenantID, index uint32) {
	p.t.Helper()
	g, err := keys.Genesis(id, index)
	p.must(err)
	p.must(p.append(id, eventstore.Fact{Event: g, Aggregate: domain.AggregateID{Kind: domain.KindTenant, ID: id.ID}}))
}

// added is the fact that gives a tenant its place.
func added(id domain.TenantID, n uint32) eventstore.Fact {
	return eventstore.Fact{
		Event: domain.TenantAdded{TenantID: id, TenantIndex: n}, Aggregate: domain.DirectoryAggregate, Changes: true, Version: uint64(n) - 1,
	}
}

// add gives a tenant its place, and opens its chain unless the process dies before.
func (p *place) add(n uint32, dies bool) {
	p.t.Helper()
	p.must(p.append(domain.TenantID{}, added(tenant(n), n)))
	if !dies {
		p.genesis(tenant(n), n)
	}
}

// grow appends an event to a tenant's chain.
func (p *place) grow(n uint32) error {
	p.t.Helper()
	return p.append(tenant(n), eventstore.Fact{
		Event: domain.AccessDenied{Reason: "scope", Route: "x"}, Aggregate: domain.AggregateID{Kind: domain.KindTenant, ID: tenant(n).ID},
	})
}

// copy returns a copy of the event store, as it is.
func (p *place) copy() *place {
	p.t.Helper()
	file := filepath.Join(p.t.TempDir(), "events.db")
	db, err := sql.Open("sqlite", "file:"+p.file)
	p.must(err)
	_, err = db.ExecContext(p.t.Context(), `VACUUM INTO $1`, file)
	p.must(errors.Join(err, db.Close(), os.Chmod(file, 0o600)))
	return openPlace(p.t, file)
}

// newStore is an empty anchor store in a file.
func newStore(t *testing.T) *anchorstore.Store {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "anchors.db")+"?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	if err := migrations.Up(t.Context(), db, migrations.SQLite, migrations.Anchors); err != nil {
		t.Fatal(err)
	}
	return &anchorstore.Store{Write: db, Read: db, Embedded: true}
}

// ledger opens a ledger over a log, and what it says.
func (p *place) ledger(store anchors.Store) (*anchors.Ledger, *strings.Builder) {
	p.t.Helper()
	said := &strings.Builder{}
	l, err := (&anchors.Ledger{
		Store: store, Events: p.log, Origin: "vault.example.com/audit", Now: time.Now, Logger: slog.New(slog.NewTextHandler(said, nil)),
		Sign: func(_ context.Context, purpose string, message []byte) ([]byte, error) {
			return keys.SignRoot(purpose, message)
		},
	}).Open(p.t.Context())
	p.must(err)
	return l, said
}

// audit makes the checks that need every chain (V19 to V22, V24) on every anchor, and
// fails the test unless the newest one holds the log as it is.
func (p *place) audit(store anchors.Store) {
	p.t.Helper()
	state, err := store.State(p.t.Context())
	p.must(err)
	all, err := store.Anchors(p.t.Context(), 0, int(state.Size))
	p.must(err)
	var before []chain.Leaf
	var tree []chain.Hash
	for n, a := range all {
		leaves, err := store.Leaves(p.t.Context(), uint64(n))
		p.must(err)
		var heads chain.Heads
		total := uint64(0)
		for i, leaf := range leaves {
			heads.Set(leaf)
			total += leaf.Next
			if i < len(before) && (leaf.Next < before[i].Next || leaf.Tenant != before[i].Tenant) {
				p.t.Errorf("V20: anchor %d: leaf %d was %+v, is %+v", n, i, before[i], leaf)
			}
			if leaf.Next == 0 {
				continue
			}
			if link, err := p.log.LinkAt(p.t.Context(), domain.TenantID{ID: leaf.Tenant}, leaf.Next-1); err != nil || link.Hash != leaf.Hash {
				p.t.Errorf("V19: anchor %d: leaf %+v is of %+v, %v", n, leaf, link, err)
			}
		}
		prev := chain.Hash{}
		if n > 0 {
			prev = all[n-1].Hash()
		}
		if len(leaves) < len(before) || heads.Root() != a.HeadsRoot || total != a.TotalEvents || a.Prev != prev || n > 0 && a.TimeUS < all[n-1].TimeUS {
			p.t.Errorf("V20, V21: anchor %d is %+v over %d leaves of %d events", n, a, len(leaves), total)
		}
		before, tree = leaves, append(tree, a.TreeHash())
	}
	for _, leaf := range before {
		head, err := p.log.Head(p.t.Context(), domain.TenantID{ID: leaf.Tenant})
		if p.must(err); head.Next != leaf.Next {
			p.t.Errorf("the chain of tenant %d goes to %d, and is anchored to %d", leaf.Index, head.Next, leaf.Next)
		}
	}
	l, _ := p.ledger(store)
	st, err := l.Status(p.t.Context())
	p.must(err)
	c, err := chain.OpenCheckpoint(st.Note, "vault.example.com/audit", keys.Root())
	root, _ := chain.AnchorsTree.Root(uint64(len(tree)), func(level int, i uint64) (chain.Hash, error) { return subtree(tree, level, i), nil })
	if err != nil || c != st.Checkpoint || c.Root != root || c.Size != state.Size || st.Waiting != 0 || st.Lag != 0 {
		p.t.Errorf("V24: the checkpoint is %+v, %v, want %s over %d", st, err, root, state.Size)
	}
}

func subtree(leaves []chain.Hash, level int, index uint64) chain.Hash {
	if level == 0 {
		return leaves[index]
	}
	return chain.AnchorsTree.Node(subtree(leaves, level-1, 2*index), subtree(leaves, level-1, 2*index+1))
}

// faulty is a store whose next appends fail as told.
type faulty struct {
	anchors.Store
	mu   sync.Mutex
	lost []error // not written
	kept []error // written all the same
}

func (f *faulty) Append(ctx context.Context, before *chain.Anchor, e anchors.Entry) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.lost) > 0 {
		err := f.lost[0]
		f.lost = f.lost[1:]
		return err
	}
	err := f.Store.Append(ctx, before, e)
	if err == nil && len(f.kept) > 0 {
		err, f.kept = f.kept[0], f.kept[1:]
	}
	return err
}
