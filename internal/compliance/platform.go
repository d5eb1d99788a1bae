package compliance

import (
	"maps"
	"math/big"
	"slices"

	"github.com/quantaseal/quantaseal/domain"
)

// Platform is what the system chain says of the platform beneath every tenant. It
// takes the facts of that chain one after the other, of which it keeps those of the
// platform, and answers for every instant. Make one with NewPlatform. It is not safe
// for several goroutines while one of them changes it.
type Platform struct {
	next   uint64
	head   domain.Digest
	broken string
	facts  map[string][]observed // by type, in order

	relied map[uint64]bool // the facts that a question was answered by; nil: nobody asks which
}

// observed is a fact of the platform.
type observed struct {
	Ref
	domain.PlatformEvent
}

// NewPlatform returns the platform before the first fact.
func NewPlatform() *Platform { return &Platform{facts: map[string][]observed{}} }

// Next returns the sequence number of the fact that p takes next.
func (p *Platform) Next() uint64 { return p.next }

// Head returns the hash of the last fact, zero before the first.
func (p *Platform) Head() domain.Digest { return p.head }

// Break says that the system chain was found altered: none of it is evidence then.
func (p *Platform) Break(what string) { p.broken = what }

// Broken reports whether the system chain was found altered.
func (p *Platform) Broken() bool { return p.broken != "" }

// Apply folds the next fact of the system chain.
func (p *Platform) Apply(f Fact) {
	p.next, p.head = f.Seq+1, f.Hash
	if e, ok := f.Event.(domain.PlatformEvent); ok {
		f.Platform = true
		p.facts[f.Type] = append(p.facts[f.Type], observed{f.Ref, e})
	}
}

// Clone returns a platform that goes on by itself.
func (p *Platform) Clone() *Platform {
	c := *p
	c.facts = make(map[string][]observed, len(p.facts))
	for kind, all := range p.facts {
		c.facts[kind] = slices.Clip(all) // whoever appends to it copies it
	}
	return &c
}

// relying returns s as it is judged, which notes on what facts of the platform its
// checks rely.
func (s *State) relying() *State {
	if s.platform == nil {
		return s
	}
	p := *s.platform
	p.relied = map[uint64]bool{}
	return s.On(&p)
}

// reliedOn returns the facts of the platform that checks relied on, by their sequence
// numbers, sorted.
func (s *State) reliedOn() []uint64 {
	if s.platform == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(s.platform.relied))
}

// On returns s as it is judged with what is known of the platform. Neither it nor s
// may change while the other is used.
func (s *State) On(p *Platform) *State {
	on := *s
	on.platform = p
	return &on
}

// latest returns the newest fact of the type of E that was recorded at an instant or
// before it, and that is good, unless it is older than since.
func latest[E domain.PlatformEvent](p *Platform, at, since int64, good func(E) bool) (E, Ref, bool) {
	var none E
	if p == nil || p.broken != "" {
		return none, Ref{}, false
	}
	for _, o := range slices.Backward(p.facts[none.EventType().Name]) {
		if o.Time > at {
			continue
		}
		if o.Time < since {
			break
		}
		if e, ok := o.PlatformEvent.(E); ok && good(e) {
			if p.relied != nil {
				p.relied[o.Seq] = true
			}
			return e, o.Ref, true
		}
	}
	return none, Ref{}, false
}

func always[E any](E) bool { return true }

// ever is an instant before all.
const ever = -1 << 62

// rootKey is QS-CRYP-03.
func (s *State) rootKey(q question) finding {
	k, ref, ok := latest(s.platform, q.at, q.since("max_attestation_age_days"), func(e domain.KMSAttested) bool { return e.ProbeOK })
	if !ok {
		return absent()
	}
	switch k.Custody {
	case domain.CustodyHSM, domain.CustodyCloudKMS:
		return rated(one, 1, nil)
	case domain.CustodyExternal:
		return rated(half, 1, []Ref{ref})
	}
	return rated(zero, 1, []Ref{ref})
}

// module is QS-CRYP-04.
func (s *State) module(q question) finding {
	e, ref, ok := latest(s.platform, q.at, ever, always[domain.PlatformStarted])
	switch {
	case !ok:
		return absent()
	case !e.FIPSMode || e.CryptoModuleCert == "":
		return rated(zero, 1, []Ref{ref})
	case len(e.AlgsOutsideModule) > 0:
		return rated(half, 1, []Ref{ref})
	}
	return rated(one, 1, nil)
}

// clock is QS-AUD-07.
func (s *State) clock(q question) finding {
	if _, _, ever := latest(s.platform, q.at, ever, always[domain.ClockSyncObserved]); !ever {
		return absent()
	}
	var failing []Ref
	good := int64(0)
	e, ref, ok := latest(s.platform, q.at, q.since("max_age_hours"), always[domain.ClockSyncObserved])
	switch {
	case ok && int64(max(e.OffsetMS, -e.OffsetMS)) <= q.count("max_offset_ms"):
		good++
	case ok:
		failing = append(failing, ref)
	}
	if _, bad, cited := s.log.order.since(q.since("window_days")); bad == 0 {
		good++
	} else {
		failing = append(failing, cited...)
	}
	return rated(big.NewRat(good, 2), 2, failing)
}

// isolation is QS-DATA-02.
func (s *State) isolation(q question) finding {
	e, ref, ok := latest(s.platform, q.at, q.since("cadence_days"), func(e domain.IsolationTested) bool { return e.Probes > 0 })
	if !ok {
		return absent()
	}
	var failing []Ref
	if e.Leaks > 0 {
		failing = append(failing, ref)
	}
	_, crossing, crossed := latest(s.platform, q.at, q.since("window_days"), func(e domain.CrossTenantAccess) bool {
		return e.TenantA == s.tenant || e.TenantB == s.tenant
	})
	if crossed {
		failing = append(failing, crossing)
	}
	if len(failing) > 0 {
		return rated(zero, e.Probes, failing)
	}
	return rated(one, e.Probes, nil)
}

// backups is QS-DATA-03.
func (s *State) backups(q question) finding {
	_, _, backedUp := latest(s.platform, q.at, ever, always[domain.BackupCompleted])
	tested, ref, restored := latest(s.platform, q.at, ever, always[domain.RestoreTested])
	if !backedUp && !restored {
		return absent()
	}
	good := int64(0)
	if _, _, ok := latest(s.platform, q.at, q.since("backup_max_hours"), func(e domain.BackupCompleted) bool { return e.Encrypted }); ok {
		good++
	}
	var failing []Ref
	if restored && (!tested.HeadMatch || !tested.RowsMatch) {
		failing = append(failing, ref)
	}
	_, _, ok := latest(s.platform, q.at, q.since("restore_max_days"), func(e domain.RestoreTested) bool { return e.HeadMatch && e.RowsMatch })
	if ok {
		good++
	}
	return rated(big.NewRat(good, 2), 2, failing)
}
