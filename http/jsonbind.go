package http

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/quantaseal/quantaseal/domain"
)

// bind puts the checked value raw into v and reports whether it fits. Objects
// and arrays arrive here only for values that take them whole.
func bind(v reflect.Value, raw []byte) bool {
	if raw[0] == 'n' {
		return true
	}
	if v.Type() == rawType {
		v.SetBytes(raw)
		return true
	}
	if readsItself(v.Type()) {
		return json.Unmarshal(raw, v.Addr().Interface()) == nil
	}
	isText := raw[0] == '"'
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return bind(v.Elem(), raw)
	case reflect.String:
		if isText {
			v.SetString(string(unescape(raw)))
		}
		return isText
	case reflect.Slice:
		if isText && v.Type() == secretType {
			v.SetBytes(unescape(raw))
			return true
		}
		return false
	case reflect.Bool:
		v.SetBool(raw[0] == 't')
		return raw[0] == 't' || raw[0] == 'f'
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(string(raw), 10, v.Type().Bits())
		v.SetInt(n)
		return err == nil
	case reflect.Map:
		return json.Unmarshal(raw, v.Addr().Interface()) == nil
	default:
		return false
	}
}

// readsItself reports whether values of type t have their own way of reading JSON.
func readsItself(t reflect.Type) bool {
	if t.PkgPath() == "" || t == rawType { // only a named type has methods
		return false
	}
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// field is where a key belongs in a struct.
type field struct {
	name  string
	index int
}

var fieldCache sync.Map // reflect.Type to []field

// fieldsOf returns the fields of the struct type t that have a json name.
func fieldsOf(t reflect.Type) []field {
	if known, ok := fieldCache.Load(t); ok {
		return known.([]field)
	}
	var fields []field
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if t.Field(i).IsExported() && name != "" && name != "-" {
			fields = append(fields, field{name, i})
		}
	}
	fieldCache.Store(t, fields)
	return fields
}

func find(fields []field, key []byte) *field {
	for i := range fields {
		if fields[i].name == string(key) {
			return &fields[i]
		}
	}
	return nil
}

// wrong keeps the refusal of a value that does not fit the field named name. It
// names our own field and never repeats what was sent.
func (d *decoder) wrong(name string) {
	if d.refusal != nil {
		return
	}
	message := "the request body must be a JSON object"
	if name != "" {
		message = name + " has the wrong type"
	}
	d.refusal = &domain.Error{Kind: domain.Invalid, Message: message}
}

// unknown keeps the refusal of a key that is no field. The key is not named:
// a caller may have put a secret there.
func (d *decoder) unknown() {
	if d.refusal == nil {
		d.refusal = &domain.Error{Kind: domain.Invalid, Message: "the request body has an unknown field"}
	}
}
