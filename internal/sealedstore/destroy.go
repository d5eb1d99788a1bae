package sealedstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
)

// Destroy destroys the slots with the given hashes, then removes the records,
// durably. Those already gone are no error. When it returns nil, no slot of them
// is in the live database of keys nor, on SQLite, in its write-ahead log; what
// backups hold ends with their retention. On PostgreSQL deleted rows stay in the
// heap until Vacuum and in the write-ahead log for as long as that is kept.
func (s *Store) Destroy(ctx context.Context, tenant domain.TenantID, hashes ...domain.Digest) error {
	if len(hashes) == 0 {
		return nil
	}
	err := s.slots.do(ctx, &write{destroy: func(ctx context.Context, tx *sql.Tx) error {
		for _, hash := range hashes {
			if err := s.destroySlot(ctx, tx, tenant, hash); err != nil {
				return err
			}
		}
		return nil
	}})
	if err != nil {
		return fmt.Errorf("destroying key slots: %w", err)
	}
	s.shredded.Add(int64(len(hashes)))
	err = s.records.do(ctx, &write{destroy: func(ctx context.Context, tx *sql.Tx) error {
		for _, hash := range hashes {
			if _, err := tx.StmtContext(ctx, s.sql.deleteRecord).ExecContext(ctx, hash[:], tenant.ID[:]); err != nil {
				return err
			}
		}
		return nil
	}})
	if err != nil {
		return fmt.Errorf("removing sealed records: %w", err)
	}
	return nil
}

var zeros [slotSize]byte

// destroySlot removes a slot. On SQLite it is overwritten first, in place; on
// PostgreSQL that would only write a second copy beside it.
func (s *Store) destroySlot(ctx context.Context, tx *sql.Tx, tenant domain.TenantID, hash domain.Digest) error {
	if s.Embedded {
		if _, err := tx.StmtContext(ctx, s.sql.wipeSlot).ExecContext(ctx, hash[:], tenant.ID[:], zeros[:]); err != nil {
			return err
		}
	}
	_, err := tx.StmtContext(ctx, s.sql.deleteSlot).ExecContext(ctx, hash[:], tenant.ID[:])
	return err
}

// errHeld reports that a reader kept the write-ahead log from being emptied.
var errHeld = errors.New("sealedstore: a reader holds the write-ahead log of the keys")

// truncate empties the write-ahead log of the keys, which holds destroyed bytes
// until then. Readers are short, so a few tries under the busy timeout suffice.
func (s *Store) truncate(ctx context.Context) error {
	for range 3 {
		var busy, pages, moved int
		err := s.Keys.Write.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &pages, &moved)
		if err != nil {
			return fmt.Errorf("emptying the write-ahead log of the keys: %w", err)
		}
		if busy == 0 {
			return nil
		}
	}
	return errHeld
}
