package sealedstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/quantaseal/quantaseal/internal/keyring"
)

// LoadDeployment returns the deployment, or keyring.ErrNoDeployment.
func (s *Store) LoadDeployment(ctx context.Context) (keyring.Deployment, error) {
	var d keyring.Deployment
	var created int64
	err := s.Keys.Read.QueryRowContext(ctx,
		`SELECT origin, root_public_key, created_us, nonce, log_id FROM deployment WHERE id = 1`).
		Scan(&d.Origin, &d.RootPublicKey, &created, fixed(d.Nonce[:]), fixed(d.LogID[:]))
	if errors.Is(err, sql.ErrNoRows) {
		return keyring.Deployment{}, keyring.ErrNoDeployment
	}
	if err != nil {
		return keyring.Deployment{}, fmt.Errorf("loading the deployment: %w", err)
	}
	d.CreatedUS = uint64(created) //nolint:gosec // not before 1970
	return d, nil
}

// StoreDeployment keeps the deployment durably, once: after that, and for the
// slower of two nodes, it returns keyring.ErrDeploymentExists.
func (s *Store) StoreDeployment(ctx context.Context, d keyring.Deployment) error {
	result, err := s.Keys.Write.ExecContext(ctx,
		`INSERT INTO deployment (id, origin, root_public_key, created_us, nonce, log_id)
			VALUES (1, $1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING`,
		d.Origin, d.RootPublicKey, int64(d.CreatedUS), d.Nonce[:], d.LogID[:]) //nolint:gosec // Unix microseconds
	if err != nil {
		return fmt.Errorf("storing the deployment: %w", err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return fmt.Errorf("storing the deployment: %w", err)
	}
	if n == 0 {
		return keyring.ErrDeploymentExists
	}
	return nil
}
