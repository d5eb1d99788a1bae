package http

import (
	"context"
	"errors"
	"slices"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/queries"
)

type createKeyRequest struct {
	Name        string   `json:"name"`
	Scopes      []string `json:"scopes"`
	Environment string   `json:"environment"`
	TTLDays     *int     `json:"ttl_days"`
	ExpiresIn   *int     `json:"expires_in_days"`
	Ranges      []string `json:"allowed_ip_ranges"`
}

// apiKey is an API key as lists show it: all but the key.
type apiKey struct {
	ID          domain.KeyID   `json:"id"`
	Name        string         `json:"name"`
	Prefix      string         `json:"key_prefix"`
	Scopes      []domain.Scope `json:"scopes"`
	Environment string         `json:"environment"`
	Active      bool           `json:"is_active"`
	CreatedAt   instant        `json:"created_at"`
	ExpiresAt   instant        `json:"expires_at"`
	LastUsedAt  instant        `json:"last_used_at"`
	Ranges      []string       `json:"allowed_ip_ranges"` // [] = it acts from anywhere
	CreatedBy   domain.UserID  `json:"created_by"`
}

// command returns what is asked for.
func (r createKeyRequest) command(in *call) (commands.CreateKey, error) {
	cmd := commands.CreateKey{
		Actor: in.by, Name: r.Name, Scopes: r.Scopes, Environment: domain.Environment(r.Environment),
		Ranges: r.Ranges, Idempotency: in.idempotency(),
	}
	switch cmd.Environment {
	case "":
		cmd.Environment = in.by.Environment
	case domain.Live, domain.Test:
	default:
		return cmd, invalid("environment must be live or test")
	}
	days := r.TTLDays
	if days == nil {
		days = r.ExpiresIn
	}
	if days != nil {
		if cmd.TTLDays = *days; cmd.TTLDays < 1 || cmd.TTLDays > domain.MaxTTLDays {
			return cmd, invalid("ttl_days must be 1 to 365")
		}
	}
	return cmd, nil
}

// wrong implements formed.
func (r createKeyRequest) wrong(ctx context.Context, s *Server, in *call) error {
	cmd, err := r.command(in)
	if err != nil {
		return err
	}
	return s.Identity.CheckCreateKey(ctx, cmd)
}

// createKey handles POST /security/api-keys.
func (s *Server) createKey(ctx context.Context, in *call, req createKeyRequest) (reply[createdKey], error) {
	cmd, err := req.command(in)
	if err != nil {
		return reply[createdKey]{}, err
	}
	got, err := s.Identity.CreateKey(ctx, cmd)
	if errors.Is(err, domain.ErrKeyExists) && !got.ID.IsZero() {
		return reply[createdKey]{}, &detailed{err, map[string]any{"id": got.ID, "key_prefix": got.Prefix}}
	}
	if err != nil {
		return reply[createdKey]{}, err
	}
	return reply[createdKey]{data: createdKey{apiKey{
		ID: got.ID, Name: got.Name, Prefix: got.Prefix, Scopes: got.Scopes, Environment: string(got.Environment), Active: true,
		CreatedAt: instant(got.Receipt.TimeUS), ExpiresAt: instant(got.ExpiresAt),
		Ranges: append([]string{}, got.Ranges...), CreatedBy: in.by.User,
	}, got.Key}, receipt: got.Receipt}, nil
}

// createdKey is a new API key, in the shapes that published clients read. It is
// the only answer that ever holds the key.
type createdKey struct {
	apiKey
	secret commands.Secret
}

func (a createdKey) room() int {
	room := roomForRest + 6*len(a.Name) + len(a.secret)
	for _, text := range a.Ranges {
		room += len(text) + len(`"",`)
	}
	return 2 * room
}

func (a createdKey) appendJSON(b []byte) ([]byte, error) {
	defer clear(a.secret)
	fields, err := appendJSON(nil, a.apiKey)
	if err != nil {
		return b, err
	}
	b = append(b, fields[:len(fields)-1]...)
	b = append(append(b, `,"key":`...), fields...)
	b = append(append(b, `,"secret":"`...), a.secret...) // base62, with nothing to escape
	b = append(append(b, `","api_key":"`...), a.secret...)
	return append(b, `"}`...), nil
}

// listKeys handles GET /security/api-keys and GET /settings/api-keys.
func (s *Server) listKeys(ctx context.Context, in *call, _ none) (reply[[]apiKey], error) {
	if err := s.Vault.Authorize(ctx, in.by, domain.ScopeKeysManage, "security.api_key.list"); err != nil {
		return reply[[]apiKey]{}, err
	}
	rows, err := s.Queries.APIKeys(ctx, in.by.Tenant)
	if err != nil {
		return reply[[]apiKey]{}, err
	}
	if in.by.Role.OwnOnly(domain.ScopeKeysManage) {
		rows = slices.DeleteFunc(rows, func(r queries.APIKey) bool { return r.Owner != in.by.User })
	}
	ids := make([]domain.KeyID, 0, len(rows))
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	folded, err := s.Identity.APIKeys(ctx, in.by.Tenant, ids)
	if err != nil {
		return reply[[]apiKey]{}, err
	}
	now := s.Now().UnixMicro()
	keys := make([]apiKey, 0, len(rows))
	for n, r := range rows {
		ranges := []string{} // where a key acts from may be somebody's home: no read model has it
		for _, p := range folded[n].Ranges {
			ranges = append(ranges, p.String())
		}
		keys = append(keys, apiKey{
			ID: r.ID, Name: r.Name, Prefix: r.Prefix, Scopes: r.Scopes, Environment: string(r.Environment),
			Active:    r.RevokedAt == 0 && now < r.ExpiresAt,
			CreatedAt: instant(r.CreatedAt), ExpiresAt: instant(r.ExpiresAt), LastUsedAt: instant(r.LastUsedAt),
			Ranges: ranges, CreatedBy: r.Owner,
		})
	}
	return reply[[]apiKey]{data: keys}, nil
}

// revoked says which key is over.
type revoked struct {
	ID      string `json:"id"`
	Revoked bool   `json:"revoked"`
}

// revokeKey handles DELETE /security/api-keys/{id}.
func (s *Server) revokeKey(ctx context.Context, in *call, _ none) (reply[revoked], error) {
	id, err := domain.ParseID(in.param("id"))
	if err != nil {
		return reply[revoked]{}, errNotFound
	}
	receipt, err := s.Identity.RevokeKey(ctx, commands.RevokeKey{Actor: in.by, Key: domain.KeyID{ID: id}})
	return reply[revoked]{data: revoked{id.String(), true}, receipt: receipt}, err
}
