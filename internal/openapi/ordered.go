package openapi

import (
	"bytes"
	"encoding/json"
	"iter"
)

// Ordered is a JSON object whose members stand in the order in which they were
// set, as a reader wants them. The zero Ordered is an empty object.
type Ordered[V any] struct {
	names  []string
	values map[string]V
}

// Set sets a member. One that is there keeps its place.
func (o *Ordered[V]) Set(name string, value V) {
	if o.values == nil {
		o.values = map[string]V{}
	}
	if _, known := o.values[name]; !known {
		o.names = append(o.names, name)
	}
	o.values[name] = value
}

// Get returns a member, or the zero value and false.
func (o Ordered[V]) Get(name string) (V, bool) {
	value, ok := o.values[name]
	return value, ok
}

// Len returns how many members there are.
func (o Ordered[V]) Len() int { return len(o.names) }

// All yields the members in order.
func (o Ordered[V]) All() iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, name := range o.names {
			if !yield(name, o.values[name]) {
				return
			}
		}
	}
}

// IsZero reports whether there is no member.
func (o Ordered[V]) IsZero() bool { return len(o.names) == 0 }

// MarshalJSON writes the object.
func (o Ordered[V]) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, name := range o.names {
		if i > 0 {
			b.WriteByte(',')
		}
		for n, part := range []any{name, o.values[name]} {
			text, err := json.Marshal(part)
			if err != nil {
				return nil, err
			}
			b.Write(text)
			if n == 0 {
				b.WriteByte(':')
			}
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
