package queries

import (
	"bytes"
	"slices"

	"github.com/quantaseal/quantaseal/domain"
)

// outcomes tells how the attempt that a type of fact stands for always ends: the
// type decides it, so that a question about outcomes is one about types.
var outcomes = func() map[string]domain.Outcome {
	all := map[string]domain.Outcome{}
	for _, t := range domain.EventTypes() {
		e, err := domain.Decode(domain.Stored{Type: t, Payload: []byte("{}")})
		if err == nil {
			all[t.Name] = domain.OutcomeOf(e)
		}
	}
	return all
}()

// allTypes are the names of every fact there is.
var allTypes = func() []string {
	names := make([]string, 0, len(outcomes))
	for name := range outcomes {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}()

// types returns the names that f's types and outcome leave, and whether they
// leave out any.
func (f AuditFilter) types() (names []string, narrow bool) {
	if len(f.Types) == 0 && f.Outcome == AnyOutcome {
		return allTypes, false
	}
	wanted := f.Types
	if len(wanted) == 0 {
		wanted = allTypes
	}
	for _, name := range wanted {
		outcome, known := outcomes[name]
		failed := outcome != domain.Success
		if known && !slices.Contains(names, name) && (f.Outcome == AnyOutcome || failed == (f.Outcome == OnlyFailure)) {
			names = append(names, name)
		}
	}
	return names, true
}

// unique returns ids without repeats.
func unique(ids []domain.ID) []domain.ID {
	sorted := slices.SortedFunc(slices.Values(ids), func(a, b domain.ID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(sorted)
}
