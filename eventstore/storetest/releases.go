package storetest

import (
	"errors"
	"sync"
	"testing"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// testReleases releases values while the credential changes: none of them passes
// the change after which it would be wrong.
func (engine Engine) testReleases(t *testing.T) {
	l := newLedger(t, engine.stores(t)...)
	tenant := l.open(t)
	id, _ := credential()
	if err := l.append(t.Context(), l.nodes[0], tenant, change(id, 0)); err != nil {
		t.Fatal(err)
	}
	const changes, releasers = 12, 12
	aggregate := domain.AggregateID{Kind: domain.KindCredential, ID: id.ID}
	var wg sync.WaitGroup
	for r := range releasers {
		n := l.nodes[r%len(l.nodes)]
		wg.Go(func() {
			for version := uint64(1); version <= changes; {
				err := l.append(t.Context(), n, tenant, release(id, version))
				if errors.Is(err, eventstore.ErrStale) {
					latest, err := n.Latest(t.Context(), tenant, aggregate)
					if err != nil {
						t.Error(err)
						return
					}
					version = latest.Header.AggregateVersion
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Go(func() { l.race(t, tenant, id, 1, changes+1) })
	wg.Wait()
	checkReleases(t, l.audit(t)[tenant], l, tenant)
}

// checkReleases compares the version that each release names with the one that was
// the newest where it stands.
func checkReleases(t *testing.T, headers []chain.Header, l *ledger, tenant domain.TenantID) {
	t.Helper()
	version, released := uint64(0), 0
	for _, h := range headers {
		if h.AggregateVersion > 0 {
			version = h.AggregateVersion
		}
		r, err := l.nodes[0].At(t.Context(), tenant, h.Seq)
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := r.Event.(domain.CredentialUnsealed); ok {
			if released++; uint64(e.EntryID.Version()) != version {
				t.Errorf("event %d releases version %d of %d", h.Seq, e.EntryID.Version(), version)
			}
		}
	}
	if released == 0 {
		t.Error("nothing was released")
	}
}
