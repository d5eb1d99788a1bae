package chain

import "hash/fnv"

// Follow makes every check on the next record but that of its signature, and moves
// on whatever is wrong with it. The caller must still call Verify on the answer, on
// any goroutine; of a record that cannot be read that finds nothing more.
func (v *Verifier) Follow(r Record) (Linked, []Finding) {
	e := examine(r)
	s := v.link(&e)
	found := e.findings(v.policy.Tenant, v.seq(&e))
	v.move(&e, s)
	return Linked{Header: e.header, Hash: e.hash, record: r, step: s, fast: v.policy.Fast}, found
}

// Repeats checks V8 and V11 on a share of a chain, for a Verifier that remembers
// nothing: of as many as there are shares, one remembers as many times less. It is
// for one goroutine at a time.
type Repeats struct {
	past      *past
	share, of uint32
}

// NewRepeats returns the check of one share, from 0 to of-1.
func NewRepeats(share, of uint32) *Repeats {
	return &Repeats{past: newPast(false), share: share, of: max(of, 1)}
}

// Check takes the next record of the chain, and returns what is wrong with it of
// what falls to the share.
func (p *Repeats) Check(h *Header) []Finding {
	e := examined{header: *h, parsed: true}
	if p.mine(h.EventID[:]) {
		if _, twice := p.past.ids[h.EventID]; twice {
			e.fault(8, "the event id was used before")
		}
		p.past.ids[h.EventID] = struct{}{}
	}
	if a := aggregateOf(h); h.AggregateVersion != 0 && p.mine(a[:]) {
		p.past.version(&e)
		p.past.versions[a] = h.AggregateVersion
	}
	return e.findings(h.Tenant, h.Seq)
}

func (p *Repeats) mine(id []byte) bool {
	if p.of == 1 {
		return true
	}
	sum := fnv.New32a()
	_, _ = sum.Write(id) // a hash never fails to write
	return sum.Sum32()%p.of == p.share
}
