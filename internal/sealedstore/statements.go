package sealedstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/quantaseal/quantaseal/internal/multirow"
)

// prepared are the statements of a Store.
type prepared struct {
	record, slot, kept, slots, key       *sql.Stmt // on the reading handles
	hasRecord, hasSlot                   *sql.Stmt // likewise
	deleteRecord                         *sql.Stmt // on the records' writing handle
	wipeSlot, deleteSlot                 *sql.Stmt // on the keys' writing handle
	keySize, wipeKey, insertKey, dropKey *sql.Stmt // on the keys' writing handle
	keysOf                               *sql.Stmt // on the keys' reading handle
	replaceKey                           *sql.Stmt // on the keys' writing handle
}

func (s *Store) prepare(ctx context.Context) (err error) {
	p := &s.sql
	for _, want := range []struct {
		stmt **sql.Stmt
		db   *sql.DB
		text string
	}{
		{&p.record, s.Records.Read, `SELECT kem_key_id, record FROM sealed_records WHERE record_hash = $1 AND tenant_id = $2`},
		{&p.kept, s.Records.Read, `SELECT id, kept_us, tenant_id, credential_id, record_hash FROM sealed_records WHERE id > $1 ORDER BY id LIMIT $2`},
		{&p.deleteRecord, s.Records.Write, `DELETE FROM sealed_records WHERE record_hash = $1 AND tenant_id = $2`},
		{&p.slot, s.Keys.Read, `SELECT slot FROM key_slots WHERE record_hash = $1 AND tenant_id = $2`},
		{&p.slots, s.Keys.Read, `SELECT id, kept_us, tenant_id, record_hash FROM key_slots WHERE id > $1 ORDER BY id LIMIT $2`},
		{&p.hasRecord, s.Records.Read, `SELECT 1 FROM sealed_records WHERE record_hash = $1 AND tenant_id = $2`},
		{&p.hasSlot, s.Keys.Read, `SELECT 1 FROM key_slots WHERE record_hash = $1 AND tenant_id = $2`},
		{&p.wipeSlot, s.Keys.Write, `UPDATE key_slots SET slot = $3 WHERE record_hash = $1 AND tenant_id = $2`},
		{&p.deleteSlot, s.Keys.Write, `DELETE FROM key_slots WHERE record_hash = $1 AND tenant_id = $2`},
		{&p.key, s.Keys.Read, `SELECT wrapped FROM wrapped_keys WHERE ` + whichKey},
		{&p.keysOf, s.Keys.Read, `SELECT id, tenant_id, subject_id, epoch, wrapped FROM wrapped_keys WHERE purpose = $1 AND id > $2 ORDER BY id LIMIT $3`},
		{&p.replaceKey, s.Keys.Write, `UPDATE wrapped_keys SET wrapped = $6 WHERE ` + whichKey + ` AND wrapped = $5`},
		{&p.keySize, s.Keys.Write, `SELECT length(wrapped) FROM wrapped_keys WHERE ` + whichKey},
		{&p.wipeKey, s.Keys.Write, `UPDATE wrapped_keys SET wrapped = $5 WHERE ` + whichKey},
		{&p.dropKey, s.Keys.Write, `DELETE FROM wrapped_keys WHERE ` + whichKey},
		{&p.insertKey, s.Keys.Write, `INSERT INTO wrapped_keys (tenant_id, purpose, subject_id, epoch, wrapped)
			VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant_id, purpose, subject_id, epoch) DO NOTHING`},
	} {
		if *want.stmt, err = want.db.PrepareContext(ctx, want.text); err != nil { //nolint:sqlclosecheck // Close closes it
			return fmt.Errorf("preparing %q: %w", want.text, err)
		}
	}
	s.records.db, s.slots.db = s.Records.Write, s.Keys.Write
	s.records.insert, err = multirow.Prepare(ctx, s.Records.Write,
		`INSERT INTO sealed_records (tenant_id, credential_id, record_hash, kem_key_id, kept_us, record)`, 6,
		`ON CONFLICT (record_hash) DO NOTHING`)
	if err != nil {
		return err
	}
	s.slots.insert, err = multirow.Prepare(ctx, s.Keys.Write,
		`INSERT INTO key_slots (tenant_id, record_hash, kept_us, slot)`, 4,
		`ON CONFLICT (record_hash) DO NOTHING`)
	return err
}

const whichKey = `tenant_id = $1 AND purpose = $2 AND subject_id = $3 AND epoch = $4`

func (p *prepared) close() error {
	var errs []error
	for _, stmt := range []*sql.Stmt{
		p.record, p.slot, p.kept, p.slots, p.key, p.hasRecord, p.hasSlot, p.deleteRecord,
		p.wipeSlot, p.deleteSlot, p.keySize, p.wipeKey, p.insertKey, p.dropKey, p.keysOf, p.replaceKey,
	} {
		if stmt != nil {
			errs = append(errs, stmt.Close())
		}
	}
	return errors.Join(errs...)
}
