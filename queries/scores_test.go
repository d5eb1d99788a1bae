package queries_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/compliance"
	"github.com/quantaseal/quantaseal/queries"
)

// scoredChain is one tenant's chain that scores are read from.
type scoredChain struct {
	records []eventstore.Recorded
	fault   error // at broken
	broken  uint64
	read    int

	platform []eventstore.Recorded // the system chain
}

// History yields what there is from a sequence number on.
func (c *scoredChain) History(_ context.Context, tenant domain.TenantID, from uint64) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		if tenant.IsZero() {
			for seq := from; seq < uint64(len(c.platform)) && yield(c.platform[seq], nil); seq++ {
			}
			return
		}
		for seq := from; seq < uint64(len(c.records)); seq++ {
			if c.fault != nil && seq == c.broken {
				yield(eventstore.Recorded{}, c.fault)
				return
			}
			if c.read++; !yield(c.records[seq], nil) {
				return
			}
		}
	}
}

var scoredTenant = domain.TenantID{ID: domain.ID{5}}

var chainStart = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// grow appends facts, one each day.
func (c *scoredChain) grow(events ...domain.Event) { grow(&c.records, events) }

func grow(records *[]eventstore.Recorded, events []domain.Event) {
	for _, e := range events {
		n := len(*records)
		r := eventstore.Recorded{Event: e, Hash: chain.Hash{byte(n + 1)}, Record: chain.Record{Payload: []byte("{}")}}
		r.Header = chain.Header{
			Seq: uint64(n), EventType: e.EventType().Name, EventID: [16]byte{byte(n + 1)}, SignerKeyID: chain.Hash{1}, RequestID: [16]byte{1},
			TimeUS: uint64(chainStart.AddDate(0, 0, n).UnixMicro()),
		}
		*records = append(*records, r)
	}
}

// scores returns questions to a chain of five days, on its fifth.
func scores(t *testing.T) (*queries.Scores, *scoredChain, *time.Time, *compliance.Framework) {
	t.Helper()
	owner := domain.UserID{ID: domain.ID{7}}
	c := &scoredChain{}
	c.grow(domain.ChainGenesis{}, domain.TenantRegistered{}, domain.UserRegistered{UserID: owner, Role: domain.RoleOwner, Verified: true},
		domain.MFAEnabled{UserID: owner}, domain.MFADisabled{UserID: owner})
	now := chainStart.AddDate(0, 0, 4).Add(time.Hour)
	s, err := (&queries.Scores{Log: c, Now: func() time.Time { return now }}).Open()
	if err != nil {
		t.Fatal(err)
	}
	f, err := s.Catalogue().Framework("soc2")
	if err != nil {
		t.Fatal(err)
	}
	return s, c, &now, f
}

