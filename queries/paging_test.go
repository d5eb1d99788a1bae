package queries_test

import (
	"context"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/queries"
)

// TestPagesNeitherRepeatNorSkip walks a log that grows between the pages, in
// either direction: backward it shows what there was when the walk began, forward
// also what was added meanwhile.
func TestPagesNeitherRepeatNorSkip(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		rapid.Check(t, func(rt *rapid.T) {
			w.reset(rt)
			w.chatter(rt)
			f := w.filter(rt)
			f.Offset, f.Before, f.Ascending = 0, 0, f.Ascending || f.Forward
			f.Limit = rapid.IntRange(1, 9).Draw(rt, "page")
			f.Until = 0
			all := f
			all.Limit = 1 << 20
			want := w.answer(all)
			var walked []uint64
			for grown := false; ; {
				page, err := w.AuditIndex(context.Background(), f)
				if err != nil {
					rt.Fatal(err)
				}
				if f.Forward {
					walked = append(walked, page...)
				} else if f.Ascending {
					walked = append(slices.Clone(page), walked...)
				} else {
					walked = append(walked, page...)
				}
				if len(page) < f.Limit {
					break
				}
				if f.Forward {
					f.From = slices.Max(page) + 1
				} else if f.Before = slices.Min(page); f.Before == 0 {
					break
				}
				if !grown || rapid.Bool().Draw(rt, "grow") && len(w.facts) < 200 {
					grown = true
					w.chatter(rt)
				}
			}
			if f.Forward {
				want = w.answer(all) // what came while walking too
			}
			if !slices.Equal(want, walked) {
				rt.Fatalf("%+v: walked %v, want %v", f, walked, want)
			}
		})
	})
}

// TestResourcesAreFoundByEveryId looks for what facts are about.
func TestResourcesAreFoundByEveryId(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		credential := domain.NewCredentialID(domain.ID{1})
		session := domain.ID{2, 6: 0x40, 8: 0x80, 15: 9}
		by := user(acme, 1)
		w.append(by, domain.KindCredential, credential.ID, domain.CredentialUnsealed{})
		w.append(by, domain.KindSession, session, domain.AuditLogQueried{})
		w.append(by, domain.KindUser, session, domain.AuditLogQueried{})
		w.append(user(other, 1), domain.KindKey, session, domain.AuditLogQueried{})
		w.fold(t)
		for _, tt := range []struct {
			id   string
			kind domain.AggregateKind
			want []domain.AggregateID
		}{
			{credential.Handle(), 0, []domain.AggregateID{{Kind: domain.KindCredential, ID: credential.ID}}},
			{credential.Entry(3).String(), 0, []domain.AggregateID{{Kind: domain.KindCredential, ID: credential.ID}}},
			{credential.Handle(), domain.KindUser, nil},
			{session.String(), 0, []domain.AggregateID{{Kind: domain.KindUser, ID: session}, {Kind: domain.KindSession, ID: session}}},
			{session.String(), domain.KindSession, []domain.AggregateID{{Kind: domain.KindSession, ID: session}}},
			{domain.ID{9}.String(), 0, nil},
			{"neither", 0, nil},
		} {
			got, err := w.Resources(t.Context(), acme, tt.id, tt.kind)
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("%s of kind %d: got %v, %v, want %v", tt.id, tt.kind, got, err, tt.want)
			}
		}
		if seqs, err := w.AuditIndex(t.Context(), queries.AuditFilter{Tenant: other, Aggregates: []domain.AggregateID{{Kind: domain.KindSession, ID: session}}, Limit: 9}); err != nil || len(seqs) != 0 {
			t.Errorf("another tenant sees %v, %v", seqs, err)
		}
	})
}
