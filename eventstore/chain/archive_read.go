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
