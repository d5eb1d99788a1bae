package chain

import "time"

// MaxAhead is how far a record's time may lie in the future (check V7): clocks
// differ.
const MaxAhead = 5 * time.Minute

// Policy is what a verifier trusts and asks for.
type Policy struct {
	LogID  Hash             // of the deployment (V3)
	Root   *PublicKey       // certifies the audit keys (V15, V16); required
	Tenant [16]byte         // whose chain (V4)
	Now    func() time.Time // nil: times are not compared with a clock (V7)
	Fast   bool             // leave out V13, but for key events
}

// State is where a chain stands after a record.
type State struct {
	Head        Head
	Key         *PublicKey // active: signs the record to come; nil before the first
	KeyEpoch    uint64     // of Key; 0 before the first
	TenantIndex uint32     // of the chain; 0 for a tenant's: not known, and not compared (V16)
}

// Verifier verifies one chain in order, record by record. It is for one goroutine
// at a time.
type Verifier struct {
	policy  Policy
	state   State
	past    *past             // nil: somebody else sees to V8 and V11
	retired map[Hash]struct{} // keys that signed before the active one
	last    struct {          // what a wrong record said, so that a run of them is one finding
		log    Hash
		tenant [16]byte
	}
	lost []Range // that recoveries declared
	torn bool    // the record before cannot be read, so nothing can be said of the link to it
}

// NewVerifier returns a Verifier for a chain from its genesis on. It remembers
// every event id (V8) and the version of every aggregate (V11): up to 120 bytes a
// record.
func NewVerifier(p Policy) *Verifier { return newVerifier(p, State{}, newPast(false)) }

// NewVerifierAt returns a Verifier that goes on from a state that was verified
// before. It remembers nothing, so V8 and V11 are left to the store, which holds
// them as unique constraints, and of V17 it knows the keys that it sees retire.
func NewVerifierAt(p Policy, s State) *Verifier { return newVerifier(p, s, nil) }

func newVerifier(p Policy, s State, past *past) *Verifier {
	v := &Verifier{policy: p, state: s, past: past, retired: map[Hash]struct{}{}}
	v.last.log, v.last.tenant = p.LogID, p.Tenant
	return v
}

// Range is a run of sequence numbers, both ends included.
type Range struct{ From, To uint64 }

// Lost returns the ranges that the chain itself says are lost, in order (V18).
func (v *Verifier) Lost() []Range { return v.lost }

// State returns where the chain stands after the last record that passed.
func (v *Verifier) State() State { return v.state }

// Check makes every check on the next record. The error is the first Finding,
// after which the Verifier stands where it stood.
func (v *Verifier) Check(r Record) (Header, error) {
	e := examine(r)
	s := v.link(&e)
	if len(e.faults) == 0 {
		s.verify(&e, v.policy.Fast)
	}
	return v.finish(&e, s)
}

// Link makes every check on the next record but that of its signature, and moves
// on. The caller must still call Verify on the answer, on any goroutine. The error
// is the first Finding, after which the Verifier stands where it stood.
func (v *Verifier) Link(r Record) (Linked, error) {
	e := examine(r)
	s := v.link(&e)
	h, err := v.finish(&e, s)
	return Linked{Header: h, Hash: e.hash, record: r, step: s, fast: v.policy.Fast}, err
}

// finish moves on unless there is a fault.
func (v *Verifier) finish(e *examined, s step) (Header, error) {
	if len(e.faults) > 0 {
		return Header{}, e.first(v.policy.Tenant, v.seq(e))
	}
	v.move(e, s)
	return e.header, nil
}

// seq returns the sequence number under which e is reported.
func (v *Verifier) seq(e *examined) uint64 {
	if e.parsed {
		return e.header.Seq
	}
	return v.state.Head.Next
}

// Linked is a record in its place, whose signature is not yet verified.
type Linked struct {
	Header Header
	Hash   Hash
	record Record
	step   step
	fast   bool
}

// Verify checks the signature (V13, or V16 for a key event) under the key that
// was active, and returns the Finding, if any. It costs about 20 µs.
func (l *Linked) Verify() error {
	e := examined{record: l.record, header: l.Header}
	l.step.verify(&e, l.fast)
	return e.first(l.Header.Tenant, l.Header.Seq)
}
