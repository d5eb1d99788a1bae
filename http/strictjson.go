package http

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// What a request body may hold. A token is an object key, a scalar, or the
// opening bracket of an object or array.
const (
	maxDepth  = 32
	maxTokens = 10_000
)

// secretText receives a JSON string as its unescaped bytes, so that a password
// or token never becomes a Go string.
type secretText []byte

// decodeStrict reads body as one JSON object into dst, a pointer to a struct, or to
// a map that takes every key.
//
// An empty body, null and {} all mean "no fields". A null member means that the
// member was not sent. Every key must be the json name of a field, letter for
// letter. A json.RawMessage receives its value's bytes as they were sent, a
// secretText a string's unescaped bytes; both alias body wherever they can, so
// clearing body once the request is done clears them.
//
// It refuses with errMalformed what is not a single well-formed JSON text: bad
// syntax, invalid UTF-8, lone surrogates, a key given twice in one object,
// trailing data, nesting beyond maxDepth or more than maxTokens tokens. It
// refuses with domain.Invalid well-formed text that has unknown fields or
// values of the wrong type. Any other error is a fault of ours.
func decodeStrict(body []byte, dst any) error {
	v := reflect.ValueOf(dst)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct && v.Elem().Kind() != reflect.Map {
		return fmt.Errorf("decoding a request into %T: not a pointer to a struct or a map", dst)
	}
	var room [fewKeys][]byte
	d := decoder{data: body, keys: room[:0]}
	if d.atEnd() {
		return nil
	}
	if !d.value(v.Elem(), "") || !d.atEnd() {
		return errMalformed
	}
	return d.refusal
}

// decoder makes one pass over data: it checks everything and fills what it can
// place. Its methods report false as soon as the text is malformed; a value
// that is merely wrong is kept in refusal, and the pass goes on.
type decoder struct {
	data    []byte
	pos     int
	depth   int
	tokens  int
	keys    [][]byte // keys of the objects being read, the innermost last
	refusal error    // the first wrong field
}

func (d *decoder) atEnd() bool {
	d.space()
	return d.pos == len(d.data)
}

func (d *decoder) space() {
	for d.pos < len(d.data) {
		switch d.data[d.pos] {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return
		}
	}
}

// next skips white space and returns the byte that follows, or 0 at the end.
func (d *decoder) next() byte {
	d.space()
	if d.pos == len(d.data) {
		return 0
	}
	return d.data[d.pos]
}

// take consumes c if it is what follows.
func (d *decoder) take(c byte) bool {
	if d.next() != c {
		return false
	}
	d.pos++
	return true
}

// value reads one value into v, or only checks it if v is invalid. field is the
// name under which a wrong value is reported.
func (d *decoder) value(v reflect.Value, field string) bool {
	d.tokens++
	c := d.next()
	start := d.pos
	var ok bool
	switch {
	case d.tokens > maxTokens:
		return false
	case c == '{':
		t := settle(v, reflect.Struct)
		ok = d.object(t)
		if t.IsValid() {
			return ok
		}
	case c == '[':
		t := settle(v, reflect.Slice)
		ok = d.array(t, field)
		if t.IsValid() {
			return ok
		}
	case c == '"':
		ok = d.text()
	case c == 't':
		ok = d.literal("true")
	case c == 'f':
		ok = d.literal("false")
	case c == 'n':
		ok = d.literal("null")
	default:
		ok = d.number()
	}
	if ok && v.IsValid() && !bind(v, d.data[start:d.pos:d.pos]) {
		d.wrong(field)
	}
	return ok
}

// object reads an object into the struct v, or only checks it if v is invalid.
func (d *decoder) object(v reflect.Value) bool {
	d.pos++
	if d.depth++; d.depth > maxDepth {
		return false
	}
	var fields []field
	if v.IsValid() {
		fields = fieldsOf(v.Type())
	}
	mine := len(d.keys)
	var seen keySet
	for more := !d.take('}'); more; {
		key, ok := d.key()
		if !ok || !seen.add(d.keys[mine:], key) || !d.take(':') {
			return false
		}
		d.keys = append(d.keys, key)
		var target reflect.Value
		var name string
		if v.IsValid() {
			if f := find(fields, key); f != nil {
				target, name = v.Field(f.index), f.name
			} else {
				d.unknown()
			}
		}
		if !d.value(target, name) {
			return false
		}
		if more = d.take(','); !more && !d.take('}') {
			return false
		}
	}
	d.keys = d.keys[:mine]
	d.depth--
	return true
}

// array reads an array into the slice v, or only checks it if v is invalid.
func (d *decoder) array(v reflect.Value, field string) bool {
	d.pos++
	if d.depth++; d.depth > maxDepth {
		return false
	}
	if v.IsValid() {
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	}
	for more := !d.take(']'); more; {
		var target reflect.Value
		if v.IsValid() {
			if d.next() == 'n' {
				d.wrong(field)
			}
			n := v.Len()
			v.Grow(1)
			v.SetLen(n + 1)
			target = v.Index(n)
		}
		if !d.value(target, field) {
			return false
		}
		if more = d.take(','); !more && !d.take(']') {
			return false
		}
	}
	d.depth--
	return true
}

// settle returns the value of kind that v is or points to, if an object or
// array is to be spread over it, and otherwise the invalid Value.
func settle(v reflect.Value, kind reflect.Kind) reflect.Value {
	if !v.IsValid() || readsItself(v.Type()) {
		return reflect.Value{}
	}
	if v.Kind() == reflect.Pointer && v.Type().Elem().Kind() == kind && !readsItself(v.Type().Elem()) {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if v.Kind() != kind || v.Type() == rawType || v.Type() == secretType {
		return reflect.Value{}
	}
	return v
}

var (
	rawType    = reflect.TypeFor[json.RawMessage]()
	secretType = reflect.TypeFor[secretText]()
)
