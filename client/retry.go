package client

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	mathrand "math/rand/v2"
	"net/http"
	"time"
)

const (
	firstWait = 250 * time.Millisecond
	maxWait   = 8 * time.Second
)

// persist sends a request as often as it takes and is allowed.
func (c *Client) persist(ctx context.Context, r request, body []byte) (answer, error) {
	for attempt := 1; ; attempt++ {
		a, arrived, err := c.send(ctx, r, body)
		if err == nil {
			return a, nil
		}
		wait, worth := patience(err, attempt, arrived && r.once)
		if !worth || attempt >= c.Attempts || ctx.Err() != nil {
			return a, err
		}
		if endsWithin(ctx, wait) {
			return a, err // the same, only later
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return a, err
		}
	}
}

// endsWithin reports whether ctx's deadline comes before a wait is over.
func endsWithin(ctx context.Context, wait time.Duration) bool {
	end, bounded := ctx.Deadline()
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	sooner, _ := waiting.Deadline() // the earlier one of the two
	return bounded && sooner.Equal(end)
}

// patience returns how long to wait before a request is sent again, and whether
// that is of any use. lost says that it must not be where no answer says that nothing
// was done.
func patience(err error, attempt int, lost bool) (wait time.Duration, worth bool) {
	if refused, ok := errors.AsType[*Error](err); ok {
		switch refused.Status {
		case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable:
		case http.StatusBadGateway, http.StatusGatewayTimeout: // of a proxy, which may have lost an answer
			if lost {
				return 0, false
			}
		default:
			return 0, false
		}
		if refused.wait > 0 {
			return refused.wait, true
		}
	} else if lost {
		return 0, false
	}
	wait = min(firstWait<<(attempt-1), maxWait)
	return wait/2 + mathrand.N(wait/2+1), true //nolint:gosec // when to ask again is no secret
}

// newKey returns an Idempotency-Key that nobody else has.
func newKey() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // ends the process rather than fail
	return hex.EncodeToString(b[:])
}
