package chain

import (
	"bytes"
	"encoding/hex"
	"unicode/utf16"
	"unicode/utf8"
)

// text reads a string and returns what it means.
func (s *scanner) text() (meaning []byte, ok bool) {
	if !s.is('"') {
		return nil, false
	}
	start, escaped := s.at, false
	for s.at < len(s.data) {
		switch c := s.data[s.at]; {
		case c == '"':
			raw := s.data[start:s.at]
			s.at++
			if !escaped {
				return raw, true
			}
			return unescape(raw)
		case c == '\\':
			escaped = true
			s.at += 2
		case c < ' ':
			return nil, false
		default:
			s.at++
		}
	}
	return nil, false
}

// unescape returns what a string's raw bytes mean.
func unescape(raw []byte) (meaning []byte, ok bool) {
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return append(meaning, raw...), true
		}
		meaning, raw = append(meaning, raw[:i]...), raw[i+1:]
		if raw[0] != 'u' { // text has seen that a byte follows
			c := bytes.IndexByte([]byte(`"\/bfnrt`), raw[0])
			if c < 0 {
				return nil, false
			}
			meaning, raw = append(meaning, "\"\\/\b\f\n\r\t"[c]), raw[1:]
			continue
		}
		r, ok := codeUnit(raw)
		if !ok {
			return nil, false
		}
		if raw = raw[5:]; utf16.IsSurrogate(r) {
			if len(raw) == 0 || raw[0] != '\\' {
				return nil, false
			}
			low, ok := codeUnit(raw[1:])
			if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
				return nil, false
			}
			raw = raw[6:]
		}
		meaning = utf8.AppendRune(meaning, r)
	}
}

// codeUnit reads uXXXX.
func codeUnit(b []byte) (rune, bool) {
	var unit [2]byte
	if len(b) < 5 || b[0] != 'u' {
		return 0, false
	}
	if _, err := hex.Decode(unit[:], b[1:5]); err != nil {
		return 0, false
	}
	return rune(unit[0])<<8 | rune(unit[1]), true
}
