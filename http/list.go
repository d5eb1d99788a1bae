package http

import (
	"context"
	"strconv"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/queries"
)

// How many rows a page has: by default, and at most.
const (
	defaultPage = 100
	maxPage     = 1000
)

// listQuery is asked in the query alone.
type listQuery struct{}

func (listQuery) page(s *Server, in *call) (page queries.CredentialPage, asOf int64, err error) {
	p := parametersOf(in.http)
	if p.text("as_of") != "" {
		asOf = s.past(p, "as_of")
	}
	return queries.CredentialPage{
		Tenant: in.by.Tenant, Environment: in.by.Environment, Now: s.Now(),
		Inactive: p.flag("include_inactive"), Limit: p.number("limit", 1, maxPage, defaultPage), Cursor: p.seq("cursor"),
	}, asOf, p.err
}

// wrong implements formed.
func (q listQuery) wrong(_ context.Context, s *Server, in *call) error {
	_, _, err := q.page(s, in)
	return err
}

// listCredentials handles GET /vault/list and GET /vault/entries.
func (s *Server) listCredentials(ctx context.Context, in *call, q listQuery) (reply[[]entry], error) {
	page, asOf, err := q.page(s, in)
	if err != nil {
		return reply[[]entry]{}, err
	}
	filter := string(page.Environment) + " inactive=" + strconv.FormatBool(page.Inactive)
	if asOf != 0 {
		filter += " as of " + strconv.FormatInt(asOf, 10)
	}
	receipt, err := s.Vault.RecordListing(ctx, in.by, filter)
	if err != nil {
		return reply[[]entry]{}, err
	}
	if asOf != 0 {
		return s.listPast(ctx, page, asOf, receipt)
	}
	rows, err := s.Queries.ListCredentials(ctx, page)
	if err != nil {
		return reply[[]entry]{}, err
	}
	r := reply[[]entry]{data: make([]entry, 0, len(rows)), receipt: receipt}
	for _, row := range rows {
		r.data = append(r.data, entryOfRow(row, page))
	}
	if len(rows) == page.Limit {
		r.next = strconv.FormatUint(rows[len(rows)-1].Cursor, 10)
	}
	return r, nil
}

func entryOfRow(c queries.Credential, page queries.CredentialPage) entry {
	current := c.ID.Entry(c.Version).String()
	return entry{
		CredentialID: c.ID.Handle(), ID: current, EntryID: current, Name: c.Name, Type: c.Type, Class: c.Class,
		Algorithm: c.Algorithm, Environment: string(c.Environment), Version: c.Version, Active: c.Active(page.Now),
		CreatedAt: instant(c.CreatedAt), UpdatedAt: instant(c.UpdatedAt), AccessedAt: instant(c.AccessedAt),
		TTLExpiresAt: instant(c.ExpiresAt), ExpiresAt: instant(c.ExpiresAt), RestoreUntil: instant(c.RestoreUntil),
		Metadata: metadataOf(c.Metadata), ETag: etag(c.Version, c.RecordHash),
	}
}

// version is one sealed version of a credential. Old values cannot be read again.
type version struct {
	EntryID    string        `json:"entry_id"`
	Version    uint16        `json:"version"`
	Current    bool          `json:"is_current"`
	RecordHash domain.Digest `json:"record_hash"`
	SealedAt   instant       `json:"sealed_at"`
	ExpiresAt  instant       `json:"ttl_expires_at"`
	ShreddedAt instant       `json:"shredded_at"`
}

// versions handles GET /vault/{id}/versions.
func (s *Server) versions(ctx context.Context, in *call, _ none) (reply[[]version], error) {
	id := in.param("id")
	receipt, err := s.Vault.RecordListing(ctx, in.by, "versions of "+id)
	if err != nil {
		return reply[[]version]{}, err
	}
	reference, err := domain.ParseReference(id)
	if err != nil {
		return reply[[]version]{}, s.Vault.RecordDenied(ctx, in.by, domain.ScopeVaultList, id, "vault.versions")
	}
	credential, found, err := s.Queries.Credential(ctx, in.by.Tenant, reference.Credential())
	if err != nil {
		return reply[[]version]{}, err
	}
	if !found || credential.Environment != in.by.Environment || reference.Version() > credential.Version {
		return reply[[]version]{}, s.Vault.RecordDenied(ctx, in.by, domain.ScopeVaultList, id, "vault.versions")
	}
	rows, err := s.Queries.CredentialVersions(ctx, in.by.Tenant, credential.ID)
	if err != nil {
		return reply[[]version]{}, err
	}
	r := reply[[]version]{data: make([]version, 0, len(rows)), receipt: receipt}
	for _, row := range rows {
		r.data = append(r.data, version{
			EntryID: row.Entry.String(), Version: row.Entry.Version(), Current: row.Current, RecordHash: row.RecordHash,
			SealedAt: instant(row.SealedAt), ExpiresAt: instant(row.ExpiresAt), ShreddedAt: instant(row.ShreddedAt),
		})
	}
	return r, nil
}
