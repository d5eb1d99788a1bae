package anchors_test

import (
	"testing"

	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/anchorstore"
)

// An audit of the anchors finds nothing in what a ledger wrote, and whatever somebody
// changes underneath it.
func TestAuditFindsRewrittenAnchors(t *testing.T) {
	p := newPlace(t)
	store := newStore(t)
	l, _ := p.ledger(store)
	for n := uint32(1); n <= 5; n++ {
		p.add(n, false)
		p.must(l.Pass(t.Context()))
		p.must(p.grow(n))
		p.must(l.Pass(t.Context()))
	}
	audited := func() []chain.Finding {
		t.Helper()
		found, err := l.Audit(t.Context())
		p.must(err)
		return found
	}
	if found := audited(); len(found) > 0 {
		t.Fatalf("before anybody changed anything: %v", found)
	}
	exec := func(store *anchorstore.Store, text string, args ...any) {
		t.Helper()
		if _, err := store.Write.ExecContext(t.Context(), text, args...); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	exec(store, `DROP TRIGGER anchors_no_update`)
	var leaf, record []byte
	p.must(store.Read.QueryRowContext(t.Context(), `SELECT leaf FROM heads WHERE anchor_no = 3 ORDER BY tenant_index DESC LIMIT 1`).Scan(&leaf))
	p.must(store.Read.QueryRowContext(t.Context(), `SELECT record FROM anchors WHERE anchor_no = 2`).Scan(&record))
	other, err := chain.ParseLeaf(leaf)
	p.must(err)
	shorter := other
	shorter.Next--
	stranger := other
	stranger.Tenant[0] ^= 1
	early, err := chain.ParseAnchor(record)
	p.must(err)
	early.TimeUS++
	for name, c := range map[string]struct {
		text       string
		args, undo []any
		want       string
	}{
		"a head":   {`UPDATE heads SET leaf = $1 WHERE anchor_no = 3 AND tenant_index = $2`, []any{shorter.Append(nil), int64(other.Index)}, []any{leaf, int64(other.Index)}, "V20"},
		"a tenant": {`UPDATE heads SET leaf = $1 WHERE anchor_no = 3 AND tenant_index = $2`, []any{stranger.Append(nil), int64(other.Index)}, []any{leaf, int64(other.Index)}, "V22"},
		"a stamp":  {`UPDATE anchors SET record = $1 WHERE anchor_no = $2`, []any{early.Append(nil), int64(2)}, []any{record, int64(2)}, "V21"},
	} {
		exec(store, c.text, c.args...)
		found := audited()
		hit := false
		for _, f := range found {
			hit = hit || f.Check == c.want && (f.Seq == 2 || f.Seq == 3)
		}
		if !hit {
			t.Errorf("%s: found %v, want %s", name, found, c.want)
		}
		exec(store, c.text, c.undo...)
		if found := audited(); len(found) > 0 {
			t.Fatalf("%s, put back: %v", name, found)
		}
	}
}
