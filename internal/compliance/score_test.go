package compliance_test

import (
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/internal/compliance"
)

// old returns the state of a tenant that nothing caps by itself.
func old(t testing.TB) (*compliance.State, int64) {
	s := tell(t)
	s.seals(1, user(ada), 30)
	return s.state(), s.later(40 * day).now.UnixMicro()
}

// found draws what a check found.
func drawFound(t *rapid.T, label string) compliance.Found {
	of := rapid.Int64Range(1, 50).Draw(t, label+" of")
	good := rapid.Int64Range(0, of).Draw(t, label+" good")
	switch rapid.IntRange(0, 4).Draw(t, label) {
	case 0:
		return compliance.Found{Result: compliance.NotApplicable, Ratio: new(big.Rat)}
	case 1:
		return compliance.Found{Result: compliance.NoEvidence, Ratio: new(big.Rat)}
	case 2:
		return passed
	}
	return foundOf(big.NewRat(good, of))
}

var passed = compliance.Found{Result: compliance.Pass, Ratio: big.NewRat(1, 1)}

func foundOf(r *big.Rat) compliance.Found {
	switch {
	case r.Sign() == 0:
		return compliance.Found{Result: compliance.Fail, Ratio: r}
	case r.Cmp(passed.Ratio) == 0:
		return passed
	}
	return compliance.Found{Result: compliance.PartlyPassed, Ratio: r}
}

// A better result never lowers a score, and evidence that is gone never raises
// one. A score lies between 0 and 100, and is 100 only if every check passes.
func TestScoreIsMonotone(t *testing.T) {
	c := load(t)
	state, at := old(t)
	rapid.Check(t, func(t *rapid.T) {
		f := &c.Frameworks[rapid.IntRange(0, len(c.Frameworks)-1).Draw(t, "framework")]
		all := map[string]compliance.Found{}
		whole := true
		for _, id := range f.Mapped() {
			all[id] = drawFound(t, id)
			whole = whole && (all[id].Result == compliance.Pass || all[id].Result == compliance.NotApplicable)
		}
		before := state.AssessFound(c, f, at, all)
		if before.Score < 0 || before.Score > 100 || float64(before.Score) > before.ScoreExact || before.Score == 100 && !whole {
			t.Fatalf("the score is %d, %v exactly", before.Score, before.ScoreExact)
		}
		id := rapid.SampledFrom(f.Mapped()).Draw(t, "changed")
		was := all[id]
		better, worse := []compliance.Found{passed}, []compliance.Found{{Result: compliance.NoEvidence, Ratio: new(big.Rat)}}
		switch was.Result {
		case compliance.NotApplicable:
			worse = nil // there is nothing whose absence could be one
		case compliance.Pass:
			worse = append(worse, compliance.Found{Result: compliance.NotApplicable, Ratio: new(big.Rat)})
		default:
			part := new(big.Rat).Sub(passed.Ratio, was.Ratio)
			part.Mul(part, big.NewRat(rapid.Int64Range(0, 10).Draw(t, "part"), 10))
			better = append(better, foundOf(part.Add(part, was.Ratio)))
		}
		for _, all[id] = range better {
			if after := state.AssessFound(c, f, at, all); after.Score < before.Score || after.ScoreExact < before.ScoreExact {
				t.Fatalf("%s goes from %v to %v, and %s from %v to %v", id, was, all[id], f.ID, before.ScoreExact, after.ScoreExact)
			}
		}
		for _, all[id] = range worse {
			if after := state.AssessFound(c, f, at, all); after.Score > before.Score || after.ScoreExact > before.ScoreExact {
				t.Fatalf("%s goes from %v to %v, and %s from %v to %v", id, was, all[id], f.ID, before.ScoreExact, after.ScoreExact)
			}
		}
	})
}

// The gain that is foretold is the gain that comes.
func TestMoversComeTrue(t *testing.T) {
	c := load(t)
	state, at := old(t)
	rapid.Check(t, func(t *rapid.T) {
		f := &c.Frameworks[rapid.IntRange(0, len(c.Frameworks)-1).Draw(t, "framework")]
		all := map[string]compliance.Found{}
		for _, id := range f.Mapped() {
			all[id] = drawFound(t, id)
		}
		before := state.AssessFound(c, f, at, all)
		for _, m := range before.Movers {
			was := all[m.Check]
			all[m.Check] = passed
			after := state.AssessFound(c, f, at, all)
			all[m.Check] = was
			if gain := after.ScoreExact - before.ScoreExact; gain < m.Gain-0.011 || gain > m.Gain+0.021 { // each is rounded down
				t.Fatalf("%s adds %v, was to add %v", m.Check, gain, m.Gain)
			}
		}
	})
}

