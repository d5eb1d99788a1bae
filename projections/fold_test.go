package projections_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/eventstore"
)

// TestRefoldEqualsIncrementalFold cuts the same log into random batches, and
// folds it again after it was folded: the rows are the same.
func TestRefoldEqualsIncrementalFold(t *testing.T) {
	whole, cut := sqliteViews(t), sqliteViews(t)
	rapid.Check(t, func(rt *rapid.T) {
		facts := history(1, 150).Draw(rt, "history")
		once := whole.runner(t, newTape(facts))
		if err := once.Rebuild(context.Background()); err != nil {
			rt.Fatal(err)
		}
		log := newTape(nil)
		log.size = func(limit int) int { return rapid.IntRange(1, limit).Draw(rt, "batch") }
		bits := cut.runner(t, log)
		if err := bits.Rebuild(context.Background()); err != nil {
			rt.Fatal(err)
		}
		for rest := facts; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(rt, "appended")
			log.add(rest[:n]...)
			rest = rest[n:]
			if err := bits.CatchUp(context.Background()); err != nil {
				rt.Fatal(err)
			}
		}
		want := digest(t, once)
		if diff := cmp.Diff(want, digest(t, bits)); diff != "" {
			rt.Fatalf("in random batches: %s", diff)
		}
		if err := bits.Rebuild(context.Background()); err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(want, digest(t, bits)); diff != "" {
			rt.Fatalf("folded again: %s", diff)
		}
	})
}

// TestStoredFactsFoldLikeAppendedOnes folds facts as a node has just appended
// them, and as they come back from a store.
func TestStoredFactsFoldLikeAppendedOnes(t *testing.T) {
	v := sqliteViews(t)
	rapid.Check(t, func(rt *rapid.T) {
		appended := history(1, 100).Draw(rt, "history")
		stored := slices.Clone(appended)
		for i := range stored {
			stored[i].Event = throughStore(rt, stored[i].Event)
		}
		fold := func(facts []eventstore.Recorded) any {
			r := v.runner(t, newTape(facts))
			if err := r.Rebuild(context.Background()); err != nil {
				rt.Fatal(err)
			}
			return digest(t, r)
		}
		if diff := cmp.Diff(fold(appended), fold(stored)); diff != "" {
			rt.Fatal(diff)
		}
	})
}

// TestRowsAreWhatTheDomainFolds compares each row with the aggregate that the
// domain folds from the same facts.
func TestRowsAreWhatTheDomainFolds(t *testing.T) {
	v := sqliteViews(t)
	rapid.Check(t, func(rt *rapid.T) {
		facts := history(1, 150).Draw(rt, "history")
		r := v.runner(t, newTape(facts))
		if err := r.Rebuild(context.Background()); err != nil {
			rt.Fatal(err)
		}
		m := newModel(facts)
		if diff := cmp.Diff(m.credentials, readCredentials(rt, v)); diff != "" {
			rt.Fatalf("credentials: %s", diff)
		}
		if diff := cmp.Diff(m.versions, readVersions(rt, v)); diff != "" {
			rt.Fatalf("versions: %s", diff)
		}
		if diff := cmp.Diff(m.keys, readKeys(rt, v)); diff != "" {
			rt.Fatalf("API keys: %s", diff)
		}
		if diff := cmp.Diff(m.sessions, readSessions(rt, v)); diff != "" {
			rt.Fatalf("sessions: %s", diff)
		}
		if diff := cmp.Diff(m.users, readUsers(rt, v)); diff != "" {
			rt.Fatalf("users: %s", diff)
		}
	})
}

// TestEnginesAgree folds the same log into SQLite and into PostgreSQL.
func TestEnginesAgree(t *testing.T) {
	lite, pg := sqliteViews(t), postgresViews(t)
	for seed := range 8 {
		log := newTape(history(1, 500).Example(seed))
		a, b := lite.runner(t, log), pg.runner(t, log)
		if err := a.Rebuild(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := b.Rebuild(t.Context()); err != nil {
			t.Fatal(err)
		}
		same(t, "postgres against sqlite", digest(t, b), digest(t, a))
	}
}
