package sealedstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

var (
	// ErrNoDeployment reports that the databases belong to no deployment yet.
	ErrNoDeployment = errors.New("sealedstore: no deployment yet")
	// ErrDeploymentExists reports that they belong to one already.
	ErrDeploymentExists = errors.New("sealedstore: the deployment exists")
)

// Deployment is what a log's identity is made of. It is public and never changes.
type Deployment struct {
	Origin        string
	RootPublicKey []byte
	CreatedUS     uint64 // Unix microseconds
	Nonce         [32]byte
	LogID         [32]byte
}

// LoadDeployment returns the deployment, or ErrNoDeployment.
func (s *Store) LoadDeployment(ctx context.Context) (Deployment, error) {
	var d Deployment
	var created int64
	err := s.Keys.Read.QueryRowContext(ctx,
		`SELECT origin, root_public_key, created_us, nonce, log_id FROM deployment WHERE id = 1`).
		Scan(&d.Origin, &d.RootPublicKey, &created, fixed(d.Nonce[:]), fixed(d.LogID[:]))
	if errors.Is(err, sql.ErrNoRows) {
		return Deployment{}, ErrNoDeployment
	}
	if err != nil {
		return Deployment{}, fmt.Errorf("loading the deployment: %w", err)
	}
	d.CreatedUS = uint64(created)
	return d, nil
}

// StoreDeployment keeps the deployment durably, once: after that, and for the
// slower of two nodes, it returns ErrDeploymentExists.
func (s *Store) StoreDeployment(ctx context.Context, d Deployment) error {
	result, err := s.Keys.Write.ExecContext(ctx,
		`INSERT INTO deployment (id, origin, root_public_key, created_us, nonce, log_id)
			VALUES (1, $1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING`,
		d.Origin, d.RootPublicKey, int64(d.CreatedUS), d.Nonce[:], d.LogID[:])
	if err != nil {
		return fmt.Errorf("storing the deployment: %w", err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return fmt.Errorf("storing the deployment: %w", err)
	}
	if n == 0 {
		return ErrDeploymentExists
	}
	return nil
}
