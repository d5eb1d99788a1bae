package sealedstore

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/quantaseal/quantaseal/domain"
)

const (
	sweepAge  = time.Hour // how long a slot may wait for its record
	sweepPage = 256
)

// Shredded returns how many keys were destroyed since the last Vacuum, or since
// the process began.
func (s *Store) Shredded() int64 { return s.shredded.Load() }

// Vacuum writes the database of keys anew, without what was deleted, and destroys
// slots that an interrupted Put left without a record. It is work for a nightly
// job, and for one that sees Shredded above 1,000: rebalanced pages may hold
// stale copies of deleted rows until then. On SQLite writing waits for it, about
// 0.2 s for 100,000 keys; on PostgreSQL the tables are locked as long, and the
// role must own them.
func (s *Store) Vacuum(ctx context.Context) error {
	s.vacuums.Lock()
	defer s.vacuums.Unlock()
	if err := s.sweep(ctx); err != nil {
		return fmt.Errorf("looking for slots without a record: %w", err)
	}
	before := s.shredded.Load()
	statements := []string{`VACUUM FULL key_slots`, `VACUUM FULL wrapped_keys`}
	if s.Embedded {
		statements = []string{`VACUUM`}
	}
	for _, statement := range statements {
		if _, err := s.Keys.Write.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("writing the keys anew: %w", err)
		}
	}
	if s.Embedded {
		if err := s.truncate(ctx); err != nil {
			return err
		}
	}
	s.shredded.Add(-before)
	return nil
}

// slotRow is a slot as sweep sees it.
type slotRow struct {
	id     int64
	tenant domain.TenantID
	hash   domain.Digest
}

// sweep destroys old slots without a record. A record is removed only after its
// slot, so what was once found whole need not be looked at again.
func (s *Store) sweep(ctx context.Context) error {
	before := s.Now().Add(-sweepAge).UnixMicro()
	for {
		page, err := s.slotsAfter(ctx, s.swept, before)
		if err != nil || len(page) == 0 {
			return err
		}
		kept, err := s.recordsOf(ctx, page)
		if err != nil {
			return err
		}
		for _, slot := range page {
			if kept[slot.hash] {
				continue
			}
			if err := s.Destroy(ctx, slot.tenant, slot.hash); err != nil {
				return err
			}
		}
		s.swept = page[len(page)-1].id
	}
}

func (s *Store) slotsAfter(ctx context.Context, after, before int64) ([]slotRow, error) {
	rows, err := s.sql.slots.QueryContext(ctx, after, sweepPage)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err tells what went wrong
	var page []slotRow
	for rows.Next() {
		var slot slotRow
		var kept int64
		if err := rows.Scan(&slot.id, &kept, fixed(slot.tenant.ID[:]), fixed(slot.hash[:])); err != nil {
			return nil, err
		}
		if kept >= before {
			break // ids and times rise together
		}
		page = append(page, slot)
	}
	return page, rows.Err()
}

// recordsOf reports which of the slots have a record.
func (s *Store) recordsOf(ctx context.Context, page []slotRow) (map[domain.Digest]bool, error) {
	args, marks := make([]any, len(page)), make([]string, len(page))
	for i := range page {
		args[i], marks[i] = page[i].hash[:], "$"+strconv.Itoa(i+1)
	}
	rows, err := s.Records.Read.QueryContext(ctx,
		`SELECT record_hash FROM sealed_records WHERE record_hash IN (`+strings.Join(marks, ", ")+`)`, args...) //nolint:gosec // placeholders only
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err tells what went wrong
	kept := map[domain.Digest]bool{}
	for rows.Next() {
		var hash domain.Digest
		if err := rows.Scan(fixed(hash[:])); err != nil {
			return nil, err
		}
		kept[hash] = true
	}
	return kept, rows.Err()
}
