package sealedstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
)

// Holds reports whether a record and a key slot with a hash are kept for tenant.
func (s *Store) Holds(ctx context.Context, tenant domain.TenantID, hash domain.Digest) (record, slot bool, err error) {
	record, err = exists(s.sql.hasRecord.QueryRowContext(ctx, hash[:], tenant.ID[:]))
	if err == nil {
		slot, err = exists(s.sql.hasSlot.QueryRowContext(ctx, hash[:], tenant.ID[:]))
	}
	if err != nil {
		return false, false, fmt.Errorf("looking for a sealed record: %w", err)
	}
	return record, slot, nil
}

func exists(row *sql.Row) (bool, error) {
	var one int
	err := row.Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// Kept is a record or a key slot that is kept, whether or not a fact names it.
type Kept struct {
	Cursor     int64 // the place to go on from
	KeptAt     int64 // since when, Unix microseconds
	Tenant     domain.TenantID
	Credential domain.CredentialID // of a record; a slot does not say
	RecordHash domain.Digest
}

// KeptRecords returns up to limit records that follow the cursor after, which starts
// at zero. Fewer than limit mean that there are no more.
func (s *Store) KeptRecords(ctx context.Context, after int64, limit int) ([]Kept, error) {
	return listKept(ctx, s.sql.kept, after, limit, func(k *Kept) []any {
		return []any{&k.Cursor, &k.KeptAt, fixed(k.Tenant.ID[:]), fixed(k.Credential.ID[:]), fixed(k.RecordHash[:])}
	})
}

// KeptSlots returns key slots, likewise.
func (s *Store) KeptSlots(ctx context.Context, after int64, limit int) ([]Kept, error) {
	return listKept(ctx, s.sql.slots, after, limit, func(k *Kept) []any {
		return []any{&k.Cursor, &k.KeptAt, fixed(k.Tenant.ID[:]), fixed(k.RecordHash[:])}
	})
}

func listKept(ctx context.Context, stmt *sql.Stmt, after int64, limit int, fields func(*Kept) []any) (all []Kept, err error) {
	rows, err := stmt.QueryContext(ctx, after, limit)
	if err != nil {
		return nil, fmt.Errorf("listing what is sealed: %w", err)
	}
	defer func() { _ = rows.Close() }() // Err tells what went wrong
	for rows.Next() {
		var k Kept
		if err := rows.Scan(fields(&k)...); err != nil {
			return nil, fmt.Errorf("listing what is sealed: %w", err)
		}
		all = append(all, k)
	}
	return all, rows.Err()
}
