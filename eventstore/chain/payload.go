package chain

import (
	"errors"
	"unicode/utf8"
)

// ErrBadPayload reports a payload that two readers might read differently.
var ErrBadPayload = errors.New("chain: the payload is not strict JSON")

const (
	maxInteger = 1 << 53 // the greatest whole number that every JSON reader keeps
	maxDepth   = 64
)

// CheckPayload verifies that every reader of payload sees the same (check V9).
// Under ContentJSON it must be an object of I-JSON (RFC 7493) in valid UTF-8: no
// duplicate names, however they are escaped, no lone surrogates, nothing after the
// object, at most 64 levels, and only whole numbers from -2^53 to 2^53, written
// without point, exponent or minus zero. Everything else, ContentCBOR included, is
// ErrBadPayload. A log checks its payloads before it signs them.
func CheckPayload(contentType uint16, payload []byte) error {
	if contentType != ContentJSON || !utf8.Valid(payload) {
		return ErrBadPayload
	}
	s := scanner{data: payload}
	s.space()
	if !s.object(1) {
		return ErrBadPayload
	}
	s.space()
	if s.at != len(payload) {
		return ErrBadPayload
	}
	return nil
}

// scanner reads JSON that is known to be UTF-8. Its methods read one thing each,
// from the first byte on, and report whether it was there.
type scanner struct {
	data []byte
	at   int
}

func (s *scanner) space() {
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

// is reads one byte that is c.
func (s *scanner) is(c byte) bool {
	if s.at < len(s.data) && s.data[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *scanner) word(w string) bool {
	if len(s.data)-s.at >= len(w) && string(s.data[s.at:s.at+len(w)]) == w {
		s.at += len(w)
		return true
	}
	return false
}

func (s *scanner) value(depth int) bool {
	if s.at == len(s.data) {
		return false
	}
	switch s.data[s.at] {
	case '{':
		return s.object(depth + 1)
	case '[':
		return s.array(depth + 1)
	case '"':
		_, ok := s.text()
		return ok
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	}
	return s.integer()
}

func (s *scanner) object(depth int) bool {
	if depth > maxDepth || !s.is('{') {
		return false
	}
	var seen names
	for s.space(); !s.is('}'); s.space() {
		if seen.count > 0 {
			if !s.is(',') {
				return false
			}
			s.space()
		}
		name, ok := s.text()
		if !ok || !seen.add(name) {
			return false
		}
		s.space()
		if !s.is(':') {
			return false
		}
		s.space()
		if !s.value(depth) {
			return false
		}
	}
	return true
}

func (s *scanner) array(depth int) bool {
	if depth > maxDepth || !s.is('[') {
		return false
	}
	first := true
	for s.space(); !s.is(']'); s.space() {
		if !first {
			if !s.is(',') {
				return false
			}
			s.space()
		}
		if first = false; !s.value(depth) {
			return false
		}
	}
	return true
}

func (s *scanner) integer() bool {
	negative := s.is('-')
	first, n := s.at, uint64(0)
	for ; s.at < len(s.data) && '0' <= s.data[s.at] && s.data[s.at] <= '9'; s.at++ {
		if n = n*10 + uint64(s.data[s.at]-'0'); n > maxInteger {
			return false
		}
	}
	digits := s.at - first
	return digits == 1 && (n != 0 || !negative) || digits > 1 && s.data[first] != '0'
}

// names is the set of an object's names so far. Few are compared one by one;
// many go into a map, so that no payload costs the square of its length.
type names struct {
	few   [16][]byte
	many  map[string]struct{}
	count int
}

// add reports whether name is new.
func (n *names) add(name []byte) bool {
	if n.count < len(n.few) {
		for _, other := range n.few[:n.count] {
			if string(other) == string(name) {
				return false
			}
		}
		n.few[n.count] = name
		n.count++
		return true
	}
	if n.many == nil {
		n.many = make(map[string]struct{}, 2*len(n.few))
		for _, other := range n.few {
			n.many[string(other)] = struct{}{}
		}
	}
	n.count++
	before := len(n.many)
	n.many[string(name)] = struct{}{}
	return len(n.many) > before
}
