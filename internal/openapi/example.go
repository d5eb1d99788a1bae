package openapi

import (
	"slices"
	"strings"
)

// Example returns a value that s is true of, made of the examples of its parts.
// It is for people: of a list it has one row, and of what may be missing nothing.
func (t *Types) Example(s *Schema) any {
	switch {
	case s == nil:
		return nil
	case s.Ref != "":
		of, _ := t.Components.Get(strings.TrimPrefix(s.Ref, "#/components/schemas/"))
		return t.Example(of)
	case len(s.Examples) > 0:
		return s.Examples[0]
	case s.Const != nil:
		return s.Const
	case len(s.Enum) > 0:
		return s.Enum[0]
	case len(s.AnyOf) > 0:
		return t.Example(s.AnyOf[0])
	}
	kind, _ := s.Type.(string)
	if several, ok := s.Type.([]string); ok {
		kind = several[0]
	}
	switch kind {
	case "object":
		var o Ordered[any]
		for name, member := range s.Properties.All() {
			if slices.Contains(s.Required, name) {
				o.Set(name, t.Example(member))
			}
		}
		return o
	case "array":
		return []any{t.Example(s.Items)}
	case "string":
		if example, ok := formats[s.Format+s.Encoding]; ok {
			return example
		}
		return "text"
	case "integer", "number":
		if s.Minimum != nil {
			return *s.Minimum
		}
		return 0
	case "boolean":
		return true
	}
	return nil
}

// formats has an example for each format and encoding.
var formats = map[string]string{
	"date-time": "2026-05-24T10:30:00.000000Z", "uuid": "0190f2a4-6e1c-7c3e-9d4b-5a1f0e2b7c88", "base64": "cXVhbnRhc2VhbA==", "uri": "https://vault.example.com/",
	"email": "you@example.com",
}
