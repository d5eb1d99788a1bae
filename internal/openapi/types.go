package openapi

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"unicode"
)

// Types makes schemas of Go types. Each named struct becomes a component, once.
type Types struct {
	// Known has the types that write themselves.
	Known map[reflect.Type]Schema
	// Words describes members by their names, which mean the same everywhere. Where a
	// member's type says nothing, as json.RawMessage, the schema found here counts.
	Words map[string]Schema

	// Components collects the schemas that others refer to.
	Components Ordered[*Schema]

	names map[string]reflect.Type
}

// Answer returns the schema of what v's type is written as. Every member that may
// not be left out is required, and there are no others.
func (t *Types) Answer(v any) *Schema { return t.of(reflect.TypeOf(v), false) }

// Request returns the schema of what is read into v's type. What has to be sent is
// for the caller to say.
func (t *Types) Request(v any) *Schema { return t.of(reflect.TypeOf(v), true) }

var (
	rawType  = reflect.TypeFor[json.RawMessage]()
	textType = reflect.TypeFor[encoding.TextMarshaler]()
	jsonType = reflect.TypeFor[json.Marshaler]()
)

func (t *Types) of(v reflect.Type, request bool) *Schema {
	if v == nil {
		return &Schema{}
	}
	if known, ok := t.Known[v]; ok {
		return &known
	}
	switch {
	case v == rawType || v.Kind() == reflect.Interface:
		return &Schema{}
	case v.Kind() == reflect.Pointer:
		s := Nullable(*t.of(v.Elem(), request))
		return &s
	case v.Implements(textType):
		return &Schema{Type: "string"}
	case v.Implements(jsonType):
		panic(fmt.Sprintf("openapi: %v writes itself: say how in Known", v))
	}
	switch v.Kind() {
	case reflect.Bool:
		return &Schema{Type: "boolean"}
	case reflect.String:
		return &Schema{Type: "string"}
	case reflect.Float32, reflect.Float64:
		return &Schema{Type: "number"}
	case reflect.Slice:
		if v.Elem().Kind() == reflect.Uint8 {
			return &Schema{Type: "string", Encoding: "base64"}
		}
		return &Schema{Type: "array", Items: t.of(v.Elem(), request)}
	case reflect.Map:
		return &Schema{Type: "object", Additional: t.of(v.Elem(), request)}
	case reflect.Struct:
		return t.component(v, request)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return &Schema{Type: "integer"}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		zero := 0
		return &Schema{Type: "integer", Minimum: &zero}
	default:
		panic(fmt.Sprintf("openapi: %v has no JSON", v))
	}
}

// component returns a reference to a struct's schema, which it makes once, or the
// schema itself of a struct without a name of its own.
func (t *Types) component(v reflect.Type, request bool) *Schema {
	if v.Name() == "" || strings.Contains(v.Name(), "[") {
		return t.object(v, request)
	}
	name := string(unicode.ToUpper(rune(v.Name()[0]))) + v.Name()[1:]
	if other, taken := t.names[name]; taken && other != v {
		name += strings.ToUpper(v.PkgPath()[strings.LastIndexByte(v.PkgPath(), '/')+1:][:1])
	}
	if t.names[name] != v {
		if t.names == nil {
			t.names = map[string]reflect.Type{}
		}
		t.names[name] = v
		t.Components.Set(name, nil) // in its place, should it hold itself
		t.Components.Set(name, t.object(v, request))
	}
	return &Schema{Ref: "#/components/schemas/" + name}
}

func (t *Types) object(v reflect.Type, request bool) *Schema {
	s := &Schema{Type: "object", Additional: Closed}
	t.members(s, v, request)
	return s
}

// members adds the members of v's fields to s, those of embedded structs too.
func (t *Types) members(s *Schema, v reflect.Type, request bool) {
	for i := range v.NumField() {
		f := v.Field(i)
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case tag == "-" || !f.IsExported() && !f.Anonymous:
		case f.Anonymous && tag == "":
			t.members(s, f.Type, request)
		case tag != "":
			s.Properties.Set(tag, t.member(tag, f.Type, request))
			if !request && !strings.Contains(options, "omit") {
				s.Required = append(s.Required, tag)
			}
		}
	}
}

// member returns the schema of a member, with what its name means.
func (t *Types) member(name string, v reflect.Type, request bool) *Schema {
	s, word := t.of(v, request), t.Words[name]
	if s.Ref != "" || s.AnyOf != nil {
		return s
	}
	if s.Type == nil {
		s.Type, s.Properties, s.Additional, s.Items, s.AnyOf = word.Type, word.Properties, word.Additional, word.Items, word.AnyOf
	}
	if s.Description == "" {
		s.Description = word.Description
	}
	if s.Examples == nil && len(word.Examples) > 0 && isOf(s.Type, word.Examples[0]) {
		s.Examples = word.Examples
	}
	if s.Enum == nil && s.Pattern == "" && s.Format == "" {
		s.Enum, s.Pattern, s.Format = word.Enum, word.Pattern, word.Format
	}
	return s
}

// isOf reports whether an example is of a kind.
func isOf(kind, example any) bool {
	if several, ok := kind.([]string); ok {
		kind = several[0]
	}
	switch reflect.TypeOf(example).Kind() {
	case reflect.String:
		return kind == "string"
	case reflect.Slice:
		return kind == "array"
	case reflect.Map:
		return kind == "object" || kind == nil
	default:
		return kind == "integer" || kind == "number" || kind == nil
	}
}
