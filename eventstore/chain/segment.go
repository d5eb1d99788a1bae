package chain

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"
)

// Bounds of a segment: how much of a bundle is in memory at a time is three times
// twice as many bytes, and one line.
const (
	segmentLines = 1024
	segmentBytes = 4 << 20
	stride       = 8 // lines that a worker takes at a time
)

// segment is a run of a bundle's lines on their way through VerifyBundle.
type segment struct {
	raw   []byte // lines
	plain []byte // what they say; the place of a line's bytes is that of the line
	slots []slot
}

// slot is one line.
type slot struct {
	start, end int
	event      event
	err        error
	examined   examined
	step       step
	proof      *Proof // where the line holds an anchor and no record
	seq        uint64 // under which it is reported
}

// fill reads the next lines. It returns io.EOF with the last of them.
func (s *segment) fill(in *lines) error {
	s.raw, s.slots = s.raw[:0], s.slots[:0]
	for len(s.slots) < segmentLines && len(s.raw) < segmentBytes {
		start := len(s.raw)
		var err error
		if s.raw, err = in.next(s.raw); err != nil {
			s.plain = slices.Grow(s.plain[:0], len(s.raw))
			return err
		}
		s.slots = append(s.slots, slot{start: start, end: len(s.raw)})
	}
	s.plain = slices.Grow(s.plain[:0], len(s.raw))
	return nil
}

// decode reads line i and makes the checks that need nothing else.
func (s *segment) decode(i int) {
	t := &s.slots[i]
	if raw := s.raw[t.start:t.end]; bytes.HasPrefix(raw, []byte(anchorLine)) {
		t.proof, t.err = parseProof(raw)
		return
	}
	// base64 shrinks, so a line's bytes fit where the line stands
	t.event, t.err = parseEvent(s.raw[t.start:t.end], s.plain[t.start:t.start:t.end])
	if t.err == nil {
		t.examined = examine(t.event.record)
	}
}

// verify checks the signature of line i.
func (s *segment) verify(i int, fast bool) {
	if t := &s.slots[i]; t.err == nil && t.proof == nil {
		t.step.verify(&t.examined, fast)
	}
}

// link puts the lines in their places, one after the other. It returns errUnknown
// where it cannot go on, and cuts the segment there.
func (s *segment) link(v *Verifier) error {
	for i := range s.slots {
		t := &s.slots[i]
		if errors.Is(t.err, errUnknown) {
			s.slots = s.slots[:i]
			return t.err
		}
		e := &t.examined
		t.seq = v.seq(e)
		if t.proof != nil {
			continue
		}
		if t.err != nil {
			e.fault(1, t.err.Error())
			v.tear()
			continue
		}
		if e.parsed && t.event.seq != e.header.Seq {
			e.fault(14, "the line names another sequence number than its record")
		}
		t.step = v.link(e)
		v.move(e, t.step)
	}
	return nil
}

// work verifies the signatures of one segment and decodes the next on all workers,
// while a third is filled by the caller's goroutine. It returns fill's error.
func work(verify, decode, fill *segment, in *lines, workers int, fast bool) error {
	var next atomic.Int64
	var group sync.WaitGroup
	total := len(verify.slots) + len(decode.slots)
	for range min(workers, (total+stride-1)/stride) {
		group.Go(func() {
			for {
				to := int(next.Add(stride))
				for i := to - stride; i < min(to, total); i++ {
					if i < len(verify.slots) {
						verify.verify(i, fast)
					} else {
						decode.decode(i - len(verify.slots))
					}
				}
				if to >= total {
					return
				}
			}
		})
	}
	err := io.EOF
	if in != nil {
		err = fill.fill(in)
	}
	group.Wait()
	return err
}
