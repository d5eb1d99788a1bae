package anchorstore_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/anchors"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/anchorstore"
	"github.com/quantaseal/quantaseal/internal/pgtest"
	"github.com/quantaseal/quantaseal/migrations"
)

// engines runs f on an empty store of each engine. Again opens the same one anew.
func engines(t *testing.T, f func(t *testing.T, s *anchorstore.Store, again func() *anchorstore.Store)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		path := "file:" + filepath.Join(t.TempDir(), "anchors.db")
		open := func() *anchorstore.Store {
			w := handle(t, "sqlite", path+"?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)", 1)
			return &anchorstore.Store{Write: w, Read: handle(t, "sqlite", path+"?_pragma=busy_timeout(5000)", 4), Embedded: true}
		}
		s := open()
		if err := migrations.Up(t.Context(), s.Write, migrations.SQLite, migrations.Anchors); err != nil {
			t.Fatal(err)
		}
		f(t, s, open)
	})
	t.Run("postgres", func(t *testing.T) {
		url := pgtest.Database(t) + "&search_path=anchors"
		open := func() *anchorstore.Store {
			db := handle(t, "pgx", url, 4)
			return &anchorstore.Store{Write: db, Read: db}
		}
		s := open()
		if err := migrations.Up(t.Context(), s.Write, migrations.Postgres, migrations.Anchors); err != nil {
			t.Fatal(err)
		}
		f(t, s, open)
	})
}

func handle(t *testing.T, driver, dsn string, conns int) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(conns)
	return db
}

func leaf(index uint32, next uint64) chain.Leaf {
	return chain.Leaf{Index: index, Tenant: [16]byte{byte(index)}, Next: next, Hash: chain.Hash{byte(next)}}
}

// entry is an anchor behind another one.
func entry(before *chain.Anchor, tenants uint32, leaves ...chain.Leaf) anchors.Entry {
	a := chain.Anchor{LogID: chain.Hash{1}, TimeUS: 5, Tenants: tenants}
	if before != nil {
		a.Number, a.Prev = before.Number+1, before.Hash()
	}
	return anchors.Entry{
		Anchor: a, Position: eventstore.Position(a.Number + 10), Leaves: leaves,
		Nodes: []anchors.Node{{Index: a.Number, Hash: a.TreeHash()}},
	}
}

// three anchors: two chains, of which one moves, and a third that comes.
func three(t *testing.T, s *anchorstore.Store) [3]anchors.Entry {
	t.Helper()
	a := entry(nil, 2, leaf(0, 1), leaf(1, 0))
	b := entry(&a.Anchor, 2, leaf(1, 4))
	c := entry(&b.Anchor, 3, leaf(0, 2), leaf(1, 6), leaf(2, 9))
	for i, e := range []anchors.Entry{a, b, c} {
		var before *chain.Anchor
		if i > 0 {
			before = &[]anchors.Entry{a, b}[i-1].Anchor
		}
		if err := s.Append(t.Context(), before, e); err != nil {
			t.Fatal(err)
		}
	}
	return [3]anchors.Entry{a, b, c}
}

// What was appended is read back, also by whoever opens the store later.
func TestReadsBack(t *testing.T) {
	engines(t, func(t *testing.T, s *anchorstore.Store, again func() *anchorstore.Store) {
		if st, err := s.State(t.Context()); err != nil || st != (anchors.State{}) {
			t.Fatalf("empty, it holds %+v, %v", st, err)
		}
		if _, err := s.Leaves(t.Context(), 0); !errors.Is(err, anchors.ErrNotAnchored) {
			t.Errorf("the leaves of no anchor: %v", err)
		}
		e := three(t, s)
		s = again()
		if st, err := s.State(t.Context()); err != nil || st != (anchors.State{Size: 3, Newest: e[2].Anchor, Position: 12}) {
			t.Errorf("it holds %+v, %v", st, err)
		}
		for number, want := range [][]chain.Leaf{{leaf(0, 1), leaf(1, 0)}, {leaf(0, 1), leaf(1, 4)}, {leaf(0, 2), leaf(1, 6), leaf(2, 9)}} {
			if got, err := s.Leaves(t.Context(), uint64(number)); err != nil || !slices.Equal(got, want) {
				t.Errorf("anchor %d holds %+v, %v, want %+v", number, got, err, want)
			}
		}
		if got, err := s.Changes(t.Context(), 0, 2); err != nil || !slices.Equal(got, slices.Concat(e[1].Leaves, e[2].Leaves)) {
			t.Errorf("changed: %+v, %v", got, err)
		}
		for seq, want := range map[uint64]uint64{0: 1, 3: 1, 4: 2, 5: 2} {
			if got, err := s.Covering(t.Context(), 1, seq); err != nil || got != want {
				t.Errorf("record %d is covered by %d, %v, want %d", seq, got, err, want)
			}
		}
		if _, err := s.Covering(t.Context(), 1, 6); !errors.Is(err, anchors.ErrNotAnchored) {
			t.Errorf("a record after the last one: %v", err)
		}
		for first, want := range map[uint64][]anchors.AnchoredHead{
			0: {{Anchor: 0, Leaf: leaf(1, 0)}, {Anchor: 1, Leaf: leaf(1, 4)}}, 2: {{Anchor: 2, Leaf: leaf(1, 6)}}, 3: {},
		} {
			if got, err := s.Heads(t.Context(), 1, first, 2); err != nil || !slices.Equal(got, want) {
				t.Errorf("from anchor %d on the chain's heads are %+v, %v, want %+v", first, got, err, want)
			}
		}
		if got, err := s.Anchors(t.Context(), 1, 5); err != nil || !slices.Equal(got, []chain.Anchor{e[1].Anchor, e[2].Anchor}) {
			t.Errorf("anchors %+v, %v", got, err)
		}
		if got, err := s.Nodes(t.Context(), 0, 1, 1); err != nil || !slices.Equal(got, []chain.Hash{e[1].Anchor.TreeHash()}) {
			t.Errorf("nodes %v, %v", got, err)
		}
	})
}

