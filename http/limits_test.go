package http

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net/netip"
	"testing"
	"testing/iotest"
	"time"

	"github.com/quantaseal/quantaseal/domain"
)

// halfUsed is a limit that every network has used half of.
type halfUsed struct{ Limits }

// Standing implements Limits.
func (halfUsed) Standing(netip.Prefix) Allowance {
	return Allowance{Limit: 20, Remaining: 10, Reset: noon.Add(30 * time.Second)}
}

// Failed implements Limits.
func (halfUsed) Failed(context.Context, netip.Prefix, domain.ID) {}

// Strange implements Limits.
func (halfUsed) Strange(netip.Prefix) Allowance { return Allowance{} }

func TestRetryAfter(t *testing.T) {
	for _, test := range []struct {
		wait time.Duration
		draw byte
		want int64
	}{
		{12 * time.Millisecond, 0, 1},
		{12 * time.Millisecond, 255, 1},
		{20 * time.Second, 0, 15},
		{20 * time.Second, 255, 25},
		{time.Hour, 0, 2700},
		{time.Hour, 255, 4500},
	} {
		if got := retryAfter(test.wait, bytes.NewReader([]byte{test.draw})); got != test.want {
			t.Errorf("%s: got %d, want %d", test.wait, got, test.want)
		}
	}
	if got := retryAfter(20*time.Second, iotest.ErrReader(errors.New("none"))); got < 19 || got > 21 {
		t.Errorf("without randomness: got %d, want about 20", got)
	}
	seen := map[int64]bool{}
	for range 500 {
		got := retryAfter(20*time.Second, rand.Reader)
		if seen[got] = true; got < 15 || got > 25 {
			t.Fatalf("got %d, want 15 to 25", got)
		}
	}
	if len(seen) < 8 {
		t.Errorf("only %d different answers", len(seen))
	}
}
