package keyring

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// SignRoot returns the root key's ML-DSA-65 signature of message under a FIPS 204
// context string. It believes no KMS: what does not verify is a fault.
func (r *Ring) SignRoot(ctx context.Context, signContext string, message []byte) ([]byte, error) {
	signature, err := r.signer.Sign(ctx, signContext, message)
	if err != nil {
		return nil, fmt.Errorf("signing with the root key: %w", err)
	}
	if !r.root.Verify(signContext, message, signature) {
		return nil, fmt.Errorf("signing with the root key: %w", ErrLied)
	}
	return signature, nil
}

// findRoot returns who signs for the deployment: the first that has its root key.
func (r *Ring) findRoot(ctx context.Context) (RootKey, error) {
	var last error
	for _, root := range r.roots {
		public, err := root.PublicKey(ctx)
		if err == nil && bytes.Equal(public, r.deployment.RootPublicKey) {
			return root, nil
		}
		last = errors.Join(last, err)
	}
	kept, err := r.loadRoot(ctx)
	switch {
	case err == nil && kept.key.ID() == r.root.ID():
		return kept, nil
	case err != nil && !errors.Is(err, ErrNoKey):
		last = errors.Join(last, err)
	}
	if last != nil {
		return nil, fmt.Errorf("%w: %w", ErrForeignKey, last)
	}
	return nil, ErrForeignKey
}

// foundingRoot returns the public key of the root of a deployment that is about to
// begin. If nobody brings one, it makes one, which the KMS wraps.
func (r *Ring) foundingRoot(ctx context.Context) ([]byte, error) {
	if len(r.roots) > 0 {
		public, err := r.roots[0].PublicKey(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading the root key: %w", err)
		}
		return public, nil
	}
	kept, err := r.loadRoot(ctx)
	if errors.Is(err, ErrNoKey) {
		seed := forRoot.draw()
		defer clear(seed)
		if err := r.keepRoot(ctx, (*[chain.SeedSize]byte)(seed)); err != nil {
			return nil, err
		}
		kept, err = r.loadRoot(ctx) // another node may have been faster
	}
	if err != nil {
		return nil, err
	}
	return kept.key.Public().Bytes(), nil
}

// keptRoot is a root key that the KMS wraps. It is in memory while a node runs.
type keptRoot struct{ key *chain.SigningKey }

// Sign implements RootKey.
func (k keptRoot) Sign(_ context.Context, signContext string, message []byte) ([]byte, error) {
	return k.key.Sign(signContext, message)
}

// PublicKey implements RootKey.
func (k keptRoot) PublicKey(context.Context) ([]byte, error) { return k.key.Public().Bytes(), nil }

// A stored root key is its id ‖ KMS blob of its seed. The encryption context names
// the id, for the log id is made of the root key and not yet known.
func rootContext(id chain.Hash) map[string]string {
	return map[string]string{
		"app": "quantaseal", "purpose": forRoot.name, "key_id": hex.EncodeToString(id[:]), "epoch": strconv.Itoa(firstEpoch),
	}
}

// loadRoot returns the root key that is kept, or ErrNoKey.
func (r *Ring) loadRoot(ctx context.Context) (keptRoot, error) {
	stored, err := r.store.LoadKey(ctx, [16]byte{}, forRoot.name, [16]byte{}, firstEpoch)
	if err != nil {
		return keptRoot{}, fmt.Errorf("loading the root key: %w", err)
	}
	id, blob, err := splitStored(stored, len(chain.Hash{}))
	if err != nil {
		return keptRoot{}, err
	}
	seed, err := r.decrypt(ctx, rootContext(chain.Hash(id)), blob)
	if err != nil {
		return keptRoot{}, fmt.Errorf("unwrapping the root key: %w", err)
	}
	defer clear(seed)
	if len(seed) != forRoot.size {
		return keptRoot{}, fmt.Errorf("keyring: a root key of %d bytes, not %d", len(seed), forRoot.size)
	}
	return keptRoot{chain.NewSigningKey((*[chain.SeedSize]byte)(seed))}, nil
}

// keepRoot stores a root key under the KMS, durably, unless one is kept.
func (r *Ring) keepRoot(ctx context.Context, seed *[chain.SeedSize]byte) error {
	id := chain.NewSigningKey(seed).ID()
	blob, err := r.encrypt(ctx, rootContext(id), seed[:])
	if err != nil {
		return fmt.Errorf("wrapping the root key: %w", err)
	}
	err = r.store.StoreKeys(ctx, []WrappedKey{{Purpose: forRoot.name, Epoch: firstEpoch, Blob: append(id[:], blob...)}})
	if err != nil && !errors.Is(err, ErrKeyExists) {
		return fmt.Errorf("storing the root key: %w", err)
	}
	return nil
}
