package domain

import "bytes"

// declaredKey is the member that says, of a fact that a request made, whether the
// request came from where the tenant says that its requests come from. Addresses
// are personal data and stay out of payloads; this is what everybody may know.
const declaredKey = "in_declared_range"

// EncodeFrom is Encode for a fact that a request made: its payload has declaredKey
// too, with one of the words that Settings.Declared returns. A fact with a field of
// that name keeps what the field says.
func EncodeFrom(e Event, declared string) (Stored, error) {
	s, err := Encode(e)
	if err == nil {
		s.Payload = withDeclared(s.Payload, declared)
	}
	return s, err
}

// withDeclared returns a payload with the member in its place among the sorted ones.
func withDeclared(payload []byte, declared string) []byte {
	member := []byte(`"` + declaredKey + `":"` + declared + `",`)
	at := 1 // behind the brace, where a key begins
	for at < len(payload)-1 {
		end := skipValue(payload, at)
		switch order := bytes.Compare(payload[at+1:end-1], []byte(declaredKey)); {
		case order == 0:
			return payload
		case order > 0:
			return insert(payload, at, member)
		}
		at = skipValue(payload, end+1)
		if payload[at] == '}' {
			return insert(payload, at, append([]byte(","), member[:len(member)-1]...))
		}
		at++
	}
	return insert(payload, at, member[:len(member)-1])
}

func insert(payload []byte, at int, member []byte) []byte {
	longer := make([]byte, 0, len(payload)+len(member))
	longer = append(append(longer, payload[:at]...), member...)
	return append(longer, payload[at:]...)
}

// skipValue returns where the JSON value ends that begins at from: at the colon,
// comma or brace behind it.
func skipValue(json []byte, from int) int {
	depth, quoted := 0, false
	for i := from; i < len(json); i++ {
		switch c := json[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{', c == '[':
			depth++
		case depth == 0 && (c == ',' || c == ':' || c == '}'):
			return i
		case c == '}', c == ']':
			depth--
		}
	}
	return len(json)
}
