package http

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/quantaseal/quantaseal/domain"
)

// exchange is what one request and its answer share on their way.
type exchange struct {
	id    domain.RequestID
	start time.Time
}

type exchangeKey struct{}

// exchangeOf returns the exchange that begin opened.
func exchangeOf(c *gin.Context) *exchange {
	x, _ := c.Get(exchangeKey{})
	return x.(*exchange)
}

// begin opens the exchange: a request id of our own, whatever the caller sent,
// and the headers that every answer carries.
func (s *Server) begin(c *gin.Context) {
	x := &exchange{start: s.Now()}
	c.Set(exchangeKey{}, x)
	_, err := io.ReadFull(s.Rand, x.id.ID[:])
	setHeaders(c.Writer.Header(), c.Request, x.id)
	if err != nil {
		s.refuse(c, fmt.Errorf("drawing a request id: %w", err))
	}
}

// setHeaders sets what every answer carries, and no more: it is also all that
// the vault's denial carries beside its body's type and length.
func setHeaders(h http.Header, r *http.Request, id domain.RequestID) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Request-Id", id.String())
	if r.TLS != nil {
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	}
}
