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

// Credentials keeps a row for every credential, one for each of its sealed
// versions, and when it was last opened. No value ever comes near it.
type Credentials struct {
	credential, version, access *multirow.Insert
	rotate, status, end         *sql.Stmt // credentials
	supersede, endVersion       *sql.Stmt // credential_versions
	shred                       *sql.Stmt
}

func newCredentials(ctx context.Context, p *preparer) *Credentials {
	return &Credentials{
		credential: p.insert(ctx, `INSERT INTO credentials (tenant_id, credential_id, environment, status, created_seq,
			name, type, class, algorithm, owner_id, version, record_hash, kem_key_id,
			ttl_days, created_at, updated_at, expires_at, restore_until, metadata)`, 19, ``),
		version: p.insert(ctx, `INSERT INTO credential_versions (tenant_id, credential_id, version, state,
			record_hash, kem_key_id, sealed_at, expires_at, shredded_at)`, 9, ``),
		access: p.insert(ctx, `INSERT INTO credential_access (tenant_id, credential_id, last_accessed_at)`, 3,
			`ON CONFLICT (tenant_id, credential_id) DO UPDATE SET last_accessed_at = excluded.last_accessed_at`),
		rotate: p.stmt(ctx, `UPDATE credentials SET version = $3, record_hash = $4, kem_key_id = $5, expires_at = $6, updated_at = $7
			WHERE tenant_id = $1 AND credential_id = $2`),
		status: p.stmt(ctx, `UPDATE credentials SET status = $3, restore_until = $4, updated_at = $5
			WHERE tenant_id = $1 AND credential_id = $2`),
		end: p.stmt(ctx, `UPDATE credentials SET status = 2, updated_at = $3 WHERE tenant_id = $1 AND credential_id = $2`),
		supersede: p.stmt(ctx, `UPDATE credential_versions SET state = 1
			WHERE tenant_id = $1 AND credential_id = $2 AND version = $3`),
		endVersion: p.stmt(ctx, `UPDATE credential_versions SET state = 2
			WHERE tenant_id = $1 AND credential_id = $2 AND state = 0`),
		shred: p.stmt(ctx, `UPDATE credential_versions SET shredded_at = $4
			WHERE tenant_id = $1 AND credential_id = $2 AND version = $3 AND shredded_at = 0`),
	}
}

// Name implements Projection.
func (*Credentials) Name() string { return "credentials/1" }

// Tables implements Projection.
func (*Credentials) Tables() []string {
	return []string{"credentials", "credential_access", "credential_versions"}
}

// Apply implements Projection. New credentials of a batch are inserted together,
// and however often one is opened within it, its row is written once.
func (c *Credentials) Apply(ctx context.Context, tx *sql.Tx, facts []eventstore.Recorded) error {
	b := &fold{Credentials: c, tx: tx, opened: map[object]int64{}}
	for i := range facts {
		f := &facts[i]
		if err := b.apply(ctx, f); err != nil {
			return fmt.Errorf("applying %s: %w", f.Header.EventType, err)
		}
	}
	if err := b.insert(ctx); err != nil {
		return fmt.Errorf("inserting credentials: %w", err)
	}
	args := make([]any, 0, 3*len(b.opened))
	for credential, last := range b.opened {
		args = append(args, bytes.Clone(credential.tenant[:]), bytes.Clone(credential.id[:]), last)
	}
	if err := c.access.Exec(ctx, tx, args); err != nil {
		return fmt.Errorf("keeping when credentials were opened: %w", err)
	}
	return nil
}

// fold is one batch on its way into the tables. New rows wait until a fact
// changes a row that may be among them.
type fold struct {
	*Credentials
	tx                    *sql.Tx
	credentials, versions []any
	opened                map[object]int64
}

func (b *fold) apply(ctx context.Context, f *eventstore.Recorded) error {
	switch e := f.Event.(type) {
	case domain.CredentialSealed:
		return b.sealed(f, e)
	case domain.CredentialUnsealed:
		b.opened[object{f.Header.Tenant, e.EntryID.Credential().ID}] = at(f)
		return nil
	case domain.CredentialRotated, domain.CredentialRetired, domain.CredentialRestored,
		domain.CredentialExpired, domain.CredentialDeleted,
		domain.CredentialVersionShredded, domain.CredentialShredded:
		if err := b.insert(ctx); err != nil {
			return err
		}
		return b.change(ctx, f)
	}
	return nil
}

