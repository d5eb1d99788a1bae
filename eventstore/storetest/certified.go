package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// intruder is a key ring with an audit key of its own.
type intruder struct{ *Keys }

func (intruder) key() *chain.SigningKey {
	return chain.NewSigningKey((*[chain.SeedSize]byte)(seed("intruder")))
}

// Signer implements eventstore.Keys.
func (i intruder) Signer(context.Context, domain.TenantID) (*chain.SigningKey, uint64, error) {
	return i.key(), 1, nil
}

// forge returns a record that follows r on its chain and says the same, but for
// change, signed by key.
func forge(t *testing.T, r chain.Record, key *chain.SigningKey, change func(*chain.Header)) (chain.Record, chain.Header) {
	t.Helper()
	h, err := chain.ParseHeader(r.Header)
	if err != nil {
		t.Fatal(err)
	}
	h.Seq, h.Prev, h.EventID, h.SignerKeyID, h.AggregateVersion = h.Seq+1, r.Hash(), newID(), key.ID(), 0
	change(&h)
	next := chain.Record{Header: h.Append(nil), Payload: r.Payload, Detached: r.Detached}
	if next.Signature, err = key.Sign(chain.ContextEvent, next.Header); err != nil {
		t.Fatal(err)
	}
	return next, h
}

// testCertified ends a chain with a record that is linked as it should be, under a
// key that the facts of the chain do not certify for it: reading refuses it, and so
// does a node that is to go on from there.
func (engine Engine) testCertified(t *testing.T) {
	same := func(*chain.Header) {}
	for name, test := range map[string]struct {
		foreign bool
		change  func(*chain.Header)
		good    bool
	}{
		"the chain's key": {change: same, good: true},
		"another key":     {foreign: true, change: same},
		"another epoch":   {change: func(h *chain.Header) { h.KeyEpoch = 2 }},
		"a next key": {change: func(h *chain.Header) {
			h.Flags, h.EventType = h.Flags|chain.FlagKeyEvent, chain.TypeRotation
		}},
		"a recovery": {change: func(h *chain.Header) { h.Flags |= chain.FlagRecovery }},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLedger(t, engine.Store)
			tenant := l.open(t)
			l.work(t, l.nodes[0], tenant, 1)
			all, err := collect(engine.Store.Chain(t.Context(), tenant, 0))
			if err != nil {
				t.Fatal(err)
			}
			key := l.keys.key(tenant)
			if test.foreign {
				key = intruder{}.key()
			}
			forged, h := forge(t, all[len(all)-1], key, test.change)
			mustAppend(t, engine.Store, tenant, []chain.Record{forged})
			n := newLedger(t, engine.Store).nodes[0]
			_, read := n.Read(t.Context(), last(t, engine.Store)-1, 1)
			_, at := n.At(t.Context(), tenant, h.Seq)
			_, found := n.Find(t.Context(), tenant, h.EventID)
			_, history := collect(n.History(t.Context(), tenant, 0))
			id, _ := credential()
			for i, err := range []error{read, at, found, history, l.append(t.Context(), n, tenant, change(id, 0))} {
				if test.good != (err == nil) || !test.good && !errors.Is(err, eventstore.ErrTampered) {
					t.Errorf("%d: got %v", i, err)
				}
			}
		})
	}
}

// testOtherKey has a node whose key ring has lost the key of a chain and made
// another: it refuses to write what nobody could read.
func (engine Engine) testOtherKey(t *testing.T) {
	l := newLedger(t, engine.Store)
	tenant := l.open(t)
	n := newLedger(t, engine.Store).nodes[0]
	n.Keys = intruder{l.keys}
	id, _ := credential()
	if err := l.append(t.Context(), n, tenant, change(id, 0)); err == nil {
		t.Error("an event was signed under a key that nobody certified")
	}
	l.work(t, l.nodes[0], tenant, 1)
	l.audit(t)
}
