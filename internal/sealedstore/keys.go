package sealedstore

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/quantaseal/quantaseal/internal/keyring"
)

// LoadKey returns the wrapped key with a name, or keyring.ErrNoKey.
func (s *Store) LoadKey(ctx context.Context, tenant [16]byte, purpose string, subject [16]byte, epoch uint32) ([]byte, error) {
	var row []byte
	err := s.sql.key.QueryRowContext(ctx, tenant[:], purpose, subject[:], int64(epoch)).Scan(&row)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, keyring.ErrNoKey
	}
	if err != nil {
		return nil, fmt.Errorf("loading a wrapped key: %w", err)
	}
	return unpad(row)
}

// StoreKeys keeps all of keys, of at most MaxWrapped bytes each, durably, or none:
// it returns keyring.ErrKeyExists if one of them is kept already. Of two nodes
// that store the same names at the same time one succeeds and the other gets
// keyring.ErrKeyExists. A key that was destroyed may be stored again.
func (s *Store) StoreKeys(ctx context.Context, keys []keyring.WrappedKey) error {
	keys = slices.Clone(keys)
	slices.SortFunc(keys, compareNames) // two nodes that race take their locks in one order
	tx, err := s.Keys.Write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("storing wrapped keys: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // no more than what Commit left
	insert := tx.StmtContext(ctx, s.sql.insertKey)
	for _, k := range keys {
		row, err := pad(k.Blob, MaxWrapped+2)
		if err != nil {
			return fmt.Errorf("storing a wrapped key: %w", err)
		}
		result, err := insert.ExecContext(ctx, k.Tenant[:], k.Purpose, k.Subject[:], int64(k.Epoch), row)
		if err != nil {
			return fmt.Errorf("storing a wrapped key: %w", err)
		}
		n, err := result.RowsAffected()
		if err != nil {
			return fmt.Errorf("storing a wrapped key: %w", err)
		}
		if n == 0 {
			return keyring.ErrKeyExists
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("storing wrapped keys: %w", err)
	}
	return nil
}

func compareNames(a, b keyring.WrappedKey) int {
	return cmp.Or(
		bytes.Compare(a.Tenant[:], b.Tenant[:]),
		cmp.Compare(a.Purpose, b.Purpose),
		bytes.Compare(a.Subject[:], b.Subject[:]),
		cmp.Compare(a.Epoch, b.Epoch),
	)
}

// DestroyKey destroys a wrapped key as Destroy does a slot. One already gone is
// no error.
func (s *Store) DestroyKey(ctx context.Context, tenant [16]byte, purpose string, subject [16]byte, epoch uint32) error {
	name := []any{tenant[:], purpose, subject[:], int64(epoch)}
	done := s.slots.submit(ctx, &write{destroy: func(ctx context.Context, tx *sql.Tx) error {
		var size int
		err := tx.StmtContext(ctx, s.sql.keySize).QueryRowContext(ctx, name...).Scan(&size)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if s.Embedded {
			wipe := append(slices.Clone(name), make([]byte, size))
			if _, err := tx.StmtContext(ctx, s.sql.wipeKey).ExecContext(ctx, wipe...); err != nil {
				return err
			}
		}
		_, err = tx.StmtContext(ctx, s.sql.dropKey).ExecContext(ctx, name...)
		return err
	}})
	if err := wait(ctx, done); err != nil {
		return fmt.Errorf("destroying a wrapped key: %w", err)
	}
	s.shredded.Add(1)
	return nil
}