// Only behind the newest anchor is there room, for one, and what is there stays.
func TestCompareAndSwap(t *testing.T) {
	engines(t, func(t *testing.T, s *anchorstore.Store, again func() *anchorstore.Store) {
		e := three(t, s)
		other := e[2].Anchor
		other.TimeUS++
		for name, before := range map[string]*chain.Anchor{"nothing": nil, "an older one": &e[1].Anchor, "another one": &other} {
			if err := s.Append(t.Context(), before, entry(before, 3, leaf(0, 7))); !errors.Is(err, anchors.ErrMoved) {
				t.Errorf("behind %s: %v, want ErrMoved", name, err)
			}
		}
		var won atomic.Int32
		var group sync.WaitGroup
		for n := range 8 {
			node := again()
			group.Go(func() {
				mine := entry(&e[2].Anchor, 3, leaf(0, uint64(n)+10))
				switch err := node.Append(t.Context(), &e[2].Anchor, mine); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, anchors.ErrMoved):
					t.Errorf("who is slower gets %v", err)
				}
			})
		}
		group.Wait()
		st, err := s.State(t.Context())
		if err != nil || st.Size != 4 || won.Load() != 1 {
			t.Errorf("%d of 8 were first, and it holds %+v, %v", won.Load(), st, err)
		}
		torn := entry(&st.Newest, 3, leaf(0, 20), leaf(0, 21)) // twice the same leaf
		if err := s.Append(t.Context(), &st.Newest, torn); err == nil || errors.Is(err, anchors.ErrMoved) {
			t.Errorf("an entry that cannot be written: %v", err)
		}
		if now, err := s.State(t.Context()); err != nil || now != st {
			t.Errorf("a part of it was: %+v, %v", now, err)
		}
		for _, statement := range []string{`UPDATE anchors SET position = 0`, `DELETE FROM anchors`} {
			if _, err := s.Write.ExecContext(t.Context(), statement); err == nil {
				t.Errorf("%s was done", statement)
			}
		}
	})
}

// One process leads at a time; when it resigns, the next one does.
func TestLead(t *testing.T) {
	engines(t, func(t *testing.T, s *anchorstore.Store, again func() *anchorstore.Store) {
		resign, leads, err := s.Lead(t.Context())
		if err != nil || !leads {
			t.Fatalf("nobody leads, %v", err)
		}
		if !s.Embedded {
			if _, leads, err := again().Lead(t.Context()); err != nil || leads {
				t.Errorf("a second one leads: %v, %v", leads, err)
			}
		}
		resign()
		if resign, leads, err := again().Lead(t.Context()); err != nil || !leads {
			t.Errorf("after the first one resigned nobody leads: %v", err)
		} else {
			resign()
		}
	})
}

// What was changed underneath is not read as if it were whole.
func TestDamageIsRefused(t *testing.T) {
	s, db := damaged(t)
	for statement, read := range map[string]func() error{
		`UPDATE anchors SET record = zeroblob(132) WHERE anchor_no = 2`: func() error { _, err := s.State(t.Context()); return err },
		`DELETE FROM heads WHERE tenant_index = 1`:                      func() error { _, err := s.Leaves(t.Context(), 1); return err },
		`UPDATE heads SET leaf = zeroblob(68)`:                          func() error { _, err := s.Changes(t.Context(), 0, 2); return err },
		`DELETE FROM anchors WHERE anchor_no = 0`:                       func() error { _, err := s.Anchors(t.Context(), 0, 2); return err },
	} {
		if _, err := db.Exec(`SAVEPOINT before`); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
		if err := read(); !errors.Is(err, anchors.ErrTampered) {
			t.Errorf("%s: got %v, want ErrTampered", statement, err)
		}
		if _, err := db.Exec(`ROLLBACK TO before; RELEASE before`); err != nil {
			t.Fatal(err)
		}
	}
}

// damaged returns a store of three anchors that reads and writes by one connection,
// whose owner has taken the triggers away.
func damaged(t *testing.T) (*anchorstore.Store, *sql.DB) {
	t.Helper()
	db := handle(t, "sqlite", "file:"+filepath.Join(t.TempDir(), "anchors.db"), 1)
	if err := migrations.Up(t.Context(), db, migrations.SQLite, migrations.Anchors); err != nil {
		t.Fatal(err)
	}
	s := &anchorstore.Store{Write: db, Read: db, Embedded: true}
	three(t, s)
	if _, err := db.Exec(`DROP TRIGGER anchors_no_update; DROP TRIGGER anchors_no_delete`); err != nil {
		t.Fatal(err)
	}
	return s, db
}
