package sealedstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/quantaseal/quantaseal/domain"
)

// Put keeps sealed durably. It means nothing until a fact names its hash. Asked
// again for the same hash it changes nothing. It returns a fault for a slot
// longer than MaxSlot, or if either part may not have been kept; what was kept of
// it then stays until it is destroyed.
func (s *Store) Put(ctx context.Context, tenant domain.TenantID, credential domain.CredentialID, sealed domain.SealedRecord) error {
	slot, err := pad(sealed.Slot, slotSize)
	if err != nil {
		return fmt.Errorf("keeping a key slot: %w", err)
	}
	now := s.Now().UnixMicro()
	kept := newOutcome(2)
	s.records.submit(ctx, &write{row: []any{
		tenant.ID[:], credential.ID[:], sealed.Hash[:], sealed.KEMKeyID[:], now, sealed.Record,
	}}, kept)
	s.slots.submit(ctx, &write{row: []any{tenant.ID[:], sealed.Hash[:], now, slot}}, kept)
	if err := kept.wait(ctx); err != nil {
		return fmt.Errorf("keeping a sealed record: %w", err)
	}
	return nil
}

// Get returns tenant's record and slot with a hash, or a zero SealedRecord if
// either is gone. It looks for both in every case. A slot that is damaged comes
// without its key, and opens nothing.
func (s *Store) Get(ctx context.Context, tenant domain.TenantID, hash domain.Digest) (domain.SealedRecord, error) {
	if s.Embedded {
		// A context that can end costs the driver a goroutine for each statement.
		ctx = context.WithoutCancel(ctx)
	}
	sealed := domain.SealedRecord{Hash: hash}
	var slot, kem []byte
	errSlot := s.sql.slot.QueryRowContext(ctx, hash[:], tenant.ID[:]).Scan(&slot)
	errRecord := s.sql.record.QueryRowContext(ctx, hash[:], tenant.ID[:]).Scan(&kem, &sealed.Record)
	for _, err := range []error{errSlot, errRecord} {
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return domain.SealedRecord{}, fmt.Errorf("loading a sealed record: %w", err)
		}
	}
	if errSlot != nil || errRecord != nil {
		return domain.SealedRecord{}, nil //nolint:nilerr // one of them is gone
	}
	if copy(sealed.KEMKeyID[:], kem) != len(sealed.KEMKeyID) {
		return domain.SealedRecord{}, fmt.Errorf("loading a sealed record: a key id of %d bytes", len(kem))
	}
	sealed.Slot, _ = unpad(slot) // whoever opens it finds out, and has it recorded
	return sealed, nil
}

// Pending returns up to limit records kept before a moment, oldest first, that
// follow the cursor after, which starts at zero. It costs the same wherever the
// cursor stands. Fewer than limit mean that there are no more.
func (s *Store) Pending(ctx context.Context, before time.Time, after int64, limit int) ([]domain.KeptRecord, error) {
	rows, err := s.sql.kept.QueryContext(ctx, after, limit)
	if err != nil {
		return nil, fmt.Errorf("listing sealed records: %w", err)
	}
	defer func() { _ = rows.Close() }() // Err tells what went wrong
	var records []domain.KeptRecord
	for rows.Next() {
		var k domain.KeptRecord
		var kept int64
		if err := rows.Scan(&k.Cursor, &kept, fixed(k.Tenant.ID[:]), fixed(k.Credential.ID[:]), fixed(k.RecordHash[:])); err != nil {
			return nil, fmt.Errorf("listing sealed records: %w", err)
		}
		if kept >= before.UnixMicro() {
			break // ids and times rise together
		}
		records = append(records, k)
	}
	return records, rows.Err()
}

// fixed scans exactly as many bytes as it holds.
type fixed []byte

// Scan implements sql.Scanner.
func (f fixed) Scan(src any) error {
	b, ok := src.([]byte)
	if !ok || len(b) != len(f) {
		return fmt.Errorf("sealedstore: a column does not hold %d bytes", len(f))
	}
	copy(f, b)
	return nil
}
