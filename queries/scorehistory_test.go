package queries_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/queries"
)

// Every point of a history is the score of its instant, and what was folded for one
// is not folded again.
func TestScoreHistory(t *testing.T) {
	s, c, now, f := scores(t)
	points, err := s.History(t.Context(), scoredTenant, f, 90)
	if err != nil {
		t.Fatal(err)
	}
	if len(points) != 6 { // the beginnings of five days, and now
		t.Fatalf("there are %d points: %+v", len(points), points)
	}
	for i, p := range points {
		if at := chainStart.AddDate(0, 0, i).UnixMicro(); i < 5 && int64(p.AsOf) != at || i == 5 && int64(p.AsOf) != now.UnixMicro() {
			t.Errorf("point %d is of %d", i, p.AsOf)
		}
		fresh, err := (&queries.Scores{Log: c, Now: s.Now}).Open()
		if err != nil {
			t.Fatal(err)
		}
		want, err := scoreAt(t, fresh, f, int64(p.AsOf)).Point()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(queries.HistoryPoint{Framework: "soc2", Point: want}, p); diff != "" {
			t.Errorf("point %d (-alone +in the history):\n%s", i, diff)
		}
	}
	c.read = 0
	again, err := s.History(t.Context(), scoredTenant, f, 90)
	if diff := cmp.Diff(points, again); diff != "" || err != nil || c.read != 1 {
		t.Errorf("again: %v, after reading %d facts\n%s", err, c.read, diff)
	}
	if short, err := s.History(t.Context(), scoredTenant, f, 2); err != nil || len(short) != 3 {
		t.Errorf("of two days there are %+v, %v", short, err)
	}
	c.records = c.records[:3] // cut off: nothing that was kept counts
	if broken, err := s.History(t.Context(), scoredTenant, f, 90); err != nil || broken[len(broken)-1].Score != 0 {
		t.Errorf("of a chain that was cut off there are %+v, %v", broken, err)
	}
}

// A change names the fact that moved a check, and refuses what is not in order.
func TestScoreChange(t *testing.T) {
	s, c, now, f := scores(t)
	change, err := s.Change(t.Context(), scoredTenant, f, chainStart.AddDate(0, 0, 2).UnixMicro(), chainStart.AddDate(0, 0, 3).UnixMicro())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range change.Checks {
		if m.ID == "QS-IAM-01" && (len(m.Moves) != 1 || m.Moves[0].First.Type != "MFA_ENABLED" || m.Moves[0].First.Seq != 3) {
			t.Errorf("QS-IAM-01 moved by %+v", m.Moves)
		}
	}
	if change.From.AsOfSeq != 2 || change.To.AsOfSeq != 3 || change.To.ScoreExact <= change.From.ScoreExact {
		t.Errorf("got %+v", change)
	}
	c.read = 0
	back, err := s.Change(t.Context(), scoredTenant, f, chainStart.AddDate(0, 0, 3).UnixMicro(), 0)
	if err != nil || back.To.AsOfSeq != 4 || int64(back.To.AsOf) != now.UnixMicro() || back.To.ScoreExact >= back.From.ScoreExact {
		t.Errorf("got %+v, %v", back, err)
	}
	if c.read > 4 {
		t.Errorf("a change over one fact reads %d", c.read)
	}
	for name, span := range map[string][2]int64{
		"empty": {now.UnixMicro(), 0}, "backwards": {chainStart.AddDate(0, 0, 3).UnixMicro(), chainStart.UnixMicro()},
		"before the chain": {chainStart.UnixMicro() - 1, 0}, "to come": {chainStart.UnixMicro(), now.Add(time.Hour).UnixMicro()},
	} {
		_, err := s.Change(t.Context(), scoredTenant, f, span[0], span[1])
		if refusal, ok := errors.AsType[*domain.Error](err); !ok || refusal.Kind != domain.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
