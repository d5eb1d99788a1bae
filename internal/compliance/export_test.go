package compliance

import (
	"math/big"
	"slices"
)

// Found is what a check found, for tests of the score alone.
type Found struct {
	Result Result
	Ratio  *big.Rat
}

// AssessFound scores findings that no fact stands behind.
func (s *State) AssessFound(c *Catalogue, f *Framework, at int64, found map[string]Found) Assessment {
	all := map[string]finding{}
	for id, one := range found {
		all[id] = finding{result: one.Result, ratio: one.Ratio}
	}
	return s.assess(c, f, at, all)
}

// Examine returns what a check finds for a framework.
func (s *State) Examine(c *Catalogue, f *Framework, at int64, check string) (Result, *big.Rat, int, []Ref) {
	found := s.examine(c, f, at)[check]
	return found.result, found.ratio, found.population, found.failing
}

// Mapped returns the checks that f rests on.
func (f *Framework) Mapped() []string { return f.mapped() }

// Read reads a catalogue that is not the embedded one.
var Read = read

// Embedded is the catalogue that the program was built with.
var Embedded = embedded

// Evaluated reports whether facts of today can let a check pass.
func Evaluated(check string) bool { return checks[check] != nil && !slices.Contains(unseen, check) }

// Newest returns the newest of facts, and how many are not among them.
func Newest(refs []Ref) ([]Ref, int) {
	var n newest
	for i := range refs {
		n.add(&refs[i])
	}
	return n.list()
}

// MaxCited is how many facts a finding cites.
const MaxCited = maxCited
