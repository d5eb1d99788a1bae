package storetest

import (
	"context"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// model is what a store should hold.
type model struct {
	ctx   context.Context //nolint:containedctx // rapid's actions take no context
	store eventstore.Store
	from  eventstore.Position // what others put there before
	all   []eventstore.Positioned

	tenants    []domain.TenantID
	aggregates []domain.AggregateID
	heads      map[domain.TenantID]chain.Head
	chains     map[domain.TenantID][]eventstore.Positioned
}

// testModel compares the store with a model under random histories: appends of
// several records that change and observe, with bytes of every kind, and offers
// that are late, repeat an event or repeat a version.
func (engine Engine) testModel(t *testing.T) {
	store := engine.Store
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{ctx: t.Context(), store: store, heads: map[domain.TenantID]chain.Head{}, chains: map[domain.TenantID][]eventstore.Positioned{}}
		for range 3 {
			m.tenants = append(m.tenants, newTenant())
			m.aggregates = append(m.aggregates, domain.AggregateID{Kind: domain.KindCredential, ID: domain.ID(random(16))})
		}
		m.aggregates = append(m.aggregates, domain.AggregateID{Kind: domain.KindUser, ID: m.aggregates[0].ID})
		var err error
		if m.from, err = store.Last(m.ctx); err != nil {
			rt.Fatal(err)
		}
		rt.Repeat(map[string]func(*rapid.T){
			"append":         m.append,
			"late":           m.late,
			"repeat event":   m.repeatEvent,
			"repeat version": m.repeatVersion,
			"check":          m.check,
		})
		m.check(rt)
	})
}

// blob draws bytes, or nil for none. What is drawn is the size alone: a failure
// should be readable.
func blob(t *rapid.T, label string, sizes ...int) []byte {
	if n := rapid.SampledFrom(sizes).Draw(t, label); n >= 0 {
		return random(n)
	}
	return nil
}

func (m *model) spec(t *rapid.T, versions map[domain.AggregateID]uint64) spec {
	s := spec{
		payload:   blob(t, "payload", 0, 1, 150, 5000),
		detached:  blob(t, "detached", -1, -1, 1, 200),
		aggregate: m.aggregates[rapid.IntRange(0, len(m.aggregates)-1).Draw(t, "aggregate")],
	}
	if rapid.Bool().Draw(t, "changes") {
		versions[s.aggregate]++
		s.version = versions[s.aggregate]
	}
	return s
}

func (m *model) tenant(t *rapid.T) domain.TenantID {
	return m.tenants[rapid.IntRange(0, len(m.tenants)-1).Draw(t, "tenant")]
}

// versions returns the version of each aggregate on a tenant's chain.
func (m *model) versions(tenant domain.TenantID) map[domain.AggregateID]uint64 {
	versions := map[domain.AggregateID]uint64{}
	for _, p := range m.chains[tenant] {
		if i, _ := p.Record.Index(); i.AggregateVersion > 0 {
			versions[domain.AggregateID{Kind: domain.AggregateKind(i.AggregateKind), ID: i.AggregateID}] = i.AggregateVersion
		}
	}
	return versions
}

func (m *model) append(t *rapid.T) {
	tenant := m.tenant(t)
	versions := m.versions(tenant)
	specs := make([]spec, rapid.IntRange(1, 4).Draw(t, "records"))
	for i := range specs {
		specs[i] = m.spec(t, versions)
	}
	records, head := link(tenant, m.heads[tenant], specs...)
	first, err := m.store.Append(m.ctx, tenant, records)
	if want := m.from + eventstore.Position(len(m.all)) + 1; err != nil || first != want {
		t.Fatalf("appended at %d, %v; want %d", first, err, want)
	}
	m.heads[tenant] = head
	m.all = append(m.all, placed(first, records)...)
	m.chains[tenant] = append(m.chains[tenant], placed(first, records)...)
}

// refused offers records that the store must not take.
func (m *model) refused(t *rapid.T, tenant domain.TenantID, records []chain.Record) {
	if _, err := m.store.Append(m.ctx, tenant, records); !errors.Is(err, eventstore.ErrConflict) {
		t.Fatalf("got %v, want a conflict", err)
	}
}

func (m *model) late(t *rapid.T) {
	tenant := m.tenant(t)
	c := m.chains[tenant]
	if len(c) == 0 {
		t.Skip("nothing to be late for")
	}
	var head chain.Head // of the chain when it was shorter
	if n := rapid.IntRange(0, len(c)-1).Draw(t, "length then"); n > 0 {
		h, err := chain.ParseHeader(c[n-1].Record.Header)
		if err != nil {
			t.Fatal(err)
		}
		head = chain.Head{Next: h.Seq + 1, Hash: c[n-1].Record.Hash(), TimeUS: h.TimeUS}
	}
	records, _ := Records(tenant, head, rapid.IntRange(1, 3).Draw(t, "records"))
	m.refused(t, tenant, records)
}

func (m *model) repeatEvent(t *rapid.T) {
	tenant := m.tenant(t)
	if len(m.chains[tenant]) == 0 {
		t.Skip("no event to repeat")
	}
	index, _ := m.chains[tenant][rapid.IntRange(0, len(m.chains[tenant])-1).Draw(t, "event")].Record.Index()
	specs := make([]spec, rapid.IntRange(1, 3).Draw(t, "records"))
	specs[rapid.IntRange(0, len(specs)-1).Draw(t, "which")].eventID = index.EventID
	records, _ := link(tenant, m.heads[tenant], specs...)
	m.refused(t, tenant, records)
}

func (m *model) repeatVersion(t *rapid.T) {
	tenant := m.tenant(t)
	id := m.aggregates[rapid.IntRange(0, len(m.aggregates)-1).Draw(t, "aggregate")]
	version := m.versions(tenant)[id]
	if version == 0 {
		t.Skip("no version to repeat")
	}
	specs := make([]spec, rapid.IntRange(1, 3).Draw(t, "records"))
	specs[rapid.IntRange(0, len(specs)-1).Draw(t, "which")] = spec{aggregate: id, version: version}
	records, _ := link(tenant, m.heads[tenant], specs...)
	m.refused(t, tenant, records)
}
