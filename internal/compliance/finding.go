package compliance

import (
	"math/big"
	"strings"
)

// Result is how a check came out.
type Result string

// The results.
const (
	Pass          Result = "pass"           // the ratio is 1
	Fail          Result = "fail"           // the ratio is 0
	PartlyPassed  Result = "partial"        // between the two
	NotApplicable Result = "not_applicable" // there is provably nothing to look at
	NoEvidence    Result = "no_evidence"    // what should have happened is not on record: ratio 0
)

// finding is what a check finds at an instant.
type finding struct {
	result     Result
	ratio      *big.Rat // from 0 to 1; nothing writes to it
	population int
	failing    []Ref  // the newest that are not in order
	more       int    // how many of these are not cited
	strength   string // of the evidence, where it is not the check's own
}

var (
	zero = new(big.Rat)
	one  = big.NewRat(1, 1)
	half = big.NewRat(1, 2)
)

// rated is the finding of a ratio over a population.
func rated(ratio *big.Rat, population int, failing []Ref) finding {
	f := finding{ratio: ratio, population: population, result: PartlyPassed}
	switch {
	case ratio.Cmp(one) >= 0:
		f.result, f.ratio = Pass, one
	case ratio.Sign() <= 0:
		f.result, f.ratio = Fail, zero
	}
	return f.citing(failing)
}

// share is the finding that so many of a population are in order. Of none it is
// not applicable.
func share(good, of int, failing []Ref) finding {
	if of == 0 {
		return finding{result: NotApplicable, ratio: zero}
	}
	return rated(big.NewRat(int64(good), int64(of)), of, failing)
}

// absent is the finding that nothing on record speaks to the check.
func absent() finding { return finding{result: NoEvidence, ratio: zero} }

// citing returns f with the failing facts it cites, the newest and in the order of
// the chain, so that the same facts are cited in the same order whatever map they
// were found in.
func (f finding) citing(failing []Ref) finding {
	var cited newest
	for i := range failing {
		cited.add(&failing[i])
	}
	f.failing, f.more = cited.list()
	return f
}

// shareOf is share with what was picked from a failing population already.
func shareOf(good, of int, failing newest) finding {
	f := share(good, of, nil)
	f.failing, f.more = failing.list()
	return f
}

func compare(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// question is a check asked at an instant, under the parameters of a framework.
type question struct {
	at     int64 // Unix microseconds
	params map[string]int64
	lists  map[string][]string
}

// count returns a parameter that is a number.
func (q question) count(name string) int64 { return q.params[name] }

// span returns a parameter that is a span of time, in microseconds. Its name ends
// with its unit.
func (q question) span(name string) int64 { return q.params[name] * spanOf(name) }

// since returns the instant that a parameter lies back.
func (q question) since(name string) int64 { return q.at - q.span(name) }

// spanOf returns how long one of a parameter's unit is, or 0 where it is no time.
func spanOf(name string) int64 {
	for _, unit := range []struct {
		suffix string
		span   int64
	}{{"_days", day}, {"_hours", hour}, {"_minutes", minute}, {"_s", second}} {
		if strings.HasSuffix(name, unit.suffix) {
			return unit.span
		}
	}
	return 0
}

// checks evaluates each check that facts of today can answer.
var checks = map[string]func(*State, question) finding{
	"QS-CRED-01": (*State).secretAge, "QS-CRED-02": (*State).afterExpiry, "QS-CRED-03": (*State).boundedLife,
	"QS-CRED-04": (*State).destroyed, "QS-CRED-05": (*State).inventory,
	"QS-CRYP-01": (*State).algorithms, "QS-CRYP-02": (*State).keyAge, "QS-CRYP-03": (*State).rootKey, "QS-CRYP-04": (*State).module,
	"QS-IAM-01": (*State).adminFactors, "QS-IAM-02": (*State).userFactors, "QS-IAM-03": (*State).lockout,
	"QS-IAM-04": (*State).passwords, "QS-IAM-05": (*State).sessionLife, "QS-IAM-06": (*State).idle,
	"QS-IAM-07": (*State).keyScopes, "QS-IAM-08": (*State).apiKeyAge, "QS-IAM-09": (*State).privilegeUse,
	"QS-IAM-10": (*State).pairedDuties, "QS-IAM-12": (*State).attributable, "QS-IAM-13": (*State).authorised,
	"QS-NET-01": (*State).networks,
	"QS-AUD-01": (*State).chainIntact, "QS-AUD-02": (*State).witnessed, "QS-AUD-03": (*State).stateEquals, "QS-AUD-07": (*State).clock,
	"QS-DATA-02": (*State).isolation, "QS-DATA-03": (*State).backups,
	"QS-AUD-04": (*State).retention, "QS-AUD-05": (*State).reviews, "QS-AUD-06": (*State).contents,
	"QS-RSP-01": (*State).lockdownHeld, "QS-RSP-02": (*State).revocations,
	"QS-GOV-01": (*State).exports,
}

// unseen are the checks whose facts nothing records yet: what they ask for is not
// known to hold, and so it counts as if it did not.
var unseen = []string{"QS-IAM-11", "QS-MON-01", "QS-MON-02", "QS-RSP-03", "QS-DATA-01", "QS-GOV-02"}
