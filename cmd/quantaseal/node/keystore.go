package node

import (
	"context"
	"errors"

	"github.com/quantaseal/quantaseal/internal/keyring"
	"github.com/quantaseal/quantaseal/internal/sealedstore"
)

// keyStore lets the sealed store keep the key ring's keys. Neither package
// imports the other.
type keyStore struct{ *sealedstore.Store }

var _ keyring.Store = keyStore{}

// sameError pairs the sealed store's errors with the key ring's.
var sameError = map[error]error{
	sealedstore.ErrNoKey:            keyring.ErrNoKey,
	sealedstore.ErrKeyExists:        keyring.ErrKeyExists,
	sealedstore.ErrNoDeployment:     keyring.ErrNoDeployment,
	sealedstore.ErrDeploymentExists: keyring.ErrDeploymentExists,
}

func translate(err error) error {
	for theirs, ours := range sameError {
		if errors.Is(err, theirs) {
			return ours
		}
	}
	return err
}

func (k keyStore) LoadKey(ctx context.Context, tenant [16]byte, purpose string, subject [16]byte, epoch uint32) ([]byte, error) {
	blob, err := k.Store.LoadKey(ctx, tenant, purpose, subject, epoch)
	return blob, translate(err)
}

func (k keyStore) StoreKeys(ctx context.Context, keys []keyring.WrappedKey) error {
	rows := make([]sealedstore.WrappedKey, len(keys))
	for i, key := range keys {
		rows[i] = sealedstore.WrappedKey(key)
	}
	return translate(k.Store.StoreKeys(ctx, rows))
}

func (k keyStore) KeysOf(ctx context.Context, purpose string, after int64, limit int) ([]keyring.WrappedKey, int64, error) {
	rows, last, err := k.Store.KeysOf(ctx, purpose, after, limit)
	keys := make([]keyring.WrappedKey, len(rows))
	for i, row := range rows {
		keys[i] = keyring.WrappedKey(row)
	}
	return keys, last, err
}

func (k keyStore) ReplaceKeys(ctx context.Context, replacements []keyring.Replacement) (int, error) {
	rows := make([]sealedstore.Replacement, len(replacements))
	for i, r := range replacements {
		rows[i] = sealedstore.Replacement{Old: sealedstore.WrappedKey(r.Old), Blob: r.New.Blob}
	}
	return k.Store.ReplaceKeys(ctx, rows)
}

func (k keyStore) LoadDeployment(ctx context.Context) (keyring.Deployment, error) {
	d, err := k.Store.LoadDeployment(ctx)
	return keyring.Deployment(d), translate(err)
}

func (k keyStore) StoreDeployment(ctx context.Context, d keyring.Deployment) error {
	return translate(k.Store.StoreDeployment(ctx, sealedstore.Deployment(d)))
}
