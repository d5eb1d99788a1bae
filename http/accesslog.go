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

// record writes one line for each request once it is answered. The line holds
// the route's pattern, never the path or query: those carry what callers put there.
func (s *Server) record(c *gin.Context) {
	defer func() {
		x := exchangeOf(c)
		s.Log.LogAttrs(c.Request.Context(), slog.LevelInfo, "request",
			slog.String("method", method(c.Request)),
			slog.String("route", route(c)),
			slog.Int("status", c.Writer.Status()),
			slog.Duration("duration", s.Now().Sub(x.start)),
			slog.Int("bytes", max(c.Writer.Size(), 0)),
			slog.String("request_id", x.id.String()),
		)
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
