package openapi

// Schema is a JSON Schema (2020-12), as far as documents here need it. The zero
// Schema is true of everything.
type Schema struct {
	Ref         string           `json:"$ref,omitempty"`
	Type        any              `json:"type,omitempty"` // a name, or several
	Description string           `json:"description,omitempty"`
	Format      string           `json:"format,omitempty"`
	Pattern     string           `json:"pattern,omitempty"`
	Encoding    string           `json:"contentEncoding,omitempty"`
	Const       any              `json:"const,omitempty"`
	Enum        []any            `json:"enum,omitempty"`
	Minimum     *int             `json:"minimum,omitempty"`
	Maximum     *int             `json:"maximum,omitempty"`
	MaxItems    *int             `json:"maxItems,omitempty"`
	Properties  Ordered[*Schema] `json:"properties,omitzero"`
	Required    []string         `json:"required,omitempty"`
	Additional  any              `json:"additionalProperties,omitempty"` // a *Schema, or Closed
	Items       *Schema          `json:"items,omitempty"`
	AnyOf       []*Schema        `json:"anyOf,omitempty"`
	Examples    []any            `json:"examples,omitempty"`
}

// Closed is the Additional of an object that has no other members. It is no bool:
// false would be left out.
var Closed any = closed{}

type closed struct{}

// MarshalJSON writes false.
func (closed) MarshalJSON() ([]byte, error) { return []byte("false"), nil }

// Text returns the schema of a string that looks like example.
func Text(example string) Schema { return Schema{Type: "string", Examples: []any{example}} }

// OneOf returns the schema of a string that is one of values.
func OneOf[S ~string](values ...S) Schema {
	s := Schema{Type: "string"}
	for _, v := range values {
		s.Enum = append(s.Enum, string(v))
	}
	return s
}

// Number returns the schema of a whole number from low to high.
func Number(low, high int) Schema { return Schema{Type: "integer", Minimum: &low, Maximum: &high} }

// Nullable returns s with null allowed.
func Nullable(s Schema) Schema {
	switch t := s.Type.(type) {
	case string:
		s.Type = []string{t, "null"}
		if s.Enum != nil {
			s.Enum = append(s.Enum[:len(s.Enum):len(s.Enum)], nil)
		}
		return s
	case nil:
		if s.Ref != "" || s.AnyOf != nil {
			return Schema{AnyOf: []*Schema{&s, {Type: "null"}}}
		}
	}
	return s
}
