package envelope

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// maxMembers is how many members a context has at most.
const maxMembers = 64

// CanonicalContext returns the one spelling of an encryption context (RFC 8785):
// a JSON object of text values, which is what the AES-256-GCM tag authenticates.
// An empty object is a context too. It returns ErrMalformed for any other JSON, a
// member given twice, or more than 64 members, and ErrTooLong for more than
// MaxContext bytes.
func CanonicalContext(text []byte) ([]byte, error) {
	members, err := readContext(text)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(members, func(a, b member) int { return slices.Compare(a.units, b.units) })
	canonical := []byte{'{'}
	for i, m := range members {
		if i > 0 {
			if m.name == members[i-1].name {
				return nil, ErrMalformed
			}
			canonical = append(canonical, ',')
		}
		canonical = appendText(canonical, m.name)
		canonical = append(canonical, ':')
		canonical = appendText(canonical, m.value)
	}
	canonical = append(canonical, '}')
	if len(canonical) > MaxContext {
		return nil, ErrTooLong
	}
	return canonical, nil
}

// member is one of a context, with its name in the units by which they are sorted.
type member struct {
	name, value string
	units       []uint16
}

func readContext(text []byte) ([]member, error) {
	if !utf8.Valid(text) {
		return nil, ErrMalformed
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, ErrMalformed
	}
	var members []member
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, ErrMalformed
		}
		value, err := d.Token()
		text, isText := value.(string)
		if err != nil || !isText || len(members) == maxMembers {
			return nil, ErrMalformed
		}
		key := name.(string) // the decoder gives nothing else before a value
		members = append(members, member{key, text, utf16.Encode([]rune(key))})
	}
	if _, err := d.Token(); err != nil {
		return nil, ErrMalformed
	}
	if len(bytes.TrimLeft(text[d.InputOffset():], " \t\r\n")) > 0 {
		return nil, ErrMalformed
	}
	return members, nil
}

// appendText writes a JSON string with no escape that RFC 8785 §3.2.2.2 does not demand.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch r {
		case '"', '\\':
			b = append(b, '\\', byte(r))
		case '\b':
			b = append(b, `\b`...)
		case '\t':
			b = append(b, `\t`...)
		case '\n':
			b = append(b, `\n`...)
		case '\f':
			b = append(b, `\f`...)
		case '\r':
			b = append(b, `\r`...)
		default:
			if r < ' ' {
				b = fmt.Appendf(b, `\u%04x`, r)
				continue
			}
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
