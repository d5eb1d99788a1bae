package http

import (
	"log/slog"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"
)

// knownMethods are the methods that a log line repeats. Any other is a word the
// caller chose.
var knownMethods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
	http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace,
}

// record writes one line for each request once it is answered, and tells the
// meter. The line holds the route's pattern, never the path or query: those carry
// what callers put there.
func (s *Server) record(c *gin.Context) {
	if s.Meter != nil {
		s.Meter.Began()
	}
	defer func() {
		x, status := exchangeOf(c), c.Writer.Status()
		took := s.Now().Sub(x.start)
		attributes := append(make([]slog.Attr, 0, 8),
			slog.String("method", method(c.Request)),
			slog.String("route", route(c)),
			slog.Int("status", status),
			slog.Duration("duration", took),
			slog.Int("bytes", max(c.Writer.Size(), 0)),
			slog.String("request_id", x.id.String()),
		)
		if !x.tenant.IsZero() {
			attributes = append(attributes, slog.String("tenant", x.tenant.String()))
		}
		if x.cut {
			status = 0
			attributes = append(attributes, slog.Bool("cut", true))
		}
		s.Log.LogAttrs(c.Request.Context(), slog.LevelInfo, "request", attributes...)
		if s.Meter != nil {
			s.Meter.Ended(method(c.Request), route(c), status, took)
		}
	}()
	c.Next()
}

func method(r *http.Request) string {
	if slices.Contains(knownMethods, r.Method) {
		return r.Method
	}
	return "other"
}

// route returns the pattern that matched, such as /api/v2/vault/:id.
func route(c *gin.Context) string {
	if pattern := c.FullPath(); pattern != "" {
		return pattern
	}
	return "unmatched"
}

// SpanName names a request for traces, by its method and the pattern that matched.
func SpanName(c *gin.Context) string { return method(c.Request) + " " + route(c) }
