package sealedstore

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
)

var (
	// ErrNoKey reports that no such wrapped key is kept.
	ErrNoKey = errors.New("sealedstore: no such key")
	// ErrKeyExists reports that a wrapped key with the same name is kept already.
	// None of the keys offered with it was stored.
	ErrKeyExists = errors.New("sealedstore: the key exists")
)

// WrappedKey is key material under another key, opaque to the store. Tenant,
// Purpose, Subject and Epoch name it.
type WrappedKey struct {
	Tenant  [16]byte // zero: the deployment's own
	Purpose string   // what the key is for
	Subject [16]byte // whom or what it is about; zero: the tenant as a whole
	Epoch   uint32   // which in the succession of such keys
	Blob    []byte   // at most MaxWrapped bytes
}

// LoadKey returns the wrapped key with a name, or ErrNoKey.
func (s *Store) LoadKey(ctx context.Context, tenant [16]byte, purpose string, subject [16]byte, epoch uint32) ([]byte, error) {
	var row []byte
	err := s.sql.key.QueryRowContext(ctx, tenant[:], purpose, subject[:], int64(epoch)).Scan(&row)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNoKey
	}
	if err != nil {
		return nil, fmt.Errorf("loading a wrapped key: %w", err)
	}
	return unpad(row)
}

// StoreKeys keeps all of keys, durably, or none: it returns ErrKeyExists if one
// of them is kept already. Of two nodes that store the same names at the same
// time one succeeds and the other gets ErrKeyExists. A key that was destroyed
// may be stored again.
func (s *Store) StoreKeys(ctx context.Context, keys []WrappedKey) error {
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
			return ErrKeyExists
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("storing wrapped keys: %w", err)
	}
	return nil
}

func compareNames(a, b WrappedKey) int {
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
	err := s.slots.do(ctx, &write{destroy: func(ctx context.Context, tx *sql.Tx) error {
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
	if err != nil {
		return fmt.Errorf("destroying a wrapped key: %w", err)
	}
	s.shredded.Add(1)
	return nil
}
