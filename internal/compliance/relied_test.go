package compliance_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/compliance"
)

// part folds the facts of the platform that are among some.
func part(facts []compliance.Fact, seqs []uint64) *compliance.Platform {
	p := compliance.NewPlatform()
	for _, f := range facts {
		if slices.Contains(seqs, f.Seq) {
			p.Apply(f)
		}
	}
	return p
}

// From the facts of the platform that an assessment names, and no other, it comes out
// the same: however many newer ones of the kind say nothing to the checks.
func TestRelyingOnThePlatform(t *testing.T) {
	c := load(t)
	rapid.Check(t, func(rt *rapid.T) {
		s := tell(t)
		s.seals(1, user(ada), 300)
		state := folded(s.facts)
		var facts []compliance.Fact
		kinds := []domain.Event{
			domain.KMSAttested{Custody: domain.CustodyHSM, ProbeOK: true},
			domain.KMSAttested{},
			domain.IsolationTested{Probes: 9},
			domain.IsolationTested{},
			domain.IsolationTested{Probes: 9, Leaks: 1},
			domain.CrossTenantAccess{TenantA: tenant},
			domain.CrossTenantAccess{},
			domain.BackupCompleted{},
			domain.BackupCompleted{Encrypted: true},
			domain.RestoreTested{HeadMatch: true, RowsMatch: true},
			domain.RestoreTested{},
			domain.ClockSyncObserved{OffsetMS: 9},
			domain.ClockSyncObserved{OffsetMS: 1 << 30},
			domain.PlatformStarted{FIPSMode: true, CryptoModuleCert: "A1"},
			domain.PlatformStarted{},
		}
		whole, now := compliance.NewPlatform(), s.now
		for range rapid.IntRange(0, 12).Draw(rt, "stretches") {
			e := rapid.SampledFrom(kinds).Draw(rt, "kind")
			for range rapid.SampledFrom([]int{1, 1, 2, 40}).Draw(rt, "times") {
				now = now.Add(time.Duration(rapid.Int64Range(0, int64(2*day)).Draw(rt, "pause")))
				n := uint64(len(facts) + 1) // the genesis is no fact of the platform
				facts = append(facts, compliance.Fact{Ref: compliance.Ref{Seq: n, Type: e.EventType().Name, Time: now.UnixMicro(), Hash: domain.Digest{byte(n)}}, Event: e})
				whole.Apply(facts[len(facts)-1])
			}
		}
		at := now.Add(-time.Duration(rapid.Int64Range(0, int64(5*day)).Draw(rt, "back"))).UnixMicro()
		at = max(at, state.Last())
		for i := range c.Frameworks {
			f := &c.Frameworks[i]
			all := state.On(whole).Assess(c, f, at)
			few := state.On(part(facts, all.Platform)).Assess(c, f, at)
			want, err := all.Digest()
			if err != nil {
				rt.Fatal(err)
			}
			if got, err := few.Digest(); err != nil || got != want || !slices.Equal(few.Platform, all.Platform) {
				rt.Fatalf("%s from %v alone is %v, from all %v; it relies on %v then: %v", f.ID, all.Platform, few.ScoreExact, all.ScoreExact, few.Platform, err)
			}
			if len(all.Platform) > 8 { // no check asks for more than three
				rt.Fatalf("%s relies on %v", f.ID, all.Platform)
			}
		}
	})
}
