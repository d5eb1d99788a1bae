package compliance

import (
	"math/big"
	"slices"
)

// Status is how a control or a framework stands.
type Status string

// The statuses.
const (
	Compliant    Status = "compliant"
	PartlyHolds  Status = "partial"
	NonCompliant Status = "non_compliant"
	NothingToSee Status = "not_applicable"
)

// Where scores are capped, and what leads there.
const (
	criticalCap    = 69 // a critical check is not passed
	provisionalCap = 49 // too little happened yet to judge
	provisionalAge = 30 * day
	nonCompliantAt = 60 // a framework is below
	// applicableShare is the share of check weight, in percent, below which a score is provisional.
	applicableShare = 65
)

// Grade returns the letter of a score: A from 90 on, B 80, C 70, D 60, else F.
func Grade(score int) string { return grade(score) }

// Cap is why a score is no higher.
type Cap struct {
	ID     string `json:"id"` // integrity, critical or provisional
	Limit  int    `json:"limit"`
	Reason string `json:"reason"`
}

// scored is a control with what its checks come to.
type scored struct {
	control *Control
	weight  *big.Rat // its gravest check, halved for partial support: no result moves it
	of      int64    // weight of the applicable checks
	credit  *big.Rat // from 0 to 1; nil = not applicable
	status  Status
}

// credit is what a check's result is worth: whatever falls short of the whole is
// worth half of itself, and nothing if the check is critical.
func credit(k *Check, f finding) *big.Rat {
	switch {
	case f.ratio.Cmp(one) == 0:
		return one
	case k.Severity == Critical:
		return zero
	}
	return new(big.Rat).Mul(f.ratio, half)
}

// scoreControl weighs the checks of a control.
func (c *Catalogue) scoreControl(control *Control, found map[string]finding) scored {
	s := scored{control: control, status: Compliant}
	heaviest := 0
	sum, failed := new(big.Rat), false
	for _, id := range control.Checks {
		k, f := c.checks[id], found[id]
		weight := c.Weights[k.Severity]
		heaviest = max(heaviest, weight)
		if f.result == NotApplicable {
			continue
		}
		s.of += int64(weight)
		sum.Add(sum, new(big.Rat).Mul(big.NewRat(int64(weight), 1), credit(k, f)))
		if f.result != Pass {
			s.status = PartlyHolds
			failed = failed || k.Severity == Critical
		}
	}
	if s.weight = big.NewRat(int64(heaviest), 1); control.Support == Partial {
		s.weight.Mul(s.weight, half)
	}
	if s.of == 0 {
		s.status = NothingToSee
		return s
	}
	s.credit = sum.Quo(sum, big.NewRat(s.of, 1))
	if failed || s.credit.Cmp(half) < 0 {
		s.status = NonCompliant
	}
	return s
}

// total is the weighted mean of controls, from 0 to 1, and the weight that it is
// the mean over. Where none is applicable both are 0.
func total(controls []scored) (raw, weight *big.Rat) {
	sum := new(big.Rat)
	weight = new(big.Rat)
	for _, s := range controls {
		if s.credit != nil {
			sum.Add(sum, new(big.Rat).Mul(s.weight, s.credit))
			weight.Add(weight, s.weight)
		}
	}
	if weight.Sign() == 0 {
		return sum, weight
	}
	return sum.Quo(sum, weight), weight
}

// caps returns what holds the score down, the lowest limit first.
func (s *State) caps(c *Catalogue, f *Framework, at int64, found map[string]finding) (caps []Cap) {
	if unresolved := s.log.verified.unresolved(); s.broken != "" || s.gap || unresolved != "" {
		reason := s.broken
		if reason == "" {
			reason = unresolved
		}
		if reason == "" {
			reason = "the chain has a gap"
		}
		caps = append(caps, Cap{"integrity", 0, reason})
	}
	applicable, mapped := 0, 0
	var failing []string
	for _, id := range f.mapped() {
		weight := c.Weights[c.checks[id].Severity]
		mapped += weight
		if found[id].result == NotApplicable {
			continue
		}
		applicable += weight
		if c.checks[id].Severity == Critical && found[id].result != Pass {
			failing = append(failing, id)
		}
	}
	provisional := ""
	switch {
	case !s.vault.sealed:
		provisional = "no credential was ever sealed"
	case at-s.began < provisionalAge:
		provisional = "the history is shorter than 30 days"
	case 100*applicable < applicableShare*mapped:
		provisional = "too few of the checks have anything to look at"
	}
	if provisional != "" {
		caps = append(caps, Cap{"provisional", provisionalCap, provisional})
	}
	if len(failing) > 0 {
		reason := "critical checks do not pass:"
		for _, id := range failing {
			reason += " " + id
		}
		caps = append(caps, Cap{"critical", criticalCap, reason})
	}
	return caps
}

// grade returns the letter of a score.
func grade(score int) string {
	for i, least := range []int{90, 80, 70, 60} {
		if score >= least {
			return "ABCD"[i : i+1]
		}
	}
	return "F"
}

// points returns r in percent, rounded down to so many digits.
func points(r *big.Rat, digits int) float64 {
	return decimal(new(big.Rat).Mul(r, big.NewRat(100, 1)), digits)
}

// decimal returns r rounded down to so many digits: one division of whole numbers,
// which comes out alike everywhere.
func decimal(r *big.Rat, digits int) float64 {
	scale := int64(1)
	for range digits {
		scale *= 10
	}
	n := new(big.Int).Mul(r.Num(), big.NewInt(scale))
	return float64(n.Quo(n, r.Denom()).Int64()) / float64(scale)
}

// Mover is a check, and what passing it would add to the score before caps.
type Mover struct {
	Check       string  `json:"check"`
	Gain        float64 `json:"gain"` // points
	Remediation string  `json:"remediation"`

	exact *big.Rat
}

// maxMovers is how many of them are told.
const maxMovers = 5

// movers returns the checks that would add most, the most first.
func (c *Catalogue) movers(f *Framework, controls []scored, weight *big.Rat, found map[string]finding) []Mover {
	all := []Mover{}
	for _, id := range f.mapped() {
		k := c.checks[id]
		if found[id].result == Pass || found[id].result == NotApplicable {
			continue
		}
		lost := new(big.Rat).Sub(one, credit(k, found[id]))
		gain := new(big.Rat)
		for _, s := range controls {
			if slices.Contains(s.control.Checks, id) {
				part := new(big.Rat).Mul(s.weight, big.NewRat(int64(c.Weights[k.Severity]), s.of))
				gain.Add(gain, part.Mul(part, lost))
			}
		}
		gain.Quo(gain, weight)
		all = append(all, Mover{id, points(gain, 2), k.Remediation, gain})
	}
	slices.SortStableFunc(all, func(a, b Mover) int { return b.exact.Cmp(a.exact) })
	return all[:min(len(all), maxMovers)]
}
