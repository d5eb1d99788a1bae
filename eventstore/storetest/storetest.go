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
	t.Run("Model", engine.testModel)
	t.Run("Conflicts", engine.testConflicts)
	t.Run("FaultyOffers", engine.testFaultyOffers)
	t.Run("Neighbours", engine.testNeighbours)
	t.Run("Races", engine.TestRaces)
	t.Run("Follow", engine.testFollow)
	t.Run("EndOfReads", engine.testEndOfReads)
	t.Run("NestedReads", engine.testNestedReads)
	t.Run("Wait", engine.testWait)
	t.Run("Lock", engine.testLock)
	t.Run("Cancelled", engine.testCancelled)
	t.Run("Refused", engine.testRefused)
	t.Run("Tampered", engine.testTampered)
	t.Run("Removed", engine.testRemoved)
	t.Run("Exchanged", engine.testExchanged)
}
