package eventstore

import (
	"reflect"
	"sync/atomic"

	lru "github.com/hashicorp/golang-lru/v2"
)

// How much is remembered of aggregates, of all chains together.
const (
	cachedStates = 65536
	stateBytes   = 64 << 20
)

// states remembers aggregates. What it takes is bounded by their sizes as well as
// by their number: some hold whatever their tenant wrote.
type states struct {
	*lru.Cache[stateID, folded]
	bytes atomic.Int64
}

func (s *states) open() (err error) {
	s.Cache, err = lru.NewWithEvict(cachedStates, func(_ stateID, f folded) { s.bytes.Add(-f.bytes) })
	return err
}

// add remembers an aggregate in place of what was known of it. Only one goroutine
// may add at a time.
func (s *states) add(key stateID, f folded) {
	s.Remove(key)
	f.bytes = int64(reflect.TypeOf(key).Size()) + weight(reflect.ValueOf(f.state))
	s.bytes.Add(f.bytes)
	s.Add(key, f)
	for s.bytes.Load() > stateBytes {
		if _, _, ok := s.RemoveOldest(); !ok {
			return
		}
	}
}

// weight returns about how many bytes v takes. A map counts twice what is in it.
func weight(v reflect.Value) int64 {
	if !v.IsValid() {
		return 0
	}
	return int64(v.Type().Size()) + beneath(v)
}

// beneath returns about how many bytes v leads to.
func beneath(v reflect.Value) (n int64) {
	switch v.Kind() { //nolint:exhaustive // others lead nowhere
	case reflect.String:
		return int64(v.Len())
	case reflect.Slice:
		n = int64(v.Cap()) * int64(v.Type().Elem().Size())
		if leads(v.Type().Elem().Kind()) {
			for i := range v.Len() {
				n += beneath(v.Index(i))
			}
		}
	case reflect.Array:
		for i := 0; i < v.Len() && leads(v.Type().Elem().Kind()); i++ {
			n += beneath(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			n += beneath(v.Field(i))
		}
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); {
			n += 2 * (weight(entries.Key()) + weight(entries.Value()))
		}
	case reflect.Interface:
		n = weight(v.Elem())
	}
	return n // what a pointer leads to is somebody else's too
}

// leads reports whether values of a kind may lead to more than themselves.
func leads(k reflect.Kind) bool {
	return k == reflect.String || k >= reflect.Array && k != reflect.UnsafePointer
}
