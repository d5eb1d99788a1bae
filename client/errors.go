package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Error is an answer that refuses. It holds nothing secret.
type Error struct {
	Status    int                        `json:"-"` // of HTTP
	Type      string                     `json:"type"`
	Message   string                     `json:"message"`
	RequestID string                     `json:"request_id"` // names the request in the server's log
	Details   map[string]json.RawMessage `json:"details"`
	Receipt   *Receipt                   `json:"-"` // of the fact that it was refused; nil = none is told

	wait time.Duration // that the server asks for; 0 = it does not say
}

// Error says what was refused, and by which request.
func (e *Error) Error() string {
	return fmt.Sprintf("%s (%d %s, %s)", e.Message, e.Status, e.Type, e.RequestID)
}

// The types of refusals that programs act on.
const (
	TypeMFARequired = "mfa_required"
	TypeStepUp      = "step_up_required"
	TypeKeyReused   = "idempotency_key_reused"
)

// IsDenied reports whether err is the refusal of what the caller may not do, or,
// of a credential, of whatever else there is.
func IsDenied(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Status == http.StatusForbidden
}

// unreachable is that there was no answer.
type unreachable struct{ cause error }

// Error says why, without what was asked.
func (u *unreachable) Error() string {
	if e, ok := errors.AsType[*url.Error](u.cause); ok {
		return fmt.Sprintf("client: no answer from the server: %v", e.Err)
	}
	return fmt.Sprintf("client: no answer from the server: %v", u.cause)
}

func (u *unreachable) Unwrap() error { return u.cause }

// retryAfter returns how long an answer asks to wait. Seconds alone count: the
// server never sends a date.
func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
