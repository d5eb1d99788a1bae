package chain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"time"
)

// MaxFindings is after how many findings VerifyBundle stops.
const MaxFindings = 1000

// ErrMisused reports a bundle that does not begin where Options ask for, or a
// receipt for a record that the bundle does not reach back to.
var ErrMisused = errors.New("chain: the bundle does not answer the question")

// Verified is what is known of a chain after a verification, for the next one to
// begin with.
type Verified struct {
	LogID  Hash
	Pinned bool // LogID was given, not taken from the bundle
	Tenant [16]byte
	State  State
	// Checkpoint is the newest that is known to go on from all before it; zero = none.
	Checkpoint Checkpoint
}

// Options say how VerifyBundle verifies.
type Options struct {
	LogID    *Hash            // pinned; nil: as the bundle says, or From
	Receipts []Receipt        // that the chain must honour (V28)
	From     *Verified        // where an earlier run ended; nil: the genesis
	Now      func() time.Time // nil: times are not compared with a clock (V7)
	Fast     bool             // leave out V13, but for key events
	Workers  int              // goroutines; 0 = one a core
	Report   func(Finding)    // is told every finding, in the order of the records; may be nil
	// Seen is shown every record whose header can be read, in their order, whatever is
	// wrong with it; nil = nobody looks. What it is shown is valid until it returns.
	Seen func(h *Header, hash Hash, r Record)
}

// Summary is what VerifyBundle says beside its findings.
type Summary struct {
	Bundle    BundleHeader
	Events    uint64   // lines that hold, or should hold, a record
	Findings  int      // told to Report; 0: the bundle is what was written and signed
	Unsigned  uint64   // records whose signature no known key could verify
	Stopped   bool     // at MaxFindings; the rest was not looked at
	Continued bool     // from Options.From
	Lost      []Range  // what the chain itself says is lost, by authority of the root key (V18)
	Anchored  Anchored // how the end of the chain is anchored; zero: the bundle does not show it
	Unlinked  bool     // nothing shows that its checkpoint goes on from Options.From.Checkpoint (V27)
	End       Verified // where the chain stands; worth something if there are no findings
}

// VerifyBundle verifies the chain in a bundle: V1 to V18, but of V14 only the
// sequence numbers of the lines and of V15 not the place among the heads; that no
// record of the range is missing at the end (V23); and the receipts (V28). Where the
// bundle ends with an anchor it verifies that the chain ended there (V21, V23, V24),
// that the root key signed the checkpoint (V25), and that this goes on from the one
// of Options.From (V27). After a finding it goes on from the record as it is, so that
// each tampering is found.
//
// A header that contradicts itself or a pin is a finding. The error is for what is
// no tampering: ErrUnreadable, ErrMisused, the end of ctx or a fault of r. Findings
// may have been reported before it.
//
// It works on all cores: a record costs about 25 µs, 10 µs if fast, divided by the
// cores. It needs some 50 MB of memory and, for V8 and V11, up to 120 bytes for
// each record. From the middle of a chain V8 and V11 see only what follows.
func VerifyBundle(ctx context.Context, r io.Reader, o Options) (Summary, error) {
	in := newLines(r)
	h, err := in.header()
	if err != nil {
		return Summary{}, err
	}
	root, err := ParsePublicKey(h.RootPublicKey)
	if err != nil {
		return Summary{}, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	b := &bundleVerifier{options: o, summary: Summary{Bundle: h}, root: root}
	if err := b.begin(); err != nil {
		return b.summary, err
	}
	if err := b.run(ctx, in); err != nil {
		return b.summary, err
	}
	b.end()
	return b.summary, nil
}

// bundleVerifier is one run of VerifyBundle.
type bundleVerifier struct {
	options  Options
	summary  Summary
	verifier *Verifier
	receipts map[uint64][]Hash // still to be met
	root     *PublicKey
	proof    *Proof // the bundle's last line, if that is an anchor
	state    State  // to begin with
}

// begin checks the header, and whether the bundle begins where it should.
func (b *bundleVerifier) begin() error {
	h, o := &b.summary.Bundle, &b.options
	b.receipts = map[uint64][]Hash{}
	for _, r := range o.Receipts {
		b.receipts[r.Seq] = append(b.receipts[r.Seq], r.Hash)
	}
	if err := b.resume(); err != nil {
		return err
	}
	for seq := range b.receipts {
		if seq < h.FromSeq {
			return fmt.Errorf("%w: there is a receipt for %d, and it begins at %d", ErrMisused, seq, h.FromSeq)
		}
	}
	if LogID(h.Origin, h.RootPublicKey, h.CreatedUS, h.Nonce) != h.LogID {
		b.fault(3, "the log id is not that of the bundle's origin, root key, time and nonce")
	}
	if o.LogID != nil && *o.LogID != h.LogID || o.From != nil && o.From.LogID != h.LogID {
		b.fault(3, "the bundle is of another log than the one that is trusted")
	}
	pinned := o.LogID != nil || o.From != nil && o.From.Pinned
	b.summary.End = Verified{LogID: h.LogID, Pinned: pinned, Tenant: h.TenantID}
	p := Policy{LogID: h.LogID, Root: b.root, Tenant: h.TenantID, Now: o.Now, Fast: o.Fast}
	b.verifier = newVerifier(p, b.state, newPast(b.summary.Continued))
	return nil
}

// resume takes up where an earlier run ended. A bundle that begins at the genesis
// is verified anew, and must lead through that place.
func (b *bundleVerifier) resume() error {
	h, from := &b.summary.Bundle, b.options.From
	if from == nil {
		from = &Verified{Tenant: h.TenantID}
	}
	next := from.State.Head.Next
	switch {
	case from.Tenant != h.TenantID:
		return fmt.Errorf("%w: the earlier run was about another chain", ErrMisused)
	case h.FromSeq == next:
		b.state, b.summary.Continued = from.State, next > 0
	case h.FromSeq == 0:
		b.receipts[next-1] = append(b.receipts[next-1], from.State.Head.Hash)
	default:
		return fmt.Errorf("%w: it begins at %d, and what is verified ends before %d", ErrMisused, h.FromSeq, next)
	}
	return nil
}

// run verifies every line.
func (b *bundleVerifier) run(ctx context.Context, in *lines) error {
	workers := b.options.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	var stuck error
	verify, decode, fill := &segment{}, &segment{}, &segment{}
	for !b.summary.Stopped {
		err := work(verify, decode, fill, in, workers, b.options.Fast)
		if err != nil {
			in = nil
			if !errors.Is(err, io.EOF) {
				stuck = err
			}
		}
		b.report(verify)
		verify.slots = verify.slots[:0]
		if err := decode.link(b.verifier); err != nil {
			in, fill.slots, stuck = nil, fill.slots[:0], fmt.Errorf("%w: %w", ErrUnreadable, err)
		}
		verify, decode, fill = decode, fill, verify
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("verifying a bundle: %w", err)
		}
		if in == nil && len(verify.slots)+len(decode.slots) == 0 {
			break
		}
	}
	return stuck
}

