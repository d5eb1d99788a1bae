package http

import (
	"context"
	"errors"
	"slices"

	"github.com/quantaseal/quantaseal/domain"
)

// visibleActors returns whose acts the caller may see of those it asks for, and
// whether that is anybody's.
func (s *Server) visibleActors(ctx context.Context, in *call, users []string) (actors []domain.ID, anybody bool, err error) {
	if actors, err = s.actors(ctx, in, users); err != nil {
		return nil, false, err
	}
	if !in.by.Role.OwnOnly(domain.ScopeAuditRead) {
		return actors, len(users) == 0, nil
	}
	own, err := s.actors(ctx, in, []string{in.by.User.String()})
	if len(users) > 0 {
		own = slices.DeleteFunc(own, func(id domain.ID) bool { return !slices.Contains(actors, id) })
	}
	return own, false, err
}

// actors returns the ids under which any of the users acted.
func (s *Server) actors(ctx context.Context, in *call, users []string) (all []domain.ID, err error) {
	for _, who := range users {
		actors, err := s.actorsOf(ctx, in, who)
		if err != nil {
			return nil, err
		}
		all = append(all, actors...)
	}
	return all, nil
}

// actorsOf returns the ids under which a user acted, named by id or by e-mail
// address: the user's own, and those of the user's API keys. For an address that
// is no user's there are none.
func (s *Server) actorsOf(ctx context.Context, in *call, who string) ([]domain.ID, error) {
	id, err := domain.ParseID(who)
	if err != nil {
		user, err := s.Identity.UserOf(ctx, in.by.Tenant, who)
		if refusal, ok := errors.AsType[*domain.Error](err); ok && refusal.Kind != domain.Unavailable {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		id = user.ID
	}
	actors := []domain.ID{id}
	keys, err := s.Queries.APIKeys(ctx, in.by.Tenant)
	for _, key := range keys {
		if key.Owner.ID == id {
			actors = append(actors, key.ID.ID)
		}
	}
	return actors, err
}
