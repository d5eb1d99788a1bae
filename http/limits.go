package http

import (
	"context"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/quantaseal/quantaseal/commands"
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
	// Caller counts a request of whoever was proven to act, at a cost, against what
	// their tenant may ask and, where that is less, the user or API key. own is what
	// the tenant wants to have at most in a minute; 0 = what it may. Nothing else about
	// the request matters. The answer is that of the limit which comes first.
	Caller(ctx context.Context, by domain.Actor, own, cost int) Allowance
	// Network counts a request that comes from network and need prove nothing.
	Network(ctx context.Context, network netip.Prefix) Allowance
	// Standing returns how network stands, and counts nothing.
	Standing(network netip.Prefix) Allowance
	// Failed counts that a proof which came from network was refused, or not even
	// looked at, and which account it was about, if any. It does not wait for anything.
	Failed(ctx context.Context, network netip.Prefix, account domain.ID)
	// Strange returns how network stands with proofs that were refused, and counts
	// nothing.
	Strange(network netip.Prefix) Allowance
}

// limit counts the request against the limit that goes with who asks: the
// tenant's, or for a public route the network's. The answer shows how it stands
// from here on. It refuses with errTooMany.
func (s *Server) limit(ctx context.Context, in *call, st commands.Standing) error {
	x := in.exchange
	if in.access.public {
		x.allowance = s.Limits.Network(ctx, x.network)
	} else {
		cost := in.cost
		if in.folds != "" && in.http.URL.Query().Has(in.folds) {
			cost = foldCost
		}
		x.proven, x.allowance = true, s.Limits.Caller(ctx, in.by, st.Tenant.Settings.RateLimit, cost)
	}
	x.allowance.show(in.header)
	if x.allowance.Retry > 0 {
		return errTooMany
	}
	return nil
}

// failed counts a refusal that goes to nobody known: of a proof that is none, or
// of one more after too many. Who shows none, or owes a second factor, did not fail.
func (s *Server) failed(r *http.Request, x *exchange, refused *refusal) {
	if refused.kind == errUnauthenticated.kind && presents(r) || refused == errTooMany && !x.proven {
		s.Limits.Failed(r.Context(), x.network, x.account)
	}
}

// strange refuses with errTooMany an API key that this node has never met, from a
// network that proved too little too often: to look for one costs the database a
// question. A key that was used here goes on, whoever else guesses next door.
func (s *Server) strange(x *exchange, key []byte) error {
	if !s.Identity.Strange(key) {
		return nil
	}
	a := s.Limits.Strange(x.network)
	if a.Retry == 0 {
		return nil
	}
	x.allowance = a
	return errTooMany
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
