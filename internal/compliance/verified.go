package compliance

import (
	"fmt"
	"math/big"

	"github.com/quantaseal/quantaseal/domain"
)

// verified is what jobs found out about the chain and what is stored beside it, each
// the last time.
type verified struct {
	whole      Ref // the chain from its first fact on, and nothing was wrong
	gaps       int
	failed     Ref // it is not what was signed
	fault      string
	reconciled Ref
	rows       uint64
	mismatches int
	published  Ref // a checkpoint
}

func (v *verified) apply(f *Fact) {
	switch e := f.Event.(type) {
	case domain.AuditChainVerified:
		if e.From == 0 && e.BadLinks == 0 && e.BadSigs == 0 {
			v.whole, v.gaps = f.Ref, e.Gaps
		}
	case domain.ChainVerificationFailed:
		v.failed, v.fault = f.Ref, e.Fault
	case domain.ProjectionReconciled:
		v.reconciled, v.rows, v.mismatches = f.Ref, e.Rows, e.Mismatches
	case domain.CheckpointPublished:
		v.published = f.Ref
	}
}

// unresolved says what a verification found that no later one took back, or "".
func (v *verified) unresolved() string {
	switch {
	case v.failed.cited() && v.failed.Seq >= v.whole.Seq:
		return fmt.Sprintf("a verification found the chain altered (event %d, %s)", v.failed.Seq, v.fault)
	case v.gaps > 0:
		return "a verification found the chain to have lost events"
	}
	return ""
}

// chainIntact is QS-AUD-01. Whoever asks has read the chain verified; that it was
// found broken then counts before all else.
func (s *State) chainIntact(q question) finding {
	v := &s.log.verified
	switch {
	case s.broken != "":
		return rated(zero, 1, nil)
	case v.failed.cited() && v.unresolved() != "":
		return rated(zero, 1, []Ref{v.failed})
	case v.unresolved() != "":
		return rated(zero, 1, []Ref{v.whole})
	case !v.whole.cited():
		return absent()
	case v.whole.Time >= q.since("fresh_hours"):
		return rated(one, 1, nil)
	case v.whole.Time >= q.since("stale_hours"):
		return rated(half, 1, []Ref{v.whole})
	}
	return rated(zero, 1, []Ref{v.whole})
}

// witnessed is QS-AUD-02. No fact tells of a witness yet.
func (s *State) witnessed(q question) finding {
	published := s.log.verified.published
	if !published.cited() || published.Time < q.since("max_age_hours") {
		return absent()
	}
	return rated(half, 1, []Ref{published})
}

// stateEquals is QS-AUD-03.
func (s *State) stateEquals(q question) finding {
	v := &s.log.verified
	if !v.reconciled.cited() || v.reconciled.Time < q.since("max_age_days") {
		return absent()
	}
	rows := int64(min(max(v.rows, 1), 1<<53))
	bad := min(int64(max(v.mismatches, 0)), rows)
	var failing []Ref
	if bad > 0 {
		failing = []Ref{v.reconciled}
	}
	return rated(big.NewRat(rows-bad, rows), int(rows), failing)
}
