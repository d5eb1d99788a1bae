package storetest

import (
	"bytes"
	"errors"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

func (m *model) check(t *rapid.T) {
	all, err := collect(m.store.All(m.ctx, m.from))
	same(t, "all", all, m.all, err)
	last, err := m.store.Last(m.ctx)
	if want := m.from + eventstore.Position(len(m.all)); err != nil || last != want {
		t.Fatalf("last: %d, %v; want %d", last, err, want)
	}
	for _, tenant := range m.tenants {
		want := m.chains[tenant]
		if head, err := m.store.Head(m.ctx, tenant); err != nil || head != m.heads[tenant] {
			t.Fatalf("head: %v, %v; want %v", head, err, m.heads[tenant])
		}
		half := len(want) / 2
		got, err := collect(m.store.Chain(m.ctx, tenant, uint64(half)))
		same(t, "chain", bare(got), want[half:], err)
		for _, id := range m.aggregates {
			m.checkAggregate(t, tenant, id)
		}
		if len(want) > 0 {
			index, _ := want[half].Record.Index()
			found, err := m.store.Find(m.ctx, tenant, index.EventID)
			same(t, "find", []eventstore.Positioned{found}, want[half:half+1], err)
		}
		if _, err := m.store.Find(m.ctx, tenant, domain.ID(random(16))); !errors.Is(err, eventstore.ErrNotFound) {
			t.Fatalf("found what is not there: %v", err)
		}
	}
}

func (m *model) checkAggregate(t *rapid.T, tenant domain.TenantID, id domain.AggregateID) {
	var want []eventstore.Positioned
	for _, p := range m.chains[tenant] {
		if i, _ := p.Record.Index(); i.AggregateVersion > 0 && i.AggregateKind == uint8(id.Kind) && i.AggregateID == id.ID {
			want = append(want, p)
		}
	}
	got, err := collect(m.store.Aggregate(m.ctx, tenant, id))
	same(t, "aggregate", bare(got), want, err)
	latest, err := m.store.Latest(m.ctx, tenant, id)
	if len(want) == 0 {
		if !errors.Is(err, eventstore.ErrNotFound) {
			t.Fatalf("the latest of nothing: %v", err)
		}
		return
	}
	same(t, "latest", bare([]chain.Record{latest}), want[len(want)-1:], err)
}

// bare gives records without a position one that same ignores.
func bare(records []chain.Record) []eventstore.Positioned { return placed(0, records) }

// same fails t unless got is want, byte for byte.
func same(t *rapid.T, what string, got, want []eventstore.Positioned, err error) {
	if err != nil || len(got) != len(want) {
		t.Fatalf("%s: %d records, %v; want %d", what, len(got), err, len(want))
	}
	exact := func(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) }
	for i, w := range want {
		g := got[i]
		if got[0].Position != 0 && g.Position != w.Position || !exact(g.Record.Header, w.Record.Header) || !exact(g.Record.Payload, w.Record.Payload) ||
			!exact(g.Record.Detached, w.Record.Detached) || !exact(g.Record.Signature, w.Record.Signature) {
			t.Fatalf("%s: record %d, -want +got:\n%s", what, i, cmp.Diff(w, g))
		}
	}
}
