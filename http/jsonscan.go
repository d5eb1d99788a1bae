package http

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// literal reads word.
func (d *decoder) literal(word string) bool {
	if len(d.data)-d.pos < len(word) || string(d.data[d.pos:d.pos+len(word)]) != word {
		return false
	}
	d.pos += len(word)
	return true
}

// number reads a number as RFC 8259 §6 writes it.
func (d *decoder) number() bool {
	d.accept('-')
	if !d.accept('0') && !d.digits() {
		return false
	}
	if d.accept('.') && !d.digits() {
		return false
	}
	if d.accept('e') || d.accept('E') {
		if !d.accept('+') {
			d.accept('-')
		}
		return d.digits()
	}
	return true
}

// accept consumes c if it is the very next byte.
func (d *decoder) accept(c byte) bool {
	if d.pos == len(d.data) || d.data[d.pos] != c {
		return false
	}
	d.pos++
	return true
}

// digits reads one or more digits.
func (d *decoder) digits() bool {
	start := d.pos
	for d.pos < len(d.data) && d.data[d.pos]-'0' <= 9 {
		d.pos++
	}
	return d.pos > start
}

// text reads a string, quotes included.
func (d *decoder) text() bool {
	d.pos++
	start, escaped, ascii := d.pos, false, true
	for i := start; i < len(d.data); i++ {
		switch c := d.data[i]; {
		case c == '"':
			d.pos = i + 1
			return validText(d.data[start:i], escaped, ascii)
		case c == '\\':
			escaped = true
			i++
		case c < ' ':
			return false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return false
}

// validText reports whether raw, the inside of a string without its quotes and
// without control characters, is UTF-8 whose escapes are complete.
func validText(raw []byte, escaped, ascii bool) bool {
	return (ascii || utf8.Valid(raw)) && (!escaped || validEscapes(raw))
}

// key reads an object key and returns it unescaped.
func (d *decoder) key() ([]byte, bool) {
	if d.tokens++; d.tokens > maxTokens || d.next() != '"' {
		return nil, false
	}
	start := d.pos
	if !d.text() {
		return nil, false
	}
	return unescape(d.data[start:d.pos]), true
}

// validEscapes reports whether every escape in s is one of RFC 8259 §7 and
// every surrogate has its partner.
func validEscapes(s []byte) bool {
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			continue
		}
		i++
		switch s[i] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		case 'u':
			_, size := escapedRune(s[i-1:])
			if size == 0 {
				return false
			}
			i += size - 2
		default:
			return false
		}
	}
	return true
}

// escapedRune reads the \uXXXX, or the pair of them, that s begins with, and
// returns its length: 6, 12, or 0 if it is no scalar value.
func escapedRune(s []byte) (rune, int) {
	r, ok := hexUnit(s)
	switch {
	case !ok:
		return 0, 0
	case !utf16.IsSurrogate(r):
		return r, 6
	}
	low, ok := hexUnit(s[6:])
	if pair := utf16.DecodeRune(r, low); ok && pair != utf8.RuneError {
		return pair, 12
	}
	return 0, 0
}

// hexUnit reads the \uXXXX that s begins with.
func hexUnit(s []byte) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range s[2:6] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

var shortEscapes = map[byte]byte{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unescape returns the content of a valid JSON string given with its quotes. It
// aliases quoted unless that holds escapes.
func unescape(quoted []byte) []byte {
	s := quoted[1 : len(quoted)-1 : len(quoted)-1]
	i := bytes.IndexByte(s, '\\')
	if i < 0 {
		return s
	}
	out := append(make([]byte, 0, len(s)), s[:i]...)
	for i < len(s) {
		if s[i] != '\\' {
			out = append(out, s[i])
			i++
			continue
		}
		c := s[i+1]
		if c == 'u' {
			r, size := escapedRune(s[i:])
			out = utf8.AppendRune(out, r)
			i += size
			continue
		}
		if short, ok := shortEscapes[c]; ok {
			c = short
		}
		out = append(out, c)
		i += 2
	}
	return out
}

// keySet knows the keys of one object. Few keys are compared one by one; many
// go into a map, so that a body cannot make the check quadratic.
type keySet struct{ many map[string]struct{} }

const fewKeys = 16

// add reports whether key is not among the keys before it.
func (s *keySet) add(before [][]byte, key []byte) bool {
	if len(before) < fewKeys {
		for _, k := range before {
			if bytes.Equal(k, key) {
				return false
			}
		}
		return true
	}
	if s.many == nil {
		s.many = make(map[string]struct{}, 2*fewKeys)
		for _, k := range before {
			s.many[string(k)] = struct{}{}
		}
	}
	if _, twice := s.many[string(key)]; twice {
		return false
	}
	s.many[string(key)] = struct{}{}
	return true
}
