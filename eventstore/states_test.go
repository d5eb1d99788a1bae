package eventstore

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
)

// TestStatesAreBoundedByBytes remembers aggregates of any size: what they take is
// bounded, counted right, and nothing once they are forgotten.
func TestStatesAreBoundedByBytes(t *testing.T) {
	text := make([]byte, stateBytes/3)
	name := string(text)
	rapid.Check(t, func(t *rapid.T) {
		var s states
		if err := s.open(); err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			key := stateID{aggregate: domain.AggregateID{ID: domain.ID{rapid.Byte().Draw(t, "aggregate") % 8}}}
			n := rapid.IntRange(0, len(text)).Draw(t, "bytes")
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0:
				s.Remove(key)
			case 1:
				s.add(key, folded{state: domain.Tenant{Name: name[:n]}})
			default:
				s.add(key, folded{state: domain.Credential{Metadata: json.RawMessage(text[:n:n])}})
			}
			held := int64(0)
			for _, f := range s.Values() {
				held += f.bytes
			}
			if got := s.bytes.Load(); got != held || got > stateBytes {
				t.Fatalf("%d states take %d bytes, counted %d", s.Len(), held, got)
			}
			if f, ok := s.Peek(key); ok && f.bytes < int64(n) {
				t.Fatalf("%d bytes count as %d", n, f.bytes)
			}
		}
		s.Purge()
		if got := s.bytes.Load(); got != 0 {
			t.Fatalf("nothing takes %d bytes", got)
		}
	})
}
