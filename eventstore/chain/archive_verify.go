package chain

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// ArchiveOptions say how VerifyArchive verifies.
type ArchiveOptions struct {
	LogID   *Hash            // pinned; nil: as the first bundle says
	Now     func() time.Time // nil: times are not compared with a clock (V7)
	Fast    bool             // leave out V13, but for key events
	Workers int              // goroutines; 0 = one a core
	Report  func(Finding)    // is told every finding; may be nil
}

// ArchiveSummary is what VerifyArchive says beside its findings.
type ArchiveSummary struct {
	Bundle     BundleHeader // of the first chain
	Chains     int
	Events     uint64
	Anchors    uint64
	Findings   int
	Unsigned   uint64     // records whose signature no known key could verify
	Lost       int        // ranges that chains say are lost
	Checkpoint Checkpoint // of all anchors; zero: there is none
	AnchoredAt uint64     // time of the newest anchor, Unix microseconds
}

// VerifyArchive verifies every chain of an archive as VerifyBundle does, and every
// anchor against all of them: that each chain held, where an anchor says that it ended,
// the record that the anchor names (V19); that the anchors commit to their leaves, which
// never go back (V20); that they follow one another (V21); that leaves are
// the tenants of the system chain (V22); that no chain ends before its leaf (V23); and
// that the checkpoint, which the root key signed, is of all of them (V24, V25).
//
// It needs what VerifyBundle needs for the greatest chain, and 32 bytes for each record.
// The error is as VerifyBundle's.
func VerifyArchive(ctx context.Context, r io.Reader, o ArchiveOptions) (ArchiveSummary, error) {
	a := &archiveVerifier{options: o, chains: map[uint32]*archived{}, places: map[uint32][16]byte{}}
	in := &sections{in: bufio.NewReaderSize(r, 1<<18)}
	for in.next() {
		if err := a.chain(ctx, in); err != nil {
			return a.summary, err
		}
	}
	if a.summary.Chains == 0 {
		return a.summary, fmt.Errorf("%w: it does not begin as an archive", ErrUnreadable)
	}
	tail := &lines{in: in.in}
	for {
		b, err := tail.next(nil)
		switch {
		case errors.Is(err, io.EOF):
			a.end()
			return a.summary, nil
		case err != nil:
			return a.summary, err
		}
		if err := ctx.Err(); err != nil {
			return a.summary, fmt.Errorf("verifying an archive: %w", err)
		}
		a.line(b)
	}
}

// archiveVerifier is one run of VerifyArchive.
type archiveVerifier struct {
	options  ArchiveOptions
	summary  ArchiveSummary
	root     *PublicKey
	chains   map[uint32]*archived // by place
	places   map[uint32][16]byte  // that the system chain gave
	given    []place              // the same, in its order
	heads    Heads
	leaves   []Leaf
	newest   Anchor
	edge     [64]Hash // complete subtrees of the AnchorsTree, by level
	note     string
	finished bool // the checkpoint was read
}

// place is one that the system chain gave in its record seq.
type place struct {
	index uint32
	seq   uint64
}

// chain verifies the next bundle.
func (a *archiveVerifier) chain(ctx context.Context, in *sections) error {
	c := &archived{}
	s, err := VerifyBundle(ctx, in, Options{
		LogID: a.options.LogID, Now: a.options.Now, Fast: a.options.Fast, Workers: a.options.Workers, Report: a.options.Report,
		Seen: func(h *Header, hash Hash, r Record) {
			c.add(h, hash, r)
			if h.Tenant == [16]byte{} {
				a.register(h, r)
			}
		},
	})
	a.summary.Findings += s.Findings
	a.summary.Events += s.Events
	a.summary.Unsigned += s.Unsigned
	a.summary.Lost += len(s.Lost)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, in); err != nil { // it stops after many findings
		return fmt.Errorf("reading an archive: %w", err)
	}
	if a.summary.Chains++; a.summary.Chains == 1 {
		a.summary.Bundle = s.Bundle
		a.options.LogID = &s.Bundle.LogID // all chains are of one log
		if a.root, err = ParsePublicKey(s.Bundle.RootPublicKey); err != nil {
			return fmt.Errorf("%w: %w", ErrUnreadable, err)
		}
		if s.Bundle.TenantID != [16]byte{} {
			a.tell(s.Bundle.TenantID, 0, 22, "the archive does not begin with the system chain")
		}
	}
	c.tenant = s.Bundle.TenantID
	index := s.End.State.TenantIndex
	if _, twice := a.chains[index]; twice {
		a.tell(c.tenant, 0, 15, "two chains of the archive have one place")
	}
	a.chains[index] = c
	return nil
}

// register takes the place that a record of the system chain gives.
func (a *archiveVerifier) register(h *Header, r Record) {
	if h.EventType != "TENANT_ADDED" && h.EventType != "TENANT_LOST" {
		return
	}
	var p struct {
		TenantID    string `json:"tenant_id"`
		TenantIndex uint32 `json:"tenant_index"`
	}
	id, ok := [16]byte{}, false
	if json.Unmarshal(r.Payload, &p) == nil {
		id, ok = ParseUUID(p.TenantID)
	}
	if !ok || uint64(p.TenantIndex) != h.AggregateVersion {
		a.tell(h.Tenant, h.Seq, 22, "the record gives no place")
		return
	}
	a.places[p.TenantIndex] = id
	a.given = append(a.given, place{p.TenantIndex, h.Seq})
}

