package keyring

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// Deployment is what a deployment's log id is made of. It is public and never
// changes.
type Deployment struct {
	Origin        string   // its name
	RootPublicKey []byte   // certifies the audit keys of all chains
	CreatedUS     uint64   // Unix microseconds
	Nonce         [32]byte // random, so that no two deployments are one
	LogID         [32]byte // chain.LogID of the above: what verifiers pin
}

// Deployment returns the identity that every chain of the deployment names.
func (r *Ring) Deployment() Deployment { return r.deployment }

// LogID returns what verifiers pin.
func (r *Ring) LogID() chain.Hash { return r.deployment.LogID }

// Root returns the key that certifies the audit keys of every chain.
func (r *Ring) Root() *chain.PublicKey { return r.root }

// Development reports whether nothing but a file mode protects the keys.
func (r *Ring) Development() bool { return r.kms.Development() }

// identify loads the deployment's identity, or creates it, and finds the root key
// that it was created with.
func (r *Ring) identify(ctx context.Context, origin string) error {
	d, err := r.store.LoadDeployment(ctx)
	if errors.Is(err, ErrNoDeployment) {
		d, err = r.found(ctx, origin)
	}
	if err != nil {
		return fmt.Errorf("loading the deployment: %w", err)
	}
	if d.LogID != chain.LogID(d.Origin, d.RootPublicKey, d.CreatedUS, d.Nonce) {
		return errors.New("keyring: the stored deployment contradicts its log id")
	}
	if r.root, err = chain.ParsePublicKey(d.RootPublicKey); err != nil {
		return fmt.Errorf("reading the root key: %w", err)
	}
	r.deployment = d
	r.signer, err = r.findRoot(ctx)
	return err
}

// found creates the deployment, unless another node is faster.
func (r *Ring) found(ctx context.Context, origin string) (Deployment, error) {
	public, err := r.foundingRoot(ctx)
	if err != nil {
		return Deployment{}, err
	}
	d := Deployment{Origin: origin, RootPublicKey: public, CreatedUS: r.nowUS()}
	_, _ = rand.Read(d.Nonce[:]) // ends the process rather than fail
	d.LogID = chain.LogID(d.Origin, d.RootPublicKey, d.CreatedUS, d.Nonce)
	err = r.store.StoreDeployment(ctx, d)
	if errors.Is(err, ErrDeploymentExists) {
		return r.store.LoadDeployment(ctx)
	}
	return d, err
}

func (r *Ring) nowUS() uint64 { return uint64(max(0, r.now().UnixMicro())) }