// insert writes the rows that wait.
func (b *fold) insert(ctx context.Context) error {
	if err := b.credential.Exec(ctx, b.tx, b.credentials); err != nil {
		return err
	}
	if err := b.version.Exec(ctx, b.tx, b.versions); err != nil {
		return err
	}
	b.credentials, b.versions = b.credentials[:0], b.versions[:0]
	return nil
}

func (b *fold) sealed(f *eventstore.Recorded, e domain.CredentialSealed) error {
	metadata, err := canonical(e.Personal.Metadata)
	if err != nil {
		return err
	}
	tenant, id := f.Header.Tenant[:], e.EntryID.Credential().ID
	b.credentials = append(b.credentials, tenant, id[:], string(e.Environment), int64(0), seq(f),
		e.Personal.Name, e.Type, e.Classification, e.Algorithm, e.Owner.ID[:], int64(e.Version), e.RecordHash[:], e.KEMKeyID[:],
		int64(e.TTLDays), at(f), at(f), e.ExpiresAt, int64(0), metadata)
	b.versions = append(b.versions, tenant, id[:], int64(e.Version), int64(0), e.RecordHash[:], e.KEMKeyID[:], at(f), e.ExpiresAt, int64(0))
	return nil
}

// change applies a fact about a credential that has its rows.
func (b *fold) change(ctx context.Context, f *eventstore.Recorded) error {
	tenant := f.Header.Tenant[:]
	switch e := f.Event.(type) {
	case domain.CredentialRotated:
		id, old := e.NewEntryID.Credential().ID, int64(e.OldEntryID.Version())
		if err := exec(ctx, b.tx, b.rotate, tenant, id[:], int64(e.Version), e.RecordHash[:], e.KEMKeyID[:], e.ExpiresAt, at(f)); err != nil {
			return err
		}
		if err := exec(ctx, b.tx, b.supersede, tenant, id[:], old); err != nil {
			return err
		}
		b.versions = append(b.versions, tenant, id[:], int64(e.Version), int64(0), e.RecordHash[:], e.KEMKeyID[:], at(f), e.ExpiresAt, int64(0))
		return nil
	case domain.CredentialRetired:
		id := e.EntryID.Credential().ID
		return exec(ctx, b.tx, b.status, tenant, id[:], int64(1), e.RestoreUntil, at(f))
	case domain.CredentialRestored:
		id := e.EntryID.Credential().ID
		return exec(ctx, b.tx, b.status, tenant, id[:], int64(0), int64(0), at(f))
	case domain.CredentialExpired:
		return b.over(ctx, f, e.EntryID)
	case domain.CredentialDeleted:
		return b.over(ctx, f, e.EntryID)
	case domain.CredentialVersionShredded:
		return b.shredded(ctx, f, e.EntryID, e.Version)
	case domain.CredentialShredded:
		return b.shredded(ctx, f, e.EntryID, e.Version)
	}
	return nil
}

// over ends a credential with its current version.
func (b *fold) over(ctx context.Context, f *eventstore.Recorded, entry domain.EntryID) error {
	id := entry.Credential().ID
	if err := exec(ctx, b.tx, b.end, f.Header.Tenant[:], id[:], at(f)); err != nil {
		return err
	}
	return exec(ctx, b.tx, b.endVersion, f.Header.Tenant[:], id[:])
}

func (b *fold) shredded(ctx context.Context, f *eventstore.Recorded, entry domain.EntryID, version uint16) error {
	id := entry.Credential().ID
	return exec(ctx, b.tx, b.shred, f.Header.Tenant[:], id[:], int64(version), at(f))
}

// canonical returns metadata as it comes back from the log, so that a row folded
// from a fact just appended equals the row folded from the stored one.
func canonical(metadata json.RawMessage) (any, error) {
	if len(metadata) == 0 {
		return nil, nil
	}
	var compact, escaped bytes.Buffer
	if err := json.Compact(&compact, metadata); err != nil {
		return nil, fmt.Errorf("reading metadata: %w", err)
	}
	json.HTMLEscape(&escaped, compact.Bytes())
	return escaped.Bytes(), nil
}
