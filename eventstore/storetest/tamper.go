package storetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// stock adds to a store: at position before+n stands sequence number n-1 of one
// tenant's chain and, as far as n is even, the next version of one aggregate;
// behind them stands the chain of a second tenant.
func stock(t *testing.T, engine Engine) (before eventstore.Position, tenant domain.TenantID, id domain.AggregateID) {
	t.Helper()
	before, tenant = last(t, engine.Store), newTenant()
	id = domain.AggregateID{Kind: domain.KindCredential, ID: domain.ID(random(16))}
	specs := make([]spec, 8)
	for i := range specs {
		if i%2 == 1 {
			specs[i] = spec{aggregate: id, version: uint64(i/2 + 1)}
		}
	}
	records, _ := link(tenant, chain.Head{}, specs...)
	mustAppend(t, engine.Store, tenant, records)
	other := newTenant()
	records, _ = Records(other, chain.Head{}, 20)
	mustAppend(t, engine.Store, other, records)
	return before, tenant, id
}

// testRefused tries to change and remove records with the product's own rights.
func (engine Engine) testRefused(t *testing.T) {
	_, tenant, _ := stock(t, engine)
	if engine.Exec == nil {
		return
	}
	before, err := collect(engine.Store.Chain(t.Context(), tenant, 0))
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range append([]string{
		fmt.Sprintf(`UPDATE %s SET seq = seq + 1000 WHERE pos = 3`, engine.Table),
		fmt.Sprintf(`UPDATE %s SET signature = payload`, engine.Table),
		fmt.Sprintf(`DELETE FROM %s WHERE pos = 3`, engine.Table),
		fmt.Sprintf(`DELETE FROM %s`, engine.Table),
	}, engine.Refused...) {
		if err := engine.Exec(t.Context(), statement); err == nil {
			t.Errorf("%s: was done", statement)
		}
	}
	unchanged(t, engine.Store, tenant, before)
}

// testTampered changes each column behind the store's back (V14).
func (engine Engine) testTampered(t *testing.T) {
	for _, test := range []struct {
		name, change string
		hidden       bool // from its chain, so that only a read of everything meets it
	}{
		{"chain", `tenant_id = (SELECT tenant_id FROM %[1]s WHERE pos = %[2]d), seq = 1000`, true},
		{"sequence number", `seq = 1000`, false},
		{"event", `event_id = (SELECT event_id FROM %[1]s WHERE pos = %[2]d)`, false},
		{"kind", `aggregate_kind = aggregate_kind + 1`, false},
		{"aggregate", `aggregate_id = (SELECT aggregate_id FROM %[1]s WHERE pos = %[2]d)`, false},
		{"version", `aggregate_version = 1000`, false},
		{"no version", `aggregate_version = NULL`, false},
		{"header", `header = (SELECT header FROM %[1]s WHERE pos = %[2]d)`, false},
		{"no header", `header = signature`, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if engine.Force == nil {
				return
			}
			before, tenant, id := stock(t, engine)
			// The last record, so that no neighbour gives the change away.
			if err := engine.Force(t.Context(), fmt.Sprintf(`UPDATE %[1]s SET `+test.change+` WHERE pos = %[3]d`, engine.Table, before+9, before+8)); err != nil {
				t.Fatal(err)
			}
			if _, err := collect(engine.Store.All(t.Context(), before)); !errors.Is(err, eventstore.ErrTampered) {
				t.Errorf("all: %v", err)
			}
			refuses := 0
			for _, read := range []func() error{
				func() error { _, err := collect(engine.Store.Chain(t.Context(), tenant, 0)); return err },
				func() error { _, err := collect(engine.Store.Aggregate(t.Context(), tenant, id)); return err },
				func() error { _, err := engine.Store.Head(t.Context(), tenant); return err },
				func() error { _, err := engine.Store.Latest(t.Context(), tenant, id); return err },
			} {
				switch err := read(); {
				case errors.Is(err, eventstore.ErrTampered):
					refuses++
				case err != nil:
					t.Errorf("got %v, want that it was tampered with", err)
				}
			}
			if (refuses == 0) != test.hidden {
				t.Errorf("%d reads of the chain and the aggregate noticed", refuses)
			}
		})
	}
}

// testRemoved takes records away behind the store's back.
func (engine Engine) testRemoved(t *testing.T) {
	if engine.Force == nil {
		return
	}
	before, tenant, id := stock(t, engine)
	if err := engine.Force(t.Context(), fmt.Sprintf(`DELETE FROM %s WHERE pos = %d`, engine.Table, before+4)); err != nil {
		t.Fatal(err)
	}
	for name, read := range map[string]func() error{
		"all":       func() error { _, err := collect(engine.Store.All(t.Context(), before)); return err },
		"chain":     func() error { _, err := collect(engine.Store.Chain(t.Context(), tenant, 0)); return err },
		"aggregate": func() error { _, err := collect(engine.Store.Aggregate(t.Context(), tenant, id)); return err },
	} {
		if err := read(); !errors.Is(err, eventstore.ErrTampered) {
			t.Errorf("%s: %v, want that it was tampered with", name, err)
		}
	}
	if n, err := collect(engine.Store.Chain(t.Context(), tenant, 4)); err != nil || len(n) != 4 {
		t.Errorf("what stands behind the gap: %d records, %v", len(n), err)
	}
}

// testExchanged exchanges the positions of two records of one chain behind the
// store's back: each is what its header says, and no place is empty.
func (engine Engine) testExchanged(t *testing.T) {
	if engine.Force == nil {
		return
	}
	for _, pair := range [][2]eventstore.Position{{3, 4}, {2, 7}, {1, 2}} {
		before, tenant, id := stock(t, engine)
		one, two := before+pair[0], before+pair[1]
		for _, move := range [][2]eventstore.Position{{one, before + 1000}, {two, one}, {before + 1000, two}} {
			if err := engine.Force(t.Context(), fmt.Sprintf(`UPDATE %s SET pos = %d WHERE pos = %d`, engine.Table, move[1], move[0])); err != nil {
				t.Fatal(err)
			}
		}
		for _, after := range []eventstore.Position{before, one - 1, one} {
			if _, err := collect(engine.Store.All(t.Context(), after)); !errors.Is(err, eventstore.ErrTampered) {
				t.Errorf("%v, read after %d: %v, want that it was tampered with", pair, after-before, err)
			}
		}
		if n, err := collect(engine.Store.All(t.Context(), two)); err != nil || len(n) != 20+8-int(pair[1]) {
			t.Errorf("%v: what stands behind is %d records, %v", pair, len(n), err)
		}
		if n, err := collect(engine.Store.Chain(t.Context(), tenant, 0)); !errors.Is(err, eventstore.ErrTampered) {
			t.Errorf("%v: the chain has %d records, %v, want that it was tampered with", pair, len(n), err)
		}
		if n, err := collect(engine.Store.Chain(t.Context(), tenant, uint64(pair[1]))); err != nil || len(n) != 8-int(pair[1]) {
			t.Errorf("%v: what stands behind on the chain is %d records, %v", pair, len(n), err)
		}
		_, err := collect(engine.Store.Aggregate(t.Context(), tenant, id))
		if versions := pair == [2]eventstore.Position{2, 7}; versions != errors.Is(err, eventstore.ErrTampered) { // the others leave its order as it was
			t.Errorf("%v: the aggregate gives %v", pair, err)
		}
	}
}
