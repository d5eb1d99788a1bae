package compliance

import (
	"maps"
	"slices"
)

// Used is a check as a framework asks it: with the framework's parameters in place
// of the check's own, and what it weighs.
type Used struct {
	Check
	Weight   int      `json:"weight"`
	Stricter []string `json:"framework_params,omitempty"` // the parameters that are the framework's, sorted
}

// Uses returns the checks that f rests on, by their ids.
func (c *Catalogue) Uses(f *Framework) []Used {
	var all []Used
	for _, id := range f.mapped() {
		u := Used{Check: *c.checks[id], Weight: c.Weights[c.checks[id].Severity]}
		u.Params = maps.Clone(u.Params)
		for _, name := range sortedKeys(f.Params[id]) {
			if u.Params == nil {
				u.Params = map[string]int64{}
			}
			u.Params[name] = f.Params[id][name]
			u.Stricter = append(u.Stricter, name)
		}
		all = append(all, u)
	}
	return all
}

// ControlWeight returns what a control weighs in a score, in halves.
func (c *Catalogue) ControlWeight(control *Control) int {
	heaviest := 0
	for _, id := range control.Checks {
		heaviest = max(heaviest, c.Weights[c.checks[id].Severity])
	}
	if control.Support == Partial {
		return heaviest
	}
	return 2 * heaviest
}

// Canonical returns v as canonical JSON (RFC 8785), as long as its texts are valid
// UTF-8 whose names are ASCII, and its numbers whole or of few digits.
func Canonical(v any) ([]byte, error) { return canonical(v) }

func sortedKeys(m map[string]int64) []string { return slices.Sorted(maps.Keys(m)) }

// Check returns the check with an id, or nil.
func (c *Catalogue) Check(id string) *Check { return c.checks[id] }

// Stream returns the chain on which the fact stands: tenant or platform.
func (r Ref) Stream() string {
	if r.Platform {
		return "platform"
	}
	return "tenant"
}
