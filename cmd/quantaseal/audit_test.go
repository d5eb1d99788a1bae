package main

import (
	"strings"
	"testing"
	"time"
)

// A long export says how far it is, once a second and at the end; a short one says nothing.
func TestGauge(t *testing.T) {
	var text strings.Builder
	now := time.Unix(1000, 0)
	g := &gauge{to: &text, now: func() time.Time { return now }}
	for done := range uint64(5) {
		g.show(done*100, 400)
		now = now.Add(600 * time.Millisecond)
	}
	if want := "200 of 400 events (50 %), 167/s\n400 of 400 events (100 %), 167/s\n"; text.String() != want {
		t.Errorf("got %q, want %q", text.String(), want)
	}
	text.Reset()
	short := &gauge{to: &text, now: func() time.Time { return now }}
	short.show(0, 10)
	short.show(10, 10)
	if text.Len() > 0 {
		t.Errorf("a short export says %q", text.String())
	}
}
