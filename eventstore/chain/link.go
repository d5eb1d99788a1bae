package chain

import "fmt"

// step is what a record would make of the chain.
type step struct {
	next   State
	signer *PublicKey // whose signature it must bear; nil: nobody knows
	check  int        // which check the signature belongs to
	lost   *Loss      // what the record declares lost, rightly; nil: nothing
}

// verify checks e's signature. Fast leaves it at its length, but for key events.
func (s *step) verify(e *examined, fast bool) {
	switch {
	case s.signer == nil:
	case fast && !e.keyEvent() && len(e.record.Signature) == SignatureSize:
	default:
		e.verify(s.signer, s.check)
	}
}

// keyEvent reports whether e says which key signs, or claims to.
func (e *examined) keyEvent() bool {
	return e.recovery() || e.header.Flags&(FlagGenesis|FlagKeyEvent) != 0 ||
		e.header.EventType == TypeGenesis || e.header.EventType == TypeRotation
}

// recovery reports whether e goes on after a loss, or claims to.
func (e *examined) recovery() bool {
	return e.header.Flags&FlagRecovery != 0 || e.header.EventType == TypeRestored
}

// link checks e against the chain so far, and changes nothing.
func (v *Verifier) link(e *examined) step {
	s := step{next: v.state, signer: v.state.Key, check: 13}
	if !e.parsed {
		s.signer = nil
		s.next.Head.Next++
		s.next.Head.Hash = e.hash
		return s
	}
	h := &e.header
	s.next.Head = Head{Next: h.Seq + 1, Hash: e.hash, TimeUS: h.TimeUS}
	v.place(e)
	v.time(e)
	if v.past != nil {
		v.past.check(e)
	}
	if v.state.Key != nil {
		v.signer(e)
	}
	switch {
	case v.state.Head.Next == 0 && h.Seq != 0:
		e.fault(15, "the chain does not begin with its genesis, so no signature can be verified")
	case e.recovery():
		v.recovery(e, &s)
	case h.Seq == 0 || h.EventType == TypeGenesis:
		v.genesis(e, &s)
	case h.Flags&FlagKeyEvent != 0 || h.EventType == TypeRotation:
		v.rotation(e, &s)
	}
	return s
}

// place checks V3 to V6. Where a recovery stands is V18's to check.
func (v *Verifier) place(e *examined) {
	h, head := &e.header, &v.state.Head
	if h.LogID != v.policy.LogID && h.LogID != v.last.log {
		e.fault(3, "the record belongs to another deployment")
	}
	if h.Tenant != v.policy.Tenant && h.Tenant != v.last.tenant {
		e.fault(4, "the record belongs to another chain")
	}
	if e.recovery() && head.Next != 0 {
		return // V18
	}
	if h.Seq != head.Next {
		e.fault(5, fmt.Sprintf("the record stands where %d belongs", head.Next))
	}
	switch {
	case h.Seq == 0:
		if h.Prev != GenesisPrev(h.LogID, h.Tenant) {
			e.fault(6, "the genesis does not link to the log and the tenant")
		}
	case head.Next != 0 && !v.torn && h.Prev != head.Hash:
		e.fault(6, "the record does not link to the one before it")
	}
}

// time checks V7.
func (v *Verifier) time(e *examined) {
	if e.header.TimeUS < v.state.Head.TimeUS {
		e.fault(7, "the record is older than the one before it")
	}
	if v.policy.Now == nil {
		return
	}
	latest := uint64(max(0, v.policy.Now().Add(MaxAhead).UnixMicro()))
	if e.header.TimeUS > latest {
		e.fault(7, "the record is from the future")
	}
}

// signer checks V12 and V17.
func (v *Verifier) signer(e *examined) {
	h := &e.header
	if _, old := v.retired[h.SignerKeyID]; old {
		e.fault(17, "a key signed that was replaced before")
		return
	}
	switch {
	case h.SignerKeyID != v.state.Key.ID():
		e.fault(12, "another key than the active one is said to have signed")
	case h.KeyEpoch != v.state.KeyEpoch:
		e.fault(12, fmt.Sprintf("the key epoch is not %d", v.state.KeyEpoch))
	}
}

// move makes e the chain's last record, whatever is wrong with it.
func (v *Verifier) move(e *examined, s step) {
	if v.state.Key != nil && v.state.Key != s.next.Key {
		v.retired[v.state.Key.ID()] = struct{}{}
	}
	v.state, v.torn = s.next, false
	if s.lost != nil {
		v.lost = append(v.lost, Range{s.lost.From, s.lost.To})
	}
	if !e.parsed {
		return
	}
	v.last.log, v.last.tenant = e.header.LogID, e.header.Tenant
	if v.past != nil {
		v.past.add(&e.header)
	}
}

// tear moves on over a record of which nothing can be read.
func (v *Verifier) tear() {
	v.state.Head.Next++
	v.torn = true
}

// aggregate is an aggregate's kind and id.
type aggregate [17]byte

func aggregateOf(h *Header) (a aggregate) {
	a[0] = h.AggregateKind
	copy(a[1:], h.AggregateID[:])
	return a
}

// past is what V8 and V11 ask of all records before.
type past struct {
	ids      map[[16]byte]struct{}
	versions map[aggregate]uint64
	partial  bool // there are records before the first one seen
}

func newPast(partial bool) *past {
	return &past{ids: map[[16]byte]struct{}{}, versions: map[aggregate]uint64{}, partial: partial}
}

func (p *past) check(e *examined) {
	h := &e.header
	if _, twice := p.ids[h.EventID]; twice {
		e.fault(8, "the event id was used before")
	}
	if h.AggregateVersion != 0 {
		p.version(e)
	}
}

// version checks V11 of a record that changes its aggregate.
func (p *past) version(e *examined) {
	h := &e.header
	switch version, known := p.versions[aggregateOf(h)]; {
	case !known && p.partial:
	case h.AggregateVersion != version+1:
		e.fault(11, fmt.Sprintf("the aggregate's version is %d after %d", h.AggregateVersion, version))
	}
}

func (p *past) add(h *Header) {
	p.ids[h.EventID] = struct{}{}
	if h.AggregateVersion != 0 {
		p.versions[aggregateOf(h)] = h.AggregateVersion
	}
}
