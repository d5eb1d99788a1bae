package http

import (
	"context"
	"fmt"

	"github.com/gin-gonic/gin"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
)

// formed is kept by a request whose form says more than the types of its fields.
// It is asked about a caller who is barred: what is wrong with the form comes before
// the denial. It acts on nothing. A request without it is denied at once.
type formed interface {
	// wrong refuses what the request's handler would refuse before anybody's rights
	// are looked at.
	wrong(ctx context.Context, s *Server, in *call) error
}

// judge puts the matrix's verdict about the request into its actor. Until then the
// actor may nothing, and nothing it asks for can be recorded.
func (s *Server) judge(by *domain.Actor, a access, st commands.Standing, c *call) {
	by.Verdict = domain.Judged(a.bars(*by, st, c.client, s.Now()))
}

// admit refuses, on the record, a caller whom the matrix bars from the route, before
// its handler runs. Where the route's own command denies, so that this takes the
// same work as granting, the handler runs all the same: nothing that a barred actor does
// can be recorded but that it was refused.
func (s *Server) admit(ctx context.Context, in *call, req any) error {
	if in.by.Bar() == "" || in.access.denies {
		return nil
	}
	if f, ok := req.(formed); ok {
		if err := f.wrong(ctx, s, in); err != nil {
			return err
		}
	}
	if underVault(in.http) {
		if err := s.Vault.Sealer.Ready(ctx, in.by.Tenant); err != nil {
			return err
		}
	}
	if err := s.Vault.Authorize(ctx, in.by, in.access.scope, in.access.action); err != nil {
		return err
	}
	return fmt.Errorf("who is barred from %s was not denied", in.access.action)
}

// permits is the last line: it withholds the answer to somebody who is barred and
// whom a command that denies by itself let pass. It refuses with errDenied and says
// so in the log.
func (s *Server) permits(c *gin.Context, by domain.Actor) error {
	bar := by.Bar()
	if bar == "" {
		return nil
	}
	s.Log.ErrorContext(c.Request.Context(), "a handler let pass who was barred", "route", c.FullPath(), "reason", bar)
	return errDenied
}
