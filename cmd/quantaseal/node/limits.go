package node

import (
	"context"
	"net/netip"
	"time"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	vaulthttp "github.com/quantaseal/quantaseal/http"
	"github.com/quantaseal/quantaseal/internal/auth"
	"github.com/quantaseal/quantaseal/internal/keyring"
	"github.com/quantaseal/quantaseal/internal/ratelimit"
)

// limits implements http.Limits: who may ask how often, and under which key that
// is counted.
type limits struct {
	tenants, networks *ratelimit.Limiter
	perTenant         int // by default
	perNetwork        int
	secrets           *keyring.Instance
	log               *eventstore.Log // where tenants say what they want less of
	failures          *commands.Failures
}

var (
	_ vaulthttp.Limits  = (*limits)(nil)
	_ commands.Attempts = (*limits)(nil)
)

// How many tenants and networks a node remembers, about 200 bytes each. Networks
// have a store of their own, so that no crowd of them makes it forget tenants.
const (
	knownTenants  = 1 << 16
	knownNetworks = 1 << 16
)

func (n *Node) openLimits(ctx context.Context, s *stores, secrets *keyring.Instance, options Options) (*limits, error) {
	l := &limits{perTenant: n.config.RateLimit, perNetwork: n.config.AuthRateLimit, secrets: secrets, log: n.Log, failures: n.Failures}
	for _, one := range []struct {
		to   **ratelimit.Limiter
		size int
	}{{&l.tenants, knownTenants}, {&l.networks, knownNetworks}} {
		limiter := &ratelimit.Limiter{Size: one.size, Now: options.Now, Logger: options.Logger}
		if s.limits != nil {
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

// Tenant implements http.Limits.
func (l *limits) Tenant(ctx context.Context, tenant domain.TenantID) vaulthttp.Allowance {
	return vaulthttp.Allowance(l.tenants.Take(ctx, "t"+string(tenant.ID[:]), perMinute(l.limitOf(ctx, tenant))))
}

// limitOf returns how often tenant may ask in a minute: as often as every tenant,
// or less if its settings say so. More is not a tenant's to give itself.
func (l *limits) limitOf(ctx context.Context, tenant domain.TenantID) int {
	t, _, err := eventstore.Fold[domain.Tenant](ctx, l.log, tenant, domain.AggregateID{Kind: domain.KindTenant, ID: tenant.ID})
	if err != nil || t.Settings.RateLimit == 0 { // what cannot be read now is told by whatever comes next
		return l.perTenant
	}
	return min(l.perTenant, t.Settings.RateLimit)
}

// Guess implements commands.Attempts.
func (l *limits) Guess(ctx context.Context, id domain.ID) bool {
	return l.networks.Take(ctx, "g"+string(id[:]), guesses).Retry == 0
}

// guesses are what a known device or session has while the account is locked.
var guesses = ratelimit.Quota{Limit: 5, Window: 15 * time.Minute}

// Failed implements http.Limits.
func (l *limits) Failed(network netip.Prefix) {
	l.failures.Count(auth.NetworkRef(l.secrets.AddressKey, network))
}

// Network implements http.Limits.
func (l *limits) Network(ctx context.Context, network netip.Prefix) vaulthttp.Allowance {
	return vaulthttp.Allowance(l.networks.Take(ctx, l.networkKey(network), perMinute(l.perNetwork)))
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
		if err := n.limits.tenants.Sweep(ctx); err != nil && ctx.Err() == nil { // one table holds them all
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