// report tells what was found in s, and compares it with the receipts.
func (b *bundleVerifier) report(s *segment) {
	for i := range s.slots {
		t := &s.slots[i]
		if t.proof != nil && b.proof == nil {
			b.proof = t.proof
			continue
		}
		b.summary.Events++
		if b.proof != nil {
			t.examined.fault(5, "something follows the anchor")
		}
		if t.err == nil && t.proof == nil && t.step.signer == nil {
			b.summary.Unsigned++
		}
		if b.options.Seen != nil && t.err == nil && t.examined.parsed {
			b.options.Seen(&t.examined.header, t.examined.hash, t.event.record)
		}
		if hashes, ok := b.receipts[t.seq]; ok && t.err == nil {
			for _, hash := range hashes {
				if hash != t.examined.hash {
					t.examined.fault(28, "the record is not the one of the receipt")
				}
			}
			delete(b.receipts, t.seq)
		}
		if len(t.examined.faults) == 0 {
			continue
		}
		for _, f := range t.examined.findings(b.summary.Bundle.TenantID, t.seq) {
			if !b.tell(f) {
				return
			}
		}
	}
}

// end compares what was read with what was promised.
func (b *bundleVerifier) end() {
	h := &b.summary.Bundle
	b.summary.End.State, b.summary.Lost = b.verifier.State(), b.verifier.Lost()
	if b.summary.Stopped {
		return
	}
	switch next := b.verifier.state.Head.Next; {
	case next < h.ToSeq+1:
		b.tell(fault{23, fmt.Sprintf("the bundle ends here, and promised records up to %d", h.ToSeq)}.in(h.TenantID, next))
	case next > h.ToSeq+1:
		b.tell(fault{5, fmt.Sprintf("the bundle goes on here, and promised records up to %d", h.ToSeq)}.in(h.TenantID, h.ToSeq+1))
	}
	for _, seq := range slices.Sorted(maps.Keys(b.receipts)) {
		b.tell(fault{28, b.missing(seq)}.in(h.TenantID, seq))
	}
	b.anchor()
}

// missing says why there is no record to a receipt.
func (b *bundleVerifier) missing(seq uint64) string {
	for _, r := range b.summary.Lost {
		if r.From <= seq && seq <= r.To {
			return fmt.Sprintf("the record of the receipt is lost, with %d to %d", r.From, r.To)
		}
	}
	return "the record of the receipt is missing"
}

// anchor verifies what the bundle's last line says of the record before it.
func (b *bundleVerifier) anchor() {
	h, s := &b.summary.Bundle, &b.verifier.state
	before := Checkpoint{}
	if b.options.From != nil {
		before = b.options.From.Checkpoint
	}
	b.summary.End.Checkpoint = before
	if b.proof == nil {
		b.summary.Unlinked = before.Size > 0
		return
	}
	leaf := Leaf{Index: s.TenantIndex, Tenant: h.TenantID, Next: s.Head.Next, Hash: s.Head.Hash}
	if s.Key == nil || leaf.Index == 0 && h.TenantID != [16]byte{} {
		leaf.Index = b.proof.TenantIndex // nothing certifies another
	}
	a, faults := b.proof.check(h, b.root, leaf)
	if len(faults) == 0 && before.Size > 0 {
		var told bool
		told, faults = b.proof.follows(a.Checkpoint, before)
		b.summary.Unlinked = !told
	}
	for _, f := range faults {
		b.tell(f.in(h.TenantID, max(s.Head.Next, 1)-1))
	}
	if len(faults) > 0 {
		return
	}
	if b.summary.Anchored = a; !b.summary.Unlinked {
		b.summary.End.Checkpoint = a.Checkpoint
	}
}

// fault tells a finding about the bundle as a whole.
func (b *bundleVerifier) fault(check int, detail string) {
	b.tell(fault{check, detail}.in(b.summary.Bundle.TenantID, b.summary.Bundle.FromSeq))
}

// tell reports f, and whether there may be another.
func (b *bundleVerifier) tell(f Finding) bool {
	if b.summary.Stopped {
		return false
	}
	if b.options.Report != nil {
		b.options.Report(f)
	}
	b.summary.Findings++
	b.summary.Stopped = b.summary.Findings >= MaxFindings
	return !b.summary.Stopped
}
