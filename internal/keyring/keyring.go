// Package keyring holds the keys of a deployment and of its tenants, and does
// with them what commands and the log ask for. Keys are stored wrapped: a
// tenant's under its key-encryption key, and that one under a key that never
// leaves the [KMS].
//
//	KMS ─┬─ tenant key, one per epoch of at most 90 days
//	     │    ├─ audit, record and blinding keys, and the key of the tenant's own data
//	     │    ├─ one key per person, for what events say of that person
//	     │    ├─ generations of keys for envelopes and for documents
//	     │    └─ one slot per sealed version
//	     └─ the instance's secrets: peppers and token keys
//
// Its one law: no key of a tenant is used longer than [CacheTTL] after the KMS last
// gave it away, so taking a permission from the KMS takes the keys from every node.
// The secrets of the [Instance], which open nothing, are the exception.
//
// What is kept in memory is kept unpacked, for at most 1,024 tenants.
package keyring

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/envelope"
	"github.com/quantaseal/quantaseal/internal/seal"
)

// Limits of the cache.
const (
	// CacheTTL is how long keys are used after they were loaded. Use does not prolong it.
	CacheTTL = 300 * time.Second

	maxUses        = 100_000 // of a tenant's keys as wrapping keys, between two loads
	cachedTenants  = 1024
	cachedSubjects = 16384
	cachedCrypto   = 512             // about 100 kB each, unpacked
	failureTTL     = time.Second     // how long a failed load answers for the next ones
	loadTimeout    = 5 * time.Second // of one load, KMS calls included
)

// ErrUnavailable refuses what needs keys that cannot be had now.
var ErrUnavailable = &domain.Error{Kind: domain.Unavailable, Message: "keys are unavailable; try again"}

var (
	// ErrForeignKey reports that nobody here has the deployment's root key.
	ErrForeignKey = errors.New("keyring: the deployment's root key cannot be had from this KMS")
	// ErrNoTenant reports a tenant that has no keys.
	ErrNoTenant = errors.New("keyring: the tenant has no keys")

	errLost = errors.New("keyring: one of the tenant's keys is lost")
)

// Config is what a key ring stands on. All fields are required but Former and Roots.
type Config struct {
	KMS    KMS       // wraps what is new
	Former KMS       // unwraps what KMS does not hold, while a deployment moves; nil = nothing
	Roots  []RootKey // who may have the root key: the first founds a deployment. None = KMS wraps one
	Store  Store
	Now    func() time.Time
	Origin string // names the deployment when it is created; later the stored name counts
}

// Ring is the key ring of one deployment. Its methods may be called from any
// number of goroutines. It implements commands.Sealer, commands.Tenants,
// commands.Crypto and eventstore.Keys.
type Ring struct {
	kms    KMS
	former KMS // nil = none
	roots  []RootKey
	store  Store
	now    func() time.Time

	deployment Deployment
	root       *chain.PublicKey
	signer     RootKey
	opener     *seal.Opener
	envelopes  *envelope.Opener
	decoy      decoy

	tenants    *lru.Cache[domain.TenantID, *tenantKeys]
	subjects   *lru.Cache[subjectID, *subjectKey]
	crypto     *lru.Cache[cryptoID, *cryptoKey]
	loads      singleflight.Group
	generation atomic.Uint64 // rises when what is being loaded must not be kept
}

// Open returns the key ring of the deployment that c.Store belongs to, which it
// creates if there is none: of several nodes that start at once one creates it
// and all use it. It returns ErrForeignKey if the deployment has another root key
// than those that c gives and that are kept wrapped.
func Open(ctx context.Context, c Config) (*Ring, error) {
	r := &Ring{kms: c.KMS, former: c.Former, roots: c.Roots, store: c.Store, now: c.Now}
	var err error
	if r.tenants, err = lru.New[domain.TenantID, *tenantKeys](cachedTenants); err != nil {
		return nil, err
	}
	if r.subjects, err = lru.New[subjectID, *subjectKey](cachedSubjects); err != nil {
		return nil, err
	}
	if r.crypto, err = lru.New[cryptoID, *cryptoKey](cachedCrypto); err != nil {
		return nil, err
	}
	if r.envelopes, err = envelope.NewOpener(); err != nil {
		return nil, fmt.Errorf("opening the key ring: %w", err)
	}
	if r.opener, err = seal.NewOpener(); err != nil {
		return nil, fmt.Errorf("opening the key ring: %w", err)
	}
	if r.decoy, err = newDecoy(); err != nil {
		return nil, fmt.Errorf("opening the key ring: %w", err)
	}
	if err := r.identify(ctx, c.Origin); err != nil {
		return nil, fmt.Errorf("opening the key ring: %w", err)
	}
	return r, nil
}

// Purge forgets every key in memory. What runs now may finish with those it has.
func (r *Ring) Purge() {
	r.generation.Add(1)
	r.tenants.Purge()
	r.subjects.Purge()
	r.crypto.Purge()
}

// forgetTenant makes the next use of tenant's keys load them.
func (r *Ring) forgetTenant(tenant domain.TenantID) {
	r.generation.Add(1)
	r.loads.Forget(tenantName(tenant))
	r.tenants.Remove(tenant)
}

// forgetSubject makes the next use of a person's key load it.
func (r *Ring) forgetSubject(id subjectID) {
	r.generation.Add(1)
	r.loads.Forget(id.name())
	r.subjects.Remove(id)
}

func tenantName(tenant domain.TenantID) string { return "tenant " + tenant.String() }

func (id subjectID) name() string { return "user " + id.tenant.String() + " " + id.user.String() }

// once runs load for all who ask under the same name at the same time. It goes
// on when the first of them gives up, but not for longer than loadTimeout.
func once[T any](ctx context.Context, r *Ring, name string, load func(context.Context) (T, error)) (T, error) {
	result := r.loads.DoChan(name, func() (any, error) {
		loading, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
		defer cancel()
		return load(loading)
	})
	var none T
	select {
	case got := <-result:
		if got.Err != nil {
			return none, got.Err
		}
		value, ok := got.Val.(T)
		if !ok {
			return none, fmt.Errorf("keyring: two kinds of keys under the name %q", name)
		}
		return value, nil
	case <-ctx.Done():
		return none, fmt.Errorf("waiting for keys: %w", ctx.Err())
	}
}
