package sealedstore

import (
	"context"
	"database/sql"
	"fmt"
)

// Replacement is a wrapped key that is there, and the blob it shall have.
type Replacement struct {
	Old  WrappedKey
	Blob []byte
}

// KeysOf returns wrapped keys of a purpose, of all tenants, limit of them at most:
// those behind the row after, oldest first, and the last one's row. The first row is
// behind 0.
func (s *Store) KeysOf(ctx context.Context, purpose string, after int64, limit int) (keys []WrappedKey, last int64, err error) {
	rows, err := s.sql.keysOf.QueryContext(ctx, purpose, after, limit)
	if err != nil {
		return nil, after, fmt.Errorf("listing wrapped keys: %w", err)
	}
	defer func() { _ = rows.Close() }() // Err tells
	last = after
	for rows.Next() {
		k := WrappedKey{Purpose: purpose}
		var epoch int64
		var row []byte
		if err := rows.Scan(&last, fixed(k.Tenant[:]), fixed(k.Subject[:]), &epoch, &row); err != nil {
			return nil, after, fmt.Errorf("listing wrapped keys: %w", err)
		}
		k.Epoch = uint32(epoch)
		if k.Blob, err = unpad(row); err != nil {
			return nil, after, err
		}
		keys = append(keys, k)
	}
	if err := rows.Err(); err != nil {
		return nil, after, fmt.Errorf("listing wrapped keys: %w", err)
	}
	return keys, last, nil
}

// ReplaceKeys gives keys other blobs, durably, in one transaction, and returns how
// many. A key that is gone, or has another blob than the old one by now, stays as it
// is. What is replaced is destroyed as DestroyKey does it.
func (s *Store) ReplaceKeys(ctx context.Context, replacements []Replacement) (int, error) {
	var replaced int // nobody reads it before the write is done
	err := s.slots.do(ctx, &write{destroy: func(ctx context.Context, tx *sql.Tx) error {
		replaced = 0
		for _, r := range replacements {
			k := r.Old
			old, err := pad(k.Blob, MaxWrapped+2)
			if err != nil {
				return err
			}
			row, err := pad(r.Blob, MaxWrapped+2)
			if err != nil {
				return err
			}
			result, err := tx.StmtContext(ctx, s.sql.replaceKey).ExecContext(ctx, k.Tenant[:], k.Purpose, k.Subject[:], int64(k.Epoch), old, row)
			if err != nil {
				return err
			}
			n, err := result.RowsAffected()
			if err != nil {
				return err
			}
			replaced += int(n)
		}
		return nil
	}})
	if err != nil {
		return 0, fmt.Errorf("replacing wrapped keys: %w", err)
	}
	s.shredded.Add(int64(replaced))
	return replaced, nil
}