// line takes a line that follows the chains.
func (a *archiveVerifier) line(b []byte) {
	if anchor, leaves, ok := parseHeads(b); ok && !a.finished {
		a.anchor(anchor, leaves)
		return
	}
	note, ok := parseCheckpointLine(b)
	if !ok || a.finished {
		a.tell([16]byte{}, 0, 21, fmt.Sprintf("the line after anchor %d is none of an archive", a.summary.Anchors))
		return
	}
	a.note, a.finished = note, true
}

// anchor checks the next anchor and its leaves.
func (a *archiveVerifier) anchor(n Anchor, leaves []Leaf) {
	wrong := func(check int, detail string) { a.tell([16]byte{}, n.Number, check, "anchor: "+detail) }
	if n.LogID != a.summary.Bundle.LogID {
		wrong(3, "it is of another log")
	}
	first := a.summary.Anchors == 0
	switch {
	case n.Number != a.summary.Anchors:
		wrong(21, fmt.Sprintf("it stands where %d belongs", a.summary.Anchors))
	case first && !n.Prev.IsZero(), !first && n.Prev != a.newest.Hash():
		wrong(21, "it does not link to the one before it")
	case n.TimeUS < a.newest.TimeUS:
		wrong(21, "it is older than the one before it")
	}
	for _, l := range leaves {
		a.leaf(l)
	}
	total := uint64(0)
	for _, l := range a.leaves {
		total += l.Next
	}
	if uint64(n.Tenants) != a.heads.Len() || n.HeadsRoot != a.heads.Root() {
		wrong(20, "its leaves are not what it commits to")
	}
	if n.TotalEvents != total {
		wrong(21, "its leaves have not as many events as it says")
	}
	node, level := n.TreeHash(), 0
	for at := a.summary.Anchors; at&1 == 1; at, level = at>>1, level+1 {
		node = AnchorsTree.Node(a.edge[level], node)
	}
	a.edge[level] = node
	a.summary.Anchors++
	a.newest, a.summary.AnchoredAt = n, n.TimeUS
}

// leaf takes a leaf that changed, and compares it with its chain.
func (a *archiveVerifier) leaf(l Leaf) {
	wrong := func(check int, detail string) { a.tell(l.Tenant, max(l.Next, 1)-1, check, detail) }
	if int(l.Index) < len(a.leaves) {
		switch before := a.leaves[l.Index]; {
		case l.Tenant != before.Tenant:
			wrong(20, "a place was given to another tenant")
		case l.Next < before.Next:
			wrong(20, fmt.Sprintf("a chain of %d records was anchored with %d later", before.Next, l.Next))
		case before.Closed && !l.Closed:
			wrong(20, "a chain that was closed is open again")
		}
	}
	if !a.heads.Set(l) {
		wrong(20, "a leaf stands behind a gap")
		return
	}
	if int(l.Index) == len(a.leaves) {
		a.leaves = append(a.leaves, l)
	}
	a.leaves[l.Index] = l
	if place, ok := a.places[l.Index]; l.Index > 0 && (!ok || place != l.Tenant) || l.Index == 0 && l.Tenant != [16]byte{} {
		wrong(22, "the system chain gave this place to nobody, or to another tenant")
	}
	c := a.chains[l.Index]
	switch {
	case l.Next == 0:
	case l.Closed: // given up; its place says so
	case c == nil || c.tenant != l.Tenant:
		wrong(23, "the chain was anchored, and is missing")
	case l.Next > uint64(len(c.hashes)):
		wrong(23, fmt.Sprintf("the chain was anchored with %d records, and has %d", l.Next, len(c.hashes)))
	case !c.holds(l):
		wrong(19, "the record is not the one that was anchored as the end of its chain")
	}
}

// end checks the whole.
func (a *archiveVerifier) end() {
	if a.summary.Anchors == 0 {
		return
	}
	covered := uint64(0) // of the system chain
	if len(a.leaves) > 0 {
		covered = a.leaves[0].Next
	}
	for _, p := range a.given {
		if p.seq < covered && int(p.index) >= len(a.leaves) {
			a.tell(a.places[p.index], 0, 22, "the system chain gave the tenant a place, and the newest anchor has no leaf there")
		}
	}
	if !a.finished {
		a.tell([16]byte{}, 0, 25, "the archive has anchors and no checkpoint")
		return
	}
	c, err := OpenCheckpoint(a.note, a.summary.Bundle.Origin, a.root)
	if err != nil {
		a.tell([16]byte{}, 0, 25, "the checkpoint is not one that the root key signed for this log")
		return
	}
	root, _ := AnchorsTree.Root(a.summary.Anchors, func(level int, _ uint64) (Hash, error) { return a.edge[level], nil })
	if c.Size != a.summary.Anchors || c.Root != root {
		a.tell([16]byte{}, 0, 24, fmt.Sprintf("the checkpoint of %d anchors is not that of the %d here", c.Size, a.summary.Anchors))
		return
	}
	a.summary.Checkpoint = c
}

func (a *archiveVerifier) tell(tenant [16]byte, seq uint64, check int, detail string) {
	if a.options.Report != nil && a.summary.Findings < MaxFindings {
		a.options.Report(fault{check, detail}.in(tenant, seq))
	}
	a.summary.Findings++
}
