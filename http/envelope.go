package http

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
)

// apiVersion is meta.version of every answer.
const apiVersion = "v2"

// meta accompanies every answer.
type meta struct {
	RequestID string   `json:"request_id"`
	Timestamp string   `json:"timestamp"` // RFC 3339, whole seconds, UTC
	Version   string   `json:"version"`
	Audit     *receipt `json:"audit,omitempty"`
	Next      string   `json:"next_cursor,omitempty"`
}

// receipt names the fact that an answer rests on.
type receipt struct {
	Seq       uint64        `json:"seq"`
	EventHash domain.Digest `json:"event_hash"`
}

// errorBody is the error member of an answer that refuses.
type errorBody struct {
	Code      int            `json:"code"`
	Type      string         `json:"type"`
	Message   string         `json:"message"`
	RequestID string         `json:"request_id"`
	Timestamp string         `json:"timestamp"`
	Details   map[string]any `json:"details,omitempty"`
}

// secretAnswer is data that holds a secret. It writes itself, once, into a buffer
// that need not grow, so that neither a shared buffer of encoding/json nor one
// that was outgrown keeps it.
type secretAnswer interface {
	// room returns how many bytes appendJSON appends at most.
	room() int
	// appendJSON appends the value as JSON to b.
	appendJSON(b []byte) ([]byte, error)
}

func (s *Server) meta(c *gin.Context) meta {
	return meta{
		RequestID: exchangeOf(c).id.String(),
		Timestamp: s.Now().UTC().Format(time.RFC3339),
		Version:   apiVersion,
	}
}

// answer sends data with a status below 400, and the receipt of the fact it
// rests on, or nil if no fact was appended. next leads to the next page, if any.
// data must not hold a nil slice or map: callers are promised [] and {}.
func (s *Server) answer(c *gin.Context, status int, data any, audit *receipt, next string) {
	m := s.meta(c)
	m.Audit, m.Next = audit, next
	body, err := appendSuccess(data, m)
	if err != nil {
		s.refuse(c, err)
		return
	}
	send(c, status, body)
	clear(body)
}

func appendSuccess(data any, m meta) ([]byte, error) {
	end, err := appendJSON([]byte(`,"error":null,"meta":`), m)
	if err != nil {
		return nil, fmt.Errorf("encoding meta: %w", err)
	}
	b := append(make([]byte, 0, 512), `{"success":true,"data":`...)
	if secret, ok := data.(secretAnswer); ok {
		b = slices.Grow(b, secret.room()+len(end)+1)
		b, err = secret.appendJSON(b)
	} else {
		b, err = appendJSON(b, data)
	}
	if err != nil {
		clear(b)
		return nil, fmt.Errorf("encoding an answer of type %T: %w", data, err)
	}
	return append(append(b, end...), '}'), nil
}

// appendJSON appends v as JSON without the escapes that only HTML needs.
func appendJSON(b []byte, v any) ([]byte, error) {
	buffer := bytes.NewBuffer(b)
	encoder := json.NewEncoder(buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return b, err
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), nil
}

// refuse answers with what err means to the caller, and stops the request. The
// text of a fault goes to the log alone.
func (s *Server) refuse(c *gin.Context, err error) {
	r := refusalFor(err)
	s.blame(c, r, err)
	s.failed(c.Request, exchangeOf(c), r)
	var details map[string]any
	if d, ok := errors.AsType[*detailed](err); ok {
		details = d.details
	}
	s.turnAway(c, r, details, s.recorded(c, r, err))
}

// recorded returns the receipt of the fact that a denial put on the record, once
// this node's read models show it, or nil. Under the vault it has none, and at the
// login neither: there it would tell who is known.
func (s *Server) recorded(c *gin.Context, r *refusal, err error) *receipt {
	fact, ok := errors.AsType[*commands.Recorded](err)
	if !ok || r.status != http.StatusForbidden || underVault(c.Request) {
		return nil
	}
	s.catchUp(c.Request.Context(), fact.Receipt)
	return receiptOf(fact.Receipt)
}

// blame logs what is not the caller's doing. That a caller did not wait for the
// answer is.
func (s *Server) blame(c *gin.Context, r *refusal, err error) {
	ctx := c.Request.Context()
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return
	}
	level := slog.LevelError
	switch r.status {
	case http.StatusInternalServerError:
	case http.StatusServiceUnavailable:
		level = slog.LevelWarn
	default:
		return
	}
	s.Log.Log(ctx, level, "request failed", "request_id", exchangeOf(c).id.String(), "route", route(c), "err", err)
}

// turnAway answers with r and stops the request. audit is of the fact that r put on
// the record, or nil. Under the vault all that is not about the form of the request
// is one and the same denial.
func (s *Server) turnAway(c *gin.Context, r *refusal, details map[string]any, audit *receipt) {
	c.Abort()
	h := c.Writer.Header()
	if underVault(c.Request) && !vaultShows[r.status] && r != errKeyReused {
		r, details = errDenied, nil
		clear(h)
		s.setHeaders(h, c.Request, exchangeOf(c))
	}
	if r.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	if r.status == http.StatusTooManyRequests {
		h.Set("Retry-After", strconv.FormatInt(retryAfter(exchangeOf(c).allowance.Retry, s.Rand), 10))
	}
	m := s.meta(c)
	m.Audit = audit
	body, err := appendJSON(nil, struct {
		Success bool      `json:"success"`
		Error   errorBody `json:"error"`
		Meta    meta      `json:"meta"`
	}{
		Error: errorBody{
			Code: r.status, Type: r.kind, Message: r.message, RequestID: m.RequestID, Timestamp: m.Timestamp, Details: details,
		},
		Meta: m,
	})
	if err != nil {
		panic(err) // strings, numbers and ids always encode
	}
	send(c, r.status, body)
}

// send writes a whole JSON body. A caller that went away is no error of ours.
func send(c *gin.Context, status int, body []byte) {
	h := c.Writer.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.Writer.WriteHeader(status)
	_, _ = c.Writer.Write(body)
}
