package chain

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
)

// ErrUnreadable reports input that is no bundle of this version, or a line longer
// than MaxLine. It is no proof of tampering.
var ErrUnreadable = errors.New("chain: not a bundle that can be read")

// MaxLine is the greatest length of a bundle's line in bytes.
const MaxLine = 16 << 20

// ReadBundle reads a bundle's header and returns its records, in order, unverified;
// its anchor it reads over.
// It refuses what a BundleWriter would not have written: with ErrUnreadable, or,
// where a record or the number of records is damaged, with a Finding. An error is
// the last of the records. VerifyBundle says more about a damaged bundle.
func ReadBundle(r io.Reader) (BundleHeader, iter.Seq2[Record, error], error) {
	in := newLines(r)
	h, err := in.header()
	if err != nil {
		return BundleHeader{}, nil, err
	}
	return h, func(yield func(Record, error) bool) {
		for seq := h.FromSeq; ; {
			r, next, err := in.record(h, seq)
			if errors.Is(err, io.EOF) || !yield(r, err) || err != nil {
				return
			}
			seq = next
		}
	}, nil
}

// record reads the record that stands at a sequence number, and returns which comes
// next. After the last one it returns io.EOF.
func (l *lines) record(h BundleHeader, seq uint64) (r Record, next uint64, err error) {
	wrong := func(check int, detail string) (Record, uint64, error) {
		return Record{}, 0, fault{check, detail}.in(h.TenantID, seq)
	}
	b, err := l.next(nil)
	switch {
	case errors.Is(err, io.EOF) && seq != h.ToSeq+1:
		return wrong(23, "the bundle ends before the record")
	case err != nil:
		return Record{}, 0, err
	}
	if _, err := parseProof(b); err == nil && seq == h.ToSeq+1 {
		if _, err := l.next(nil); errors.Is(err, io.EOF) {
			return Record{}, 0, io.EOF
		}
		return wrong(5, "something follows the anchor")
	}
	e, err := parseEvent(b, nil)
	switch {
	case errors.Is(err, errUnknown):
		return Record{}, 0, fmt.Errorf("%w: %w", ErrUnreadable, err)
	case err != nil || e.broken:
		return wrong(1, errDamaged.Error())
	case e.seq > h.ToSeq || e.seq != seq && !follows(e, seq):
		return wrong(5, "the record stands in the wrong place")
	}
	return e.record, e.seq + 1, nil
}

// follows reports whether e says that everything from seq up to it is lost.
func follows(e event, seq uint64) bool {
	loss, ok := e.record.Loss()
	return ok && loss.From == seq && loss.To+1 == e.seq
}

// lines reads lines of up to MaxLine bytes.
type lines struct{ in *bufio.Reader }

func newLines(r io.Reader) *lines { return &lines{bufio.NewReaderSize(r, 1<<18)} }

// next appends the next line, without its newline, to b. After the last line it
// returns io.EOF.
func (l *lines) next(b []byte) ([]byte, error) {
	start := len(b)
	for {
		piece, err := l.in.ReadSlice('\n')
		b = append(b, piece...)
		switch {
		case len(b)-start > MaxLine:
			return b[:start], fmt.Errorf("%w: a line of more than %d bytes", ErrUnreadable, MaxLine)
		case err == nil:
			return b[:len(b)-1], nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(b) > start:
			return b, nil // the last line has lost its newline, and nothing else that matters
		case errors.Is(err, io.EOF):
			return b, io.EOF
		default:
			return b[:start], fmt.Errorf("reading a bundle: %w", err)
		}
	}
}

// header reads the first line.
func (l *lines) header() (BundleHeader, error) {
	b, err := l.next(nil)
	if err != nil && !errors.Is(err, io.EOF) {
		return BundleHeader{}, err
	}
	return parseBundleHeader(b)
}
