package chain

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// sections cuts an archive into the bundles of its chains, and what follows them.
type sections struct {
	in    *bufio.Reader
	rest  []byte // of the piece that was read last
	begun bool   // of the section, something was read
	mid   bool   // the next byte is not the first of its line
}

// next begins the next bundle, or reports that there is none.
func (s *sections) next() bool {
	s.begun = false
	begin, _ := s.in.Peek(len(bundleLine))
	return string(begin) == bundleLine
}

// ends reports whether another section begins here.
func (s *sections) ends() bool {
	for _, begin := range []string{bundleLine, headsLine, checkpointLine} {
		if b, _ := s.in.Peek(len(begin)); string(b) == begin {
			return true
		}
	}
	return false
}

// Read implements io.Reader: it ends where the next section begins.
func (s *sections) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		if s.begun && !s.mid && s.ends() {
			return 0, io.EOF
		}
		piece, err := s.in.ReadSlice('\n')
		s.rest, s.begun, s.mid = piece, true, !bytes.HasSuffix(piece, []byte("\n"))
		if len(piece) == 0 || err != nil && !errors.Is(err, bufio.ErrBufferFull) && !errors.Is(err, io.EOF) {
			return 0, err
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// archived is a chain of an archive.
type archived struct {
	tenant [16]byte
	hashes []Hash // of its records, by sequence number; zero: lost
	lost   []Loss
}

// maxGap is the longest loss over which hashes are kept by their sequence numbers.
const maxGap = 1 << 24

func (c *archived) add(h *Header, hash Hash, r Record) {
	next := uint64(len(c.hashes))
	if loss, ok := r.Loss(); ok && loss.From == next && h.Seq == loss.To+1 && h.Seq-next <= maxGap {
		c.lost = append(c.lost, loss)
		c.hashes = append(c.hashes, make([]Hash, h.Seq-next)...)
		c.hashes[loss.To] = loss.Lost
		next = h.Seq
	}
	if h.Seq == next {
		c.hashes = append(c.hashes, hash)
	}
}

// holds reports whether the chain ended, once, as a leaf says. Of what is lost only the
// last record's hash is known.
func (c *archived) holds(l Leaf) bool {
	if l.Next > uint64(len(c.hashes)) {
		return false
	}
	hash := c.hashes[l.Next-1]
	return hash == l.Hash || hash.IsZero()
}
