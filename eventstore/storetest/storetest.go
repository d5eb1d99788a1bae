// Package storetest is the contract of an event store as tests. [Test] holds an
// engine to what eventstore.Store promises; [TestLog] runs the Log over the engine
// while its appends fail in every way that they can.
//
// Its one law: an engine is not tested by what it says but by what is there
// afterwards.
package storetest

import (
	"context"
	"testing"

	"github.com/quantaseal/quantaseal/eventstore"
)

// Engine is a new, empty store, with what a test needs of its engine beside it.
// The store is of no use afterwards: some tests damage it.
type Engine struct {
	Store eventstore.Store
	// Peer opens the same store as another process does. Nil: the engine serves one
	// process.
	Peer func(t *testing.T) eventstore.Store
	// Exec runs a statement of SQL as the product could. Nil: the engine knows no SQL.
	Exec func(ctx context.Context, statement string) error
	// Force runs a statement of SQL as the owner of the database could, who need not
	// mind what keeps others from changing records.
	Force func(ctx context.Context, statement string) error
	// Table is what statements call the table of records.
	Table string
	// Refused are statements that must fail, beside those for any engine.
	Refused []string
}

// Test holds an engine to the contract of eventstore.Store.
func Test(t *testing.T, engine Engine) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(*testing.T, Engine)
	}{
		{"Model", testModel},
		{"Conflicts", testConflicts},
		{"FaultyOffers", testFaultyOffers},
		{"Neighbours", testNeighbours},
		{"Races", TestRaces},
		{"Follow", testFollow},
		{"EndOfReads", testEndOfReads},
		{"NestedReads", testNestedReads},
		{"Wait", testWait},
		{"Lock", testLock},
		{"Cancelled", testCancelled},
		{"Refused", testRefused},
		{"Tampered", testTampered},
		{"Removed", testRemoved},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, engine) })
	}
}
