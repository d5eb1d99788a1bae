package queries_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/queries"
)

// chatter appends facts of several kinds by several actors.
func (w *world) chatter(t *rapid.T) {
	events := []domain.Event{
		domain.CredentialUnsealed{}, domain.CredentialUnsealDenied{}, domain.AuditLogQueried{}, domain.IntegrityViolated{},
	}
	for range rapid.IntRange(0, 60).Draw(t, "facts") {
		by := user(rapid.SampledFrom([]domain.TenantID{acme, other}).Draw(t, "tenant"), byte(rapid.IntRange(1, 3).Draw(t, "actor")))
		w.append(by, domain.KindCredential, domain.ID{1: byte(rapid.IntRange(1, 3).Draw(t, "about"))}, rapid.SampledFrom(events).Draw(t, "event"))
		w.now -= rapid.SampledFrom([]int64{0, 1}).Draw(t, "at once") * time.Second.Microseconds()
	}
	w.fold(t)
}

// filter draws a question about the log.
func (w *world) filter(t *rapid.T) queries.AuditFilter {
	some := func(what string) bool { return rapid.IntRange(0, 2).Draw(t, what) == 0 }
	moment := rapid.Int64Range(1_800_000_000_000_000-1, w.now+1)
	f := queries.AuditFilter{
		Tenant: acme, Limit: rapid.IntRange(1, 80).Draw(t, "limit"), Offset: rapid.IntRange(0, 10).Draw(t, "offset"),
		Outcome:   rapid.SampledFrom([]queries.Outcomes{queries.AnyOutcome, queries.OnlySuccess, queries.OnlyFailure}).Draw(t, "outcome"),
		Ascending: rapid.Bool().Draw(t, "ascending"), Forward: some("forward"),
	}
	if some("types?") {
		f.Types = rapid.SliceOfN(rapid.SampledFrom([]string{
			"CREDENTIAL_UNSEALED", "CREDENTIAL_UNSEAL_DENIED", "AUDIT_LOG_QUERIED", "INTEGRITY_VIOLATION", "NEVER_HEARD_OF",
		}), 1, 4).Draw(t, "types")
	}
	if some("actors?") {
		for _, n := range rapid.SliceOfN(rapid.IntRange(1, 4), 1, 3).Draw(t, "actors") {
			f.Actors = append(f.Actors, domain.ID{15: byte(n)})
		}
		for n := range rapid.SampledFrom([]int{0, 0, 0, 20}).Draw(t, "idle actors") { // more branches than one statement takes
			f.Actors = append(f.Actors, domain.ID{0: 1, 15: byte(n)})
		}
	}
	if some("about?") {
		for _, n := range rapid.SliceOfN(rapid.IntRange(1, 4), 1, 3).Draw(t, "resources") {
			f.Aggregates = append(f.Aggregates, domain.AggregateID{Kind: domain.KindCredential, ID: domain.ID{1: byte(n)}})
		}
	}
	if some("since?") {
		f.Since = moment.Draw(t, "since")
	}
	if some("until?") {
		f.Until = moment.Draw(t, "until")
	}
	if some("from?") {
		f.From = rapid.Uint64Range(0, 40).Draw(t, "from")
	}
	if some("before?") {
		f.Before = rapid.Uint64Range(0, 40).Draw(t, "before")
	}
	return f
}

// answer is the model: what f wants, found by looking at every fact.
func (w *world) answer(f queries.AuditFilter) []uint64 {
	var seqs []uint64
	for _, r := range w.facts {
		h := r.Header
		failed := domain.Outcome(h.Outcome) != domain.Success
		if h.Tenant == f.Tenant.ID && h.Seq >= f.From && (f.Before == 0 || h.Seq < f.Before) &&
			int64(h.TimeUS) >= f.Since && (f.Until == 0 || int64(h.TimeUS) < f.Until) &&
			(len(f.Types) == 0 || slices.Contains(f.Types, h.EventType)) &&
			(len(f.Actors) == 0 || slices.Contains(f.Actors, domain.ID(h.ActorID))) &&
			(len(f.Aggregates) == 0 || slices.Contains(f.Aggregates, r.Aggregate())) &&
			(f.Outcome == queries.AnyOutcome || failed == (f.Outcome == queries.OnlyFailure)) {
			seqs = append(seqs, h.Seq)
		}
	}
	if !f.Forward {
		slices.Reverse(seqs)
	}
	seqs = seqs[min(f.Offset, len(seqs)):]
	seqs = seqs[:min(f.Limit, len(seqs))]
	if f.Ascending {
		slices.SortFunc(seqs, cmp.Compare[uint64])
	}
	return seqs
}

// TestIndexFindsWhatAFullScanFinds asks random questions about random logs.
func TestIndexFindsWhatAFullScanFinds(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		rapid.Check(t, func(rt *rapid.T) {
			w.reset(rt)
			w.chatter(rt)
			for range 4 {
				f := w.filter(rt)
				got, err := w.AuditIndex(context.Background(), f)
				if err != nil {
					rt.Fatalf("%+v: %v", f, err)
				}
				want := w.answer(f)
				if len(got)+len(want) > 0 && !slices.Equal(got, want) {
					rt.Fatalf("%+v: %s", f, gocmp.Diff(want, got))
				}
			}
		})
	})
}

// TestAuditLogReadsEachStretchOnce turns numbers into facts in the order asked for.
func TestAuditLogReadsEachStretchOnce(t *testing.T) {
	w := newWorld(t, true)
	for range 20 {
		w.append(user(acme, 1), domain.KindTenant, acme.ID, domain.AuditLogQueried{})
	}
	seqs := []uint64{19, 18, 17, 3, 7, 8, 3}
	facts, err := w.AuditLog(t.Context(), acme, seqs)
	if err != nil {
		t.Fatal(err)
	}
	var got []uint64
	for _, f := range facts {
		got = append(got, f.Header.Seq)
	}
	if diff := gocmp.Diff(seqs, got); diff != "" {
		t.Error(diff)
	}
	if w.reads != 3 {
		t.Errorf("the log was read %d times, want 3: 3, 7 to 8, 17 to 19", w.reads)
	}
	for _, missing := range [][]uint64{{20}, {19, 20}} {
		if _, err := w.AuditLog(t.Context(), acme, missing); !errors.Is(err, eventstore.ErrNotFound) {
			t.Errorf("%v: got %v, want ErrNotFound", missing, err)
		}
	}
	w.facts = append(w.facts[:7:7], w.facts[8:]...)
	if _, err := w.AuditLog(t.Context(), acme, []uint64{6, 7, 8}); !errors.Is(err, eventstore.ErrTampered) {
		t.Errorf("a log with a gap: got %v, want ErrTampered", err)
	}
	if facts, err := w.AuditLog(t.Context(), acme, nil); err != nil || len(facts) != 0 {
		t.Errorf("nothing asked: %d facts, %v", len(facts), err)
	}
}