// scored returns an assessment of a framework where every check passes but some.
func scoredBut(t *testing.T, framework string, but map[string]compliance.Found) compliance.Assessment {
	t.Helper()
	c := load(t)
	f, err := c.Framework(framework)
	if err != nil {
		t.Fatal(err)
	}
	state, at := old(t)
	all := map[string]compliance.Found{}
	for _, id := range f.Mapped() {
		all[id] = passed
		if other, ok := but[id]; ok {
			all[id] = other
		}
	}
	return state.AssessFound(c, f, at, all)
}

func controlOf(t *testing.T, a compliance.Assessment, id string) compliance.AssessedControl {
	t.Helper()
	for _, control := range a.Controls {
		if control.ID == id {
			return control
		}
	}
	t.Fatalf("%s has no %s", a.Framework, id)
	return compliance.AssessedControl{}
}

// A control worked by hand: three checks of weights 10, 5 and 5.
func TestControlByHand(t *testing.T) {
	for _, tt := range []struct {
		but    map[string]compliance.Found
		credit float64
		status compliance.Status
		least  int
		most   int
		grade  string
	}{
		{nil, 1, compliance.Compliant, 100, 100, "A"},
		{map[string]compliance.Found{"QS-IAM-02": foundOf(big.NewRat(85, 100))}, 0.8562, compliance.PartlyHolds, 90, 99, "A"}, // (10 + 5*0.425 + 5) / 20
		{map[string]compliance.Found{"QS-IAM-01": foundOf(big.NewRat(1, 2)), "QS-IAM-02": foundOf(big.NewRat(85, 100))}, 0.3562, compliance.NonCompliant, 69, 69, "D"},
	} {
		a := scoredBut(t, "pci_dss", tt.but)
		control := controlOf(t, a, "8.5.1")
		if *control.Credit != tt.credit || control.Status != tt.status || a.Score < tt.least || a.Score > tt.most || a.Grade != tt.grade {
			t.Errorf("8.5.1 earns %v and is %s, and PCI DSS is at %d %s, want %v %s", *control.Credit, control.Status, a.Score, a.Grade, tt.credit, tt.status)
		}
	}
}

// What caps a score is told with it.
func TestCaps(t *testing.T) {
	c := load(t)
	ids := func(a compliance.Assessment) string {
		var all []string
		for _, limit := range a.Caps {
			all = append(all, limit.ID)
		}
		return strings.Join(all, " ")
	}
	for i := range c.Frameworks {
		f := &c.Frameworks[i]
		empty := tell(t)
		a := empty.assess(f.ID)
		if a.Score > 49 || a.Grade != "F" || !a.Provisional || ids(a) != "provisional critical" || a.Status != compliance.NonCompliant {
			t.Errorf("%s of an empty tenant is %d %s %s, capped by %q", f.ID, a.Score, a.Grade, a.Status, ids(a))
		}
		all := map[string]compliance.Found{}
		for _, id := range f.Mapped() {
			all[id] = passed
		}
		for _, age := range []time.Duration{29 * day, 31 * day} { // the vault is empty, or the history short
			if a := empty.state().AssessFound(c, f, began.Add(age).UnixMicro(), all); a.Score != 49 || !a.Provisional || ids(a) != "provisional" {
				t.Errorf("%s with everything in order but no credential is %d, capped by %q", f.ID, a.Score, ids(a))
			}
		}
		empty.seals(1, user(ada), 30)
		if a := empty.state().AssessFound(c, f, began.Add(29*day).UnixMicro(), all); a.Score != 49 {
			t.Errorf("%s after 29 days is %d", f.ID, a.Score)
		}
		if a := empty.state().AssessFound(c, f, began.Add(31*day).UnixMicro(), all); a.Score != 100 || a.Provisional || a.Status != compliance.Compliant {
			t.Errorf("%s with everything in order is %d %s, capped by %q", f.ID, a.Score, a.Status, ids(a))
		}
	}
}
