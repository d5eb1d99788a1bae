package http

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/quantaseal/quantaseal/domain"
)

// exchange is what one request and its answer share on their way.
type exchange struct {
	id        domain.RequestID
	start     time.Time
	client    netip.Addr      // where the request came from; see clientOf
	network   netip.Prefix    // which that belongs to
	proven    bool            // who asks is known, and the tenant's limit counts
	allowance Allowance       // how whoever asks stands, as the answer shows it
	tenant    domain.TenantID // once somebody is authenticated
	account   domain.ID       // that a login is about
	cut       bool            // the answer broke off
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
	x := &exchange{start: s.Now(), client: clientOf(c.Request, s.TrustedProxies)}
	c.Set(exchangeKey{}, x)
	x.network = networkOf(x.client)
	x.allowance = s.Limits.Standing(x.network)
	_, err := io.ReadFull(s.Rand, x.id.ID[:])
	s.setHeaders(c.Writer.Header(), c.Request, x)
	if err != nil {
		s.refuse(c, fmt.Errorf("drawing a request id: %w", err))
	}
}

// setHeaders sets what every answer carries, and no more: it is also all that
// the vault's denial carries beside its body's type and length.
func (s *Server) setHeaders(h http.Header, r *http.Request, x *exchange) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Request-Id", x.id.String())
	if s.draining.Load() {
		h.Set("Connection", "close")
	}
	if r.TLS != nil {
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	}
	x.allowance.show(h)
}
