package compliance

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
)

// What the words of a catalogue can be.
var (
	kinds            = []string{"population", "replay", "occurrence", "configuration"}
	responsibilities = []string{"operator", "tenant", "shared"}
	strengths        = []string{"operation", "configuration", "attestation"}
	checkID          = regexp.MustCompile(`^QS-([A-Z]+)-[0-9]{2}$`)
	oscalToken       = regexp.MustCompile(`^[a-z_][a-z0-9._-]*$`)
)

// validate returns everything that is wrong with the catalogue.
func (c *Catalogue) validate() error {
	var all []error
	wrong := func(format string, args ...any) { all = append(all, fmt.Errorf(format, args...)) }
	if c.Version == "" || len(c.Weights) == 0 {
		wrong("it has no version or no weights")
	}
	for severity, weight := range c.Weights {
		if weight < 1 {
			wrong("severity %s weighs %d", severity, weight)
		}
	}
	if len(c.checks) != len(c.Checks) {
		wrong("a check stands there twice")
	}
	used := map[string]bool{}
	for _, f := range c.Frameworks {
		for _, id := range f.mapped() {
			used[id] = true
		}
	}
	for i := range c.Checks {
		c.Checks[i].validate(c, wrong)
		if !used[c.Checks[i].ID] {
			wrong("%s is evidence for nothing", c.Checks[i].ID)
		}
	}
	names := map[string]string{}
	for i := range c.Frameworks {
		f := &c.Frameworks[i]
		for _, name := range append([]string{f.ID}, f.Aliases...) {
			if name != Normal(name) || names[name] != "" {
				wrong("%s is called %q, which is not normal or means %q", f.ID, name, names[name])
			}
			names[name] = f.ID
		}
		f.validate(c, wrong)
	}
	return errors.Join(all...)
}

func (k *Check) validate(c *Catalogue, wrong func(string, ...any)) {
	id := checkID.FindStringSubmatch(k.ID)
	switch {
	case id == nil || id[1] != k.Family:
		wrong("%q is no check of family %q", k.ID, k.Family)
	case k.Title == "" || k.Slug == "" || len(k.Rule) == 0 || k.NotApplicableWhen == "" || k.Remediation == "":
		wrong("%s lacks words", k.ID)
	case c.Weights[k.Severity] == 0, k.Tier < 1, k.Tier > 3, !slices.Contains(kinds, k.Kind),
		!slices.Contains(responsibilities, k.Responsibility), !slices.Contains(strengths, k.Strength):
		wrong("%s is of no known severity, kind, tier, responsibility or strength", k.ID)
	}
	for name, n := range k.Params {
		if n < 1 || spanOf(name)*n > horizon && remembered(name) {
			wrong("%s: %s is %d, which is nothing, or further back than facts are remembered", k.ID, name, n)
		}
	}
	if _, ok := checks[k.ID]; !ok && !slices.Contains(unseen, k.ID) {
		wrong("nothing evaluates %s", k.ID)
	}
}

// remembered reports whether a parameter looks back over single facts, which are
// not kept for ever. The other spans are ages of what is kept as long as it lives.
func remembered(param string) bool {
	return slices.Contains([]string{"window_days", "cadence_days", "slot_days", "login_window_days", "max_idle_days"}, param)
}

func (f *Framework) validate(c *Catalogue, wrong func(string, ...any)) {
	if f.Name == "" || f.Version == "" || f.Publisher == "" || f.Unit == "" || f.Counted == "" || f.Outside == "" || f.Disclaimer == "" {
		wrong("%s lacks words", f.ID)
	}
	if len(f.Controls) == 0 || f.InView() > f.Total {
		wrong("%s shows %d of %d %s", f.ID, f.InView(), f.Total, f.Unit)
	}
	seen := map[string]bool{}
	for _, control := range f.Controls {
		sorted := slices.Sorted(slices.Values(control.Checks))
		switch {
		case control.ID == "" || seen[control.ID] || seen[control.OSCALID] || control.Title == "" || control.Category == "":
			wrong("%s: control %q stands there twice or lacks words", f.ID, control.ID)
		case !oscalToken.MatchString(control.OSCALID):
			wrong("%s: %q is no OSCAL token", f.ID, control.OSCALID)
		case control.Support != Direct && control.Support != Partial:
			wrong("%s: %s has support %q", f.ID, control.ID, control.Support)
		case len(sorted) == 0 || len(slices.Compact(sorted)) != len(control.Checks):
			wrong("%s: %s rests on no check, or twice on one", f.ID, control.ID)
		}
		seen[control.ID], seen[control.OSCALID] = true, true
		for _, id := range control.Checks {
			if c.checks[id] == nil {
				wrong("%s: %s rests on %s, which there is not", f.ID, control.ID, id)
			}
		}
	}
	for id, params := range f.Params {
		for name, n := range params {
			if k := c.checks[id]; k == nil || !slices.Contains(f.mapped(), id) || k.Params[name] == 0 {
				wrong("%s sets %s of %s, which it does not use", f.ID, name, id)
			} else if n < 1 || spanOf(name)*n > horizon && remembered(name) {
				wrong("%s sets %s of %s to %d, which is nothing, or further back than facts are remembered", f.ID, name, id, n)
			}
		}
	}
}
