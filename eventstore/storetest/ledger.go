package storetest

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// ledger is a deployment of one or more nodes that takes note of what each append
// was told, to compare it with what is there.
type ledger struct {
	keys  *Keys
	store eventstore.Store // without faults
	nodes []*node

	mu      sync.Mutex
	tenants []domain.TenantID
	entries []entry
}

// node is one process of a deployment.
type node struct {
	*eventstore.Log
	store *Faulty
	later time.Duration // by how much its clock is ahead
}

// entry is an append and its answer.
type entry struct {
	tenant  domain.TenantID
	ids     []domain.ID
	receipt eventstore.Receipt
	err     error
}

// newLedger starts a deployment with a node for each of stores.
func newLedger(t *testing.T, stores ...eventstore.Store) *ledger {
	t.Helper()
	l := &ledger{keys: NewKeys(), store: stores[0]}
	for _, store := range stores {
		n := &node{store: &Faulty{Store: store}}
		log := &eventstore.Log{
			Store: n.store, Keys: l.keys, LogID: l.keys.LogID(), Root: l.keys.Root(),
			Now: func() time.Time { return time.Now().Add(n.later) }, NewID: newID, Logger: slog.New(slog.DiscardHandler),
		}
		var err error
		if n.Log, err = log.Open(); err != nil {
			t.Fatal(err)
		}
		l.nodes = append(l.nodes, n)
	}
	return l
}

// open opens the chain of a new tenant.
func (l *ledger) open(t testing.TB) domain.TenantID {
	t.Helper()
	tenant := domain.TenantID{ID: newID()}
	genesis, err := l.keys.Genesis(tenant, 1)
	if err == nil {
		err = l.append(t.Context(), l.nodes[0], tenant, eventstore.Fact{Event: genesis, Aggregate: domain.AggregateID{Kind: domain.KindTenant, ID: tenant.ID}})
	}
	if err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tenants = append(l.tenants, tenant)
	return tenant
}

// append appends facts through a node, and notes the answer.
func (l *ledger) append(ctx context.Context, n *node, tenant domain.TenantID, facts ...eventstore.Fact) error {
	e := entry{tenant: tenant}
	for i := range facts {
		if facts[i].EventID.IsZero() {
			facts[i].EventID, facts[i].Fresh = newID(), true
		}
		e.ids = append(e.ids, facts[i].EventID)
	}
	by := domain.System(tenant, domain.RequestID{ID: newID()})
	e.receipt, e.err = n.Append(ctx, by, facts...)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, e)
	return e.err
}

// audit compares what the appends were told with what is there: every chain
// verifies, what was acknowledged is there once, in one piece and where its receipt
// says, and what was refused is not there. It returns the headers of each chain.
func (l *ledger) audit(t testing.TB) map[domain.TenantID][]chain.Header {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	chains := map[domain.TenantID][]chain.Header{}
	hashes := map[domain.TenantID][]chain.Hash{}
	places := map[domain.ID]uint64{}
	for _, tenant := range l.tenants {
		v := chain.NewVerifier(chain.Policy{LogID: l.keys.LogID(), Root: l.keys.Root(), Tenant: tenant.ID})
		for r, err := range l.store.Chain(t.Context(), tenant, 0) {
			if err != nil {
				t.Fatal(err)
			}
			h, err := v.Check(r)
			if err != nil {
				t.Fatal(err)
			}
			places[h.EventID] = h.Seq
			chains[tenant] = append(chains[tenant], h)
			hashes[tenant] = append(hashes[tenant], r.Hash())
		}
	}
	for _, e := range l.entries {
		for i, id := range e.ids {
			seq, there := places[id]
			switch {
			case e.err == nil && (!there || seq+uint64(len(e.ids)-1-i) != e.receipt.Seq):
				t.Errorf("fact %d of %d was acknowledged up to %d and is there: %v, at %d", i+1, len(e.ids), e.receipt.Seq, there, seq)
			case there && (errors.Is(e.err, eventstore.ErrStale) || errors.Is(e.err, eventstore.ErrTooLate)):
				t.Errorf("fact %d of %d was refused with %v and is there", i+1, len(e.ids), e.err)
			}
		}
		if e.err != nil {
			continue
		}
		h, hash := chains[e.tenant][e.receipt.Seq], hashes[e.tenant][e.receipt.Seq]
		found, err := l.store.Find(t.Context(), e.tenant, e.receipt.EventID)
		if err != nil || e.receipt.EventHash != hash || e.receipt.TimeUS != h.TimeUS || e.receipt.Position != found.Position ||
			!bytes.Equal(found.Record.Header, h.Append(nil)) {
			t.Errorf("the receipt %v is not of what stands there: %v", e.receipt, err)
		}
	}
	return chains
}

// credential returns an aggregate that nothing is known of.
func credential() (domain.CredentialID, domain.AggregateID) {
	id := domain.NewCredentialID(newID())
	return id, domain.AggregateID{Kind: domain.KindCredential, ID: id.ID}
}

// change is a fact that makes an aggregate's next version after one.
func change(id domain.CredentialID, version uint64) eventstore.Fact {
	return eventstore.Fact{
		Event:     domain.CredentialRetired{EntryID: id.Entry(uint16(version + 1)), RestoreUntil: 1},
		Aggregate: domain.AggregateID{Kind: domain.KindCredential, ID: id.ID}, Changes: true, Version: version,
	}
}

// release is a fact that holds for one version alone, which its event names.
func release(id domain.CredentialID, version uint64) eventstore.Fact {
	return eventstore.Fact{
		Event:     domain.CredentialUnsealed{EntryID: id.Entry(uint16(version)), ScopeUsed: domain.ScopeVaultUnseal},
		Aggregate: domain.AggregateID{Kind: domain.KindCredential, ID: id.ID}, Requires: true, Version: version,
	}
}
