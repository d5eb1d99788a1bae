package compliance

import "math/big"

// tell puts the controls and their checks into a.
func (a *Assessment) tell(c *Catalogue, controls []scored, found map[string]finding) {
	for _, s := range controls {
		told := AssessedControl{ID: s.control.ID, Title: s.control.Title, Status: s.status, Support: s.control.Support}
		if s.credit != nil {
			part := decimal(s.credit, 4)
			told.Credit = &part
		}
		switch s.status {
		case Compliant:
			a.Passed++
		case PartlyHolds:
			a.Partly++
		case NonCompliant:
			a.Failed++
		case NothingToSee:
			a.NotApplicable++
		}
		for _, id := range s.control.Checks {
			k, f := c.checks[id], found[id]
			strength := k.Strength
			if f.strength != "" {
				strength = f.strength
			}
			told.Checks = append(told.Checks, AssessedCheck{
				ID: id, Title: k.Title, Result: f.result, Ratio: decimal(f.ratio, 6), Population: f.population,
				Strength: strength, Evidence: f.failing, More: f.more,
			})
		}
		a.Controls = append(a.Controls, told)
	}
}

// breakdown scores the controls of each category by themselves.
func breakdown(controls []scored) map[string]any {
	parts, sums := map[string][]scored{}, map[string]any{}
	for _, s := range controls {
		parts[s.control.Category] = append(parts[s.control.Category], s)
	}
	for name, part := range parts {
		raw, _ := total(part)
		sum := Category{Score: int(points(raw, 0))}
		for _, s := range part {
			switch s.status {
			case Compliant:
				sum.Compliant++
			case PartlyHolds:
				sum.Partial++
			case NonCompliant:
				sum.NonCompliant++
			case NothingToSee:
				sum.NotApplicable++
			}
		}
		sums[name] = sum
	}
	return sums
}

// halves scores the checks that the operator can put in order, and those that the
// tenant can. What they share counts for both.
func (c *Catalogue) halves(f *Framework, found map[string]finding) map[string]int {
	scores := map[string]int{}
	for _, who := range []string{"operator", "tenant"} {
		sum, of := new(big.Rat), new(big.Rat)
		for _, id := range f.mapped() {
			k := c.checks[id]
			if k.Responsibility != who && k.Responsibility != "shared" || found[id].result == NotApplicable {
				continue
			}
			weight := big.NewRat(int64(c.Weights[k.Severity]), 1)
			of.Add(of, weight)
			sum.Add(sum, new(big.Rat).Mul(weight, credit(k, found[id])))
		}
		if of.Sign() > 0 {
			sum.Quo(sum, of)
		}
		scores[who] = int(points(sum, 0))
	}
	return scores
}
