package http

import (
	"context"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/quantaseal/quantaseal/domain"
)

// Allowance is how a caller stands against its limit. The zero Allowance is that
// of a caller without one.
type Allowance struct {
	Limit     int
	Remaining int           // how many requests would pass right now
	Reset     time.Time     // when Remaining is Limit again
	Retry     time.Duration // after which one may pass; 0 = this one does
}

// Limits counts requests. Counting never fails; package ratelimit does it.
type Limits interface {
	// Tenant counts a request of whoever was proven to act for tenant. Nothing else
	// about the request matters.
	Tenant(ctx context.Context, tenant domain.TenantID) Allowance
	// Network counts a request that comes from network and need prove nothing.
	Network(ctx context.Context, network netip.Prefix) Allowance
	// Standing returns how network stands, and counts nothing.
	Standing(network netip.Prefix) Allowance
	// Failed counts that a proof which came from network was refused, or not even
	// looked at. It does not wait for anything.
	Failed(network netip.Prefix)
}

// limit counts the request against the limit that goes with who asks: the
// tenant's, or for a public route the network's. The answer shows how it stands
// from here on. It refuses with errTooMany.
func (s *Server) limit(ctx context.Context, x *exchange, h http.Header, by domain.Actor) error {
	if by.Kind == domain.ActorAnonymous {
		x.allowance = s.Limits.Network(ctx, x.network)
	} else {
		x.proven, x.allowance = true, s.Limits.Tenant(ctx, by.Tenant)
	}
	x.allowance.show(h)
	if x.allowance.Retry > 0 {
		return errTooMany
	}
	return nil
}

// failed counts a refusal that goes to nobody known: of a proof that is none, or
// of one more after too many. Who shows none, or owes a second factor, did not fail.
func (s *Server) failed(r *http.Request, x *exchange, refused *refusal) {
	if refused.kind == errUnauthenticated.kind && presents(r) || refused == errTooMany && !x.proven {
		s.Limits.Failed(x.network)
	}
}

// presents reports whether a request holds what could be a proof.
func presents(r *http.Request) bool {
	return r.Header.Get("Authorization") != "" || r.Header.Get("X-API-Key") != "" ||
		len(cookieValues(r, accessCookie)) > 0 || strings.HasPrefix(r.URL.Path, apiPrefix+"/auth/")
}

// show sets the headers that tell a caller how it stands, or none if it has no limit.
func (a Allowance) show(h http.Header) {
	if a.Limit == 0 {
		for _, name := range []string{"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} {
			h.Del(name)
		}
		return
	}
	h.Set("X-RateLimit-Limit", strconv.Itoa(a.Limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(a.Remaining))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(ceilSeconds(time.Duration(a.Reset.UnixNano())), 10))
}

// retryAfter returns the whole seconds that a refused caller is told to wait:
// wait and up to a quarter more or less, so that those who were refused together
// do not come back together. It is 1 at least.
func retryAfter(wait time.Duration, random io.Reader) int64 {
	var draw [1]byte
	if _, err := io.ReadFull(random, draw[:]); err != nil {
		draw[0] = 128 // in the middle
	}
	spread := time.Duration(draw[0]) * (wait / 2) / 255
	return max(ceilSeconds(wait-wait/4+spread), 1)
}

func ceilSeconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }
