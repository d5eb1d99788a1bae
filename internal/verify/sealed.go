package verify

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Grace is how long after a credential or version is over its keys may still be
// there: the reconciler ends sooner what a crash interrupted.
const Grace = time.Hour

const page = 256

// version is a sealed version as the fold has it.
type version struct {
	entry    domain.EntryID
	hash     domain.Digest
	over     int64 // when it was, Unix microseconds; 0: it is not
	shredded int64
}

// These are asked of the fold, which is SQLite whatever holds the read models.
const (
	live = `SELECT credential_id, version, record_hash, 0, 0 FROM credentials
		WHERE tenant_id = $1 AND status < 2 AND credential_id > $2 ORDER BY credential_id LIMIT $3`
	over = `SELECT v.credential_id, v.version, v.record_hash,
			CASE v.state WHEN 2 THEN c.updated_at ELSE coalesce((SELECT n.sealed_at FROM credential_versions AS n
				WHERE n.tenant_id = v.tenant_id AND n.credential_id = v.credential_id AND n.version = v.version + 1), c.sealed_at) END,
			v.shredded_at
		FROM credential_versions AS v JOIN credentials AS c ON c.tenant_id = v.tenant_id AND c.credential_id = v.credential_id
		WHERE v.tenant_id = $1 AND (v.credential_id, v.version) > ($2, $4) ORDER BY v.credential_id, v.version LIMIT $3`
)

// each calls f for every version that a query of the fold finds.
func (r *run) each(ctx context.Context, query string, paged bool, f func(version) error) error {
	after, number := domain.ID{}, int64(-1)
	for {
		args := []any{r.tenant.ID[:], after[:], page}
		if paged {
			args = append(args, number)
		}
		all, err := listVersions(ctx, r.fold.DB, query, args)
		if err != nil {
			return fmt.Errorf("listing sealed versions: %w", err)
		}
		for _, v := range all {
			r.report.Rows++
			if err := f(v); err != nil {
				return err
			}
			after, number = v.entry.Credential().ID, int64(v.entry.Version())
		}
		if len(all) < page {
			return nil
		}
	}
}

func listVersions(ctx context.Context, db *sql.DB, query string, args []any) (all []version, err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err tells what went wrong
	for rows.Next() {
		var v version
		var id, hash []byte
		var number uint16
		if err := rows.Scan(&id, &number, &hash, &v.over, &v.shredded); err != nil {
			return nil, err
		}
		if copy(v.hash[:], hash) != len(v.hash) || len(id) != len(domain.ID{}) {
			return nil, fmt.Errorf("a fold of %d and %d bytes", len(id), len(hash))
		}
		v.entry = domain.CredentialID{ID: domain.ID(id)}.Entry(number)
		all = append(all, v)
	}
	return all, rows.Err()
}

// sealed verifies the record of every credential that is not over (V31).
func (r *run) sealed(ctx context.Context) error {
	return r.each(ctx, live, false, func(v version) error {
		kept, err := r.Sealed.Get(ctx, r.tenant, v.hash)
		if err != nil {
			return err
		}
		detail := "the record or its key slot is gone"
		if kept.Record != nil {
			sound, err := r.Keys.Check(ctx, r.tenant, v.entry, v.hash, kept)
			if err != nil || sound {
				return err
			}
			detail = "the record or its key slot is not the one that was sealed"
		}
		current, err := r.current(ctx, v)
		if err == nil && current {
			r.found("V31", r.report.To, v.entry, "%s: %s", v.entry, detail)
		}
		return err
	})
}

// current reports whether the version still is the one that is not over: the log may
// have moved on since it was folded.
func (r *run) current(ctx context.Context, v version) (bool, error) {
	id := domain.AggregateID{Kind: domain.KindCredential, ID: v.entry.Credential().ID}
	c, _, err := eventstore.Fold[domain.Credential](ctx, r.Log, r.tenant, id)
	return !c.Ended && c.Version == v.entry.Version(), err
}

// destroyed looks for what should be gone (V32), and for what should have been
// destroyed by now (V33).
func (r *run) destroyed(ctx context.Context) error {
	late := r.Now().Add(-Grace).UnixMicro()
	err := r.each(ctx, over, true, func(v version) error {
		record, slot, err := r.Sealed.Holds(ctx, r.tenant, v.hash)
		switch {
		case err != nil:
			return err
		case v.shredded > 0 && slot:
			r.found("V32", r.report.To, v.entry, "%s: its key slot is there, and was destroyed", v.entry)
		case v.shredded > 0 && record:
			r.found("V32", r.report.To, v.entry, "%s: its record is there, and was destroyed", v.entry)
		case v.shredded == 0 && v.over < late:
			return r.unshredded(ctx, v)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for user, seq := range r.erased {
		kept, err := r.Keys.KeepsSubject(ctx, r.tenant, user)
		if err != nil {
			return err
		}
		if r.report.Rows++; kept {
			r.found("V32", seq, domain.EntryID{}, "the key of an erased person is there: %s", user)
		}
	}
	for key, seq := range r.ended {
		kept, err := r.Keys.KeepsCryptoKey(ctx, r.tenant, key)
		if err != nil {
			return err
		}
		if r.report.Rows++; kept {
			r.found("V32", seq, domain.EntryID{}, "the secrets of a destroyed encryption key are there: %s", key)
		}
	}
	return nil
}

// unshredded tells a version that was to be destroyed by now, unless the log says
// meanwhile that it was.
func (r *run) unshredded(ctx context.Context, v version) error {
	for fact, err := range r.Log.History(ctx, r.tenant, r.report.To) {
		if err != nil {
			return err
		}
		switch e := fact.Event.(type) {
		case domain.CredentialShredded:
			if e.EntryID == v.entry {
				return nil
			}
		case domain.CredentialVersionShredded:
			if e.EntryID == v.entry {
				return nil
			}
		}
	}
	r.found("V33", r.report.To, v.entry, "%s: it is over since %s, and no fact says that it was destroyed",
		v.entry, time.UnixMicro(v.over).UTC().Format(time.RFC3339))
	return nil
}
