package projections

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/internal/multirow"
)

// Credentials keeps a row for every credential with its current version, and one
// for each version that is over. No value ever comes near it.
type Credentials struct {
	seal        *multirow.Insert
	over, shred *sql.Stmt // credential_versions
	rotate      *sql.Stmt // credentials, as the ones below
	retire, end *sql.Stmt
}

// Numbers that the tables keep.
const (
	statusActive, statusRetired, statusEnded = int64(0), int64(1), int64(2)
	stateSuperseded, stateEnded              = int64(1), int64(2)
)

func newCredentials(ctx context.Context, p *preparer) *Credentials {
	return &Credentials{
		seal: p.insert(ctx, `INSERT INTO credentials (tenant_id, credential_id, environment, status, created_seq,
			name, type, class, algorithm, owner_id, version, record_hash, kem_key_id,
			ttl_days, created_at, sealed_at, updated_at, expires_at, restore_until, metadata)`, 20, ``),
		over: p.stmt(ctx, `INSERT INTO credential_versions (tenant_id, credential_id, version, state,
				record_hash, kem_key_id, sealed_at, expires_at, shredded_at)
			SELECT tenant_id, credential_id, version, CAST($3 AS BIGINT), record_hash, kem_key_id, sealed_at, expires_at, 0
			FROM credentials WHERE tenant_id = $1 AND credential_id = $2
			ON CONFLICT (tenant_id, credential_id, version) DO NOTHING`),
		shred: p.stmt(ctx, `UPDATE credential_versions SET shredded_at = $4
			WHERE tenant_id = $1 AND credential_id = $2 AND version = $3 AND shredded_at = 0`),
		rotate: p.stmt(ctx, `UPDATE credentials SET version = $3, record_hash = $4, kem_key_id = $5, expires_at = $6,
			sealed_at = $7, updated_at = $8 WHERE tenant_id = $1 AND credential_id = $2`),
		retire: p.stmt(ctx, `UPDATE credentials SET status = $3, restore_until = $4, updated_at = $5
			WHERE tenant_id = $1 AND credential_id = $2`),
		end: p.stmt(ctx, `UPDATE credentials SET status = $3, updated_at = $4 WHERE tenant_id = $1 AND credential_id = $2`),
	}
}

// Name implements Projection.
func (*Credentials) Name() string { return "credentials/1" }

// Tables implements Projection.
func (*Credentials) Tables() []string { return []string{"credentials", "credential_versions"} }

// Apply implements Projection. New credentials of a batch wait to be inserted
// together, until a fact changes one that may be among them.
func (c *Credentials) Apply(ctx context.Context, tx *sql.Tx, facts []eventstore.Recorded) error {
	var waiting []any
	for i := range facts {
		f := &facts[i]
		var err error
		switch e := f.Event.(type) {
		case domain.CredentialSealed:
			waiting, err = appendSealed(waiting, f, e)
		case domain.CredentialRotated, domain.CredentialRetired, domain.CredentialRestored,
			domain.CredentialExpired, domain.CredentialDeleted,
			domain.CredentialVersionShredded, domain.CredentialShredded:
			if err = c.seal.Exec(ctx, tx, waiting); err == nil {
				waiting, err = waiting[:0], c.change(ctx, tx, f)
			}
		}
		if err != nil {
			return fmt.Errorf("applying %s: %w", f.Header.EventType, err)
		}
	}
	if err := c.seal.Exec(ctx, tx, waiting); err != nil {
		return fmt.Errorf("inserting credentials: %w", err)
	}
	return nil
}

// appendSealed appends the values of a new credential's row.
func appendSealed(args []any, f *eventstore.Recorded, e domain.CredentialSealed) ([]any, error) {
	metadata, err := canonical(e.Personal.Metadata)
	id := e.EntryID.Credential().ID
	return append(args, f.Header.Tenant[:], id[:], string(e.Environment), statusActive, seq(f),
		e.Personal.Name, e.Type, e.Classification, e.Algorithm, e.Owner.ID[:], int64(e.Version), e.RecordHash[:], e.KEMKeyID[:],
		int64(e.TTLDays), at(f), at(f), at(f), e.ExpiresAt, int64(0), metadata), err
}

// change applies a fact about a credential that has its row.
func (c *Credentials) change(ctx context.Context, tx *sql.Tx, f *eventstore.Recorded) error {
	tenant := f.Header.Tenant[:]
	switch e := f.Event.(type) {
	case domain.CredentialRotated:
		id := e.NewEntryID.Credential().ID
		if err := exec(ctx, tx, c.over, tenant, id[:], stateSuperseded); err != nil {
			return err
		}
		return exec(ctx, tx, c.rotate, tenant, id[:], int64(e.Version), e.RecordHash[:], e.KEMKeyID[:], e.ExpiresAt, at(f), at(f))
	case domain.CredentialRetired:
		id := e.EntryID.Credential().ID
		return exec(ctx, tx, c.retire, tenant, id[:], statusRetired, e.RestoreUntil, at(f))
	case domain.CredentialRestored:
		id := e.EntryID.Credential().ID
		return exec(ctx, tx, c.retire, tenant, id[:], statusActive, int64(0), at(f))
	case domain.CredentialExpired:
		return c.ended(ctx, tx, f, e.EntryID)
	case domain.CredentialDeleted:
		return c.ended(ctx, tx, f, e.EntryID)
	case domain.CredentialVersionShredded:
		return c.shredded(ctx, tx, f, e.EntryID)
	case domain.CredentialShredded:
		return c.shredded(ctx, tx, f, e.EntryID)
	}
	return nil
}

// ended ends a credential with its current version.
func (c *Credentials) ended(ctx context.Context, tx *sql.Tx, f *eventstore.Recorded, entry domain.EntryID) error {
	id := entry.Credential().ID
	if err := exec(ctx, tx, c.over, f.Header.Tenant[:], id[:], stateEnded); err != nil {
		return err
	}
	return exec(ctx, tx, c.end, f.Header.Tenant[:], id[:], statusEnded, at(f))
}

func (c *Credentials) shredded(ctx context.Context, tx *sql.Tx, f *eventstore.Recorded, entry domain.EntryID) error {
	id := entry.Credential().ID
	return exec(ctx, tx, c.shred, f.Header.Tenant[:], id[:], int64(entry.Version()), at(f))
}

// canonical returns metadata as it comes back from the log, so that a row folded
// from a fact just appended equals the row folded from the stored one.
func canonical(metadata json.RawMessage) (any, error) {
	if len(metadata) == 0 {
		return nil, nil
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, metadata); err != nil {
		return nil, fmt.Errorf("reading metadata: %w", err)
	}
	return compact.Bytes(), nil
}
