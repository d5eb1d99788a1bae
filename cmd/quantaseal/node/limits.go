package node

import (
	"context"
	"net/netip"
	"time"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	vaulthttp "github.com/quantaseal/quantaseal/http"
	"github.com/quantaseal/quantaseal/internal/auth"
	"github.com/quantaseal/quantaseal/internal/keyring"
	"github.com/quantaseal/quantaseal/internal/ratelimit"
)

// limits implements http.Limits: who may ask how often, and under which key that
// is counted.
type limits struct {
	callers, networks *ratelimit.Limiter
	strangers         *ratelimit.Limiter // on this node: to count elsewhere would cost what it is to spare
	perTenant         int                // by default
	perUser, perKey   int
	perNetwork        int
	secrets           *keyring.Instance
	failures          *commands.Failures
}

var (
	_ vaulthttp.Limits  = (*limits)(nil)
	_ commands.Attempts = (*limits)(nil)
)

// How many callers and networks a node remembers, about 200 bytes each. Networks
// have stores of their own, so that no crowd of them makes it forget callers.
const (
	knownCallers  = 1 << 16
	knownNetworks = 1 << 16
)

func (n *Node) openLimits(ctx context.Context, s *stores, secrets *keyring.Instance, options Options) (*limits, error) {
	l := &limits{
		perTenant: n.config.RateLimit, perUser: n.config.UserRateLimit, perKey: n.config.KeyRateLimit,
		perNetwork: n.config.AuthRateLimit, secrets: secrets, failures: n.Failures,
	}
	for _, one := range []struct {
		to    **ratelimit.Limiter
		size  int
		local bool
	}{{&l.callers, knownCallers, false}, {&l.networks, knownNetworks, false}, {&l.strangers, knownNetworks, true}} {
		limiter := &ratelimit.Limiter{Size: one.size, Now: options.Now, Logger: options.Logger}
		if s.limits != nil && !one.local {
			shared, err := ratelimit.OpenShared(ctx, s.limits, one.size, options.Now)
			if err != nil {
				return nil, err
			}
			n.closes = append(n.closes, shared.Close)
			limiter.Shared = shared
		}
		var err error
		if *one.to, err = limiter.Open(); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// Caller implements http.Limits. Who asks comes first: what a user or a key may not
// have does not count against its tenant.
func (l *limits) Caller(ctx context.Context, by domain.Actor, own, cost int) vaulthttp.Allowance {
	perCaller := l.perUser
	if by.Kind == domain.ActorKey {
		perCaller = l.perKey
	}
	mine := l.callers.Take(ctx, "a"+string(by.ID[:]), perMinute(perCaller), cost)
	if mine.Retry > 0 {
		return vaulthttp.Allowance(mine)
	}
	perTenant := l.perTenant
	if own > 0 && (perTenant == 0 || own < perTenant) { // more is not a tenant's to give itself
		perTenant = own
	}
	all := l.callers.Take(ctx, "t"+string(by.Tenant.ID[:]), perMinute(perTenant), cost)
	if all.Limit == 0 || mine.Limit > 0 && all.Retry == 0 && mine.Remaining < all.Remaining {
		return vaulthttp.Allowance(mine)
	}
	return vaulthttp.Allowance(all)
}

// Guess implements commands.Attempts.
func (l *limits) Guess(ctx context.Context, id domain.ID) bool {
	return l.networks.Take(ctx, "g"+string(id[:]), guesses, 1).Retry == 0
}

// guesses are what a known device or session has while the account is locked.
var guesses = ratelimit.Quota{Limit: 5, Window: 15 * time.Minute}

// Failed implements http.Limits.
func (l *limits) Failed(ctx context.Context, network netip.Prefix, account domain.ID) {
	l.failures.Count(auth.NetworkRef(l.secrets.AddressKey, network), account)
	l.strangers.Take(ctx, l.networkKey(network), perMinute(l.perNetwork), 1)
}

// Strange implements http.Limits.
func (l *limits) Strange(network netip.Prefix) vaulthttp.Allowance {
	return vaulthttp.Allowance(l.strangers.Peek(l.networkKey(network), perMinute(l.perNetwork)))
}

// Network implements http.Limits.
func (l *limits) Network(ctx context.Context, network netip.Prefix) vaulthttp.Allowance {
	return vaulthttp.Allowance(l.networks.Take(ctx, l.networkKey(network), perMinute(l.perNetwork), 1))
}

// Standing implements http.Limits. Without a limit for tenants nobody's standing
// is shown, so that answers with and without a tenant look alike.
func (l *limits) Standing(network netip.Prefix) vaulthttp.Allowance {
	if l.perTenant == 0 {
		return vaulthttp.Allowance{}
	}
	return vaulthttp.Allowance(l.networks.Peek(l.networkKey(network), perMinute(l.perNetwork)))
}

// networkKey names a network by its MAC: what is counted is stored, and says
// nobody's address.
func (l *limits) networkKey(network netip.Prefix) string {
	ref := auth.NetworkRef(l.secrets.AddressKey, network)
	return "n" + string(ref[:16])
}

func perMinute(limit int) ratelimit.Quota { return ratelimit.Quota{Limit: limit, Window: time.Minute} }

// sweepEvery is how often counters that say nothing any more are removed, and
// refusals are put on the record whose window is over.
const sweepEvery = time.Minute

func (n *Node) sweepLimits(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		n.recordFailures(ctx, false)
		if err := n.limits.callers.Sweep(ctx); err != nil && ctx.Err() == nil { // one table holds them all
			n.logger.WarnContext(ctx, "counters of rate limits were not swept", "err", err)
		}
	}
}

// recordFailures puts what was refused to nobody known on the record.
func (n *Node) recordFailures(ctx context.Context, unfinished bool) {
	if err := n.Failures.Record(ctx, requestID(), unfinished); err != nil && ctx.Err() == nil {
		n.logger.WarnContext(ctx, "refusals are not on the record yet", "err", err)
	}
}