func scoreAt(t *testing.T, s *queries.Scores, f *compliance.Framework, at int64) compliance.Assessment {
	t.Helper()
	a, err := s.Score(t.Context(), scoredTenant, f, at)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// What was folded is not read again, but for the last fact; and a score that was
// come to bit by bit is that of the whole chain.
func TestScoresGoOn(t *testing.T) {
	s, c, now, f := scores(t)
	first := scoreAt(t, s, f, 0)
	if first.AsOfSeq != 4 || c.read != 5 || first.HeadHash != domain.Digest(c.records[4].Hash) {
		t.Errorf("the first score is as of %d, after reading %d facts", first.AsOfSeq, c.read)
	}
	c.read = 0
	c.grow(domain.MFAEnabled{UserID: domain.UserID{ID: domain.ID{7}}})
	*now = now.AddDate(0, 0, 1)
	second := scoreAt(t, s, f, 0)
	if second.AsOfSeq != 5 || c.read != 2 || second.ScoreExact <= first.ScoreExact {
		t.Errorf("the second score is %v as of %d, after reading %d facts; the first was %v", second.ScoreExact, second.AsOfSeq, c.read, first.ScoreExact)
	}
	fresh, err := (&queries.Scores{Log: c, Now: s.Now}).Open()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(digestOf(t, scoreAt(t, fresh, f, 0)), digestOf(t, second)); diff != "" {
		t.Errorf("from the whole chain, and bit by bit:\n%s", diff)
	}
}

func digestOf(t *testing.T, a compliance.Assessment) domain.Digest {
	t.Helper()
	d, err := a.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A score of the past is the one that was given then.
func TestScoresOfThePast(t *testing.T) {
	s, c, now, f := scores(t)
	then := scoreAt(t, s, f, 0)
	at := now.UnixMicro()
	c.grow(domain.MFAEnabled{UserID: domain.UserID{ID: domain.ID{7}}}, domain.AuditExported{})
	*now = now.AddDate(0, 0, 10)
	scoreAt(t, s, f, 0)
	for range 2 { // folded, then kept
		if again := scoreAt(t, s, f, at); digestOf(t, again) != digestOf(t, then) {
			t.Errorf("of the past: %v as of %d, was %v as of %d", again.ScoreExact, again.AsOfSeq, then.ScoreExact, then.AsOfSeq)
		}
	}
	c.read = 0
	scoreAt(t, s, f, at)
	if c.read != 1 {
		t.Errorf("a score of the past that was given before reads %d facts", c.read)
	}
	for _, wrong := range []int64{now.UnixMicro() + 1, chainStart.UnixMicro() - 1} {
		_, err := s.Score(t.Context(), scoredTenant, f, wrong)
		if refusal, ok := errors.AsType[*domain.Error](err); !ok || refusal.Kind != domain.Invalid {
			t.Errorf("at %d: %v", wrong, err)
		}
	}
	if first := scoreAt(t, s, f, chainStart.UnixMicro()); first.AsOfSeq != 0 {
		t.Errorf("when the chain began the score is as of %d", first.AsOfSeq)
	}
}

// A chain that was altered, cut off or exchanged scores 0 as long as it is so.
func TestScoresOfABrokenChain(t *testing.T) {
	for name, alter := range map[string]func(c *scoredChain){
		"altered":   func(c *scoredChain) { c.fault, c.broken = eventstore.ErrTampered, 4 },
		"cut off":   func(c *scoredChain) { c.records = c.records[:3] },
		"exchanged": func(c *scoredChain) { c.records[4].Hash = chain.Hash{99} },
	} {
		for _, before := range []bool{false, true} {
			if name != "altered" && !before {
				continue // to whoever reads it first, it is another chain
			}
			s, c, _, f := scores(t)
			whole := append([]eventstore.Recorded{}, c.records...)
			if before {
				scoreAt(t, s, f, 0)
			}
			alter(c)
			a := scoreAt(t, s, f, 0)
			if a.Score != 0 || a.Caps[0].ID != "integrity" {
				t.Errorf("%s: the score is %d, capped by %v", name, a.Score, a.Caps)
			}
			c.records, c.fault = whole, nil
			if a := scoreAt(t, s, f, 0); a.Caps[0].ID == "integrity" {
				t.Errorf("%s and put right: still %v", name, a.Caps)
			}
		}
	}
	s, c, _, f := scores(t)
	c.fault, c.broken = errors.New("the disk is gone"), 2
	if a, err := s.Score(t.Context(), scoredTenant, f, 0); err == nil {
		t.Errorf("a fault gives the score %d", a.Score)
	}
	c.fault = nil
	if a := scoreAt(t, s, f, 0); a.AsOfSeq != 4 {
		t.Errorf("after a fault the score is as of %d", a.AsOfSeq)
	}
}

// A score as of a fact is that of the facts until then, at its instant, whatever came
// after it; one to come is refused.
func TestScoresAsOfAFact(t *testing.T) {
	s, c, now, f := scores(t)
	for round := range 2 { // folded, then kept
		for seq := range uint64(5) {
			at := int64(c.records[seq].Header.TimeUS)
			got, err := s.ScoreAsOf(t.Context(), scoredTenant, f, seq)
			if err != nil {
				t.Fatal(err)
			}
			if want := scoreAt(t, s, f, at); got.AsOfSeq != seq || int64(got.AsOf) != at || digestOf(t, got) != digestOf(t, want) {
				t.Errorf("%d: as of fact %d: %v at %d, at its instant: %v at %d", round, seq, got.ScoreExact, got.AsOf, want.ScoreExact, want.AsOf)
			}
		}
	}
	c.grow(domain.MFAEnabled{UserID: domain.UserID{ID: domain.ID{7}}}, domain.AuditExported{})
	c.records[6].Header.TimeUS = c.records[5].Header.TimeUS // of the same instant
	*now = now.AddDate(0, 0, 10)
	one, err := s.ScoreAsOf(t.Context(), scoredTenant, f, 5)
	if err != nil || one.AsOfSeq != 5 {
		t.Errorf("as of fact 5 it is as of %d: %v", one.AsOfSeq, err)
	}
	if both := scoreAt(t, s, f, int64(one.AsOf)); both.AsOfSeq != 6 {
		t.Errorf("at the instant of two facts it is as of %d", both.AsOfSeq)
	}
	_, err = s.ScoreAsOf(t.Context(), scoredTenant, f, 7)
	if refusal, ok := errors.AsType[*domain.Error](err); !ok || refusal.Kind != domain.Invalid {
		t.Errorf("as of a fact to come: %v", err)
	}
	whole := c.records
	for _, cut := range []int{3, 6} {
		for seq, broken := range map[uint64]bool{1: false, 4: cut == 3, 6: true} {
			c.records = whole
			scoreAt(t, s, f, 0) // known as far as it goes
			c.records = whole[:cut]
			if a, err := s.ScoreAsOf(t.Context(), scoredTenant, f, seq); err != nil || broken != (a.Caps[0].ID == "integrity") {
				t.Errorf("cut off at %d, as of fact %d: %v, %v", cut, seq, a.Caps, err)
			}
		}
	}
}
