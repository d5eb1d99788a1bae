package http

import (
	"context"
	"strconv"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
)

// member is a user of the tenant as its administrators see it.
type member struct {
	ID            domain.UserID `json:"id"`
	UserID        domain.UserID `json:"user_id"`
	Email         *string       `json:"email"` // null once the person was erased
	Role          domain.Role   `json:"role"`
	Status        string        `json:"status"`
	Active        bool          `json:"is_active"`
	EmailVerified bool          `json:"email_verified"`
	MFAEnabled    bool          `json:"mfa_enabled"`
	LockedUntil   instant       `json:"locked_until"`
	InvitedUntil  instant       `json:"invitation_expires_at"`
	CreatedAt     instant       `json:"created_at"`
}

func (s *Server) memberOf(u domain.User, registered int64) member {
	m := member{
		ID: u.ID, UserID: u.ID, Role: u.Role, Status: u.Status.String(), Active: u.Status == domain.Active,
		EmailVerified: u.Verified, MFAEnabled: u.MFA.Enabled, InvitedUntil: instant(u.Proofs.Invitation.ExpiresAt), CreatedAt: instant(registered),
	}
	if u.Email != "" {
		m.Email = &u.Email
	}
	if u.Locked(s.Now()) {
		m.LockedUntil = instant(u.Lock.Until)
	}
	return m
}

// usersQuery is asked in the query alone.
type usersQuery struct{}

func (usersQuery) page(in *call) (limit int, after uint64, err error) {
	p := parametersOf(in.http)
	limit, after = p.number("limit", 1, maxPage, defaultPage), p.seq("cursor")
	return limit, after, p.err
}

// wrong implements formed.
func (q usersQuery) wrong(_ context.Context, _ *Server, in *call) error {
	_, _, err := q.page(in)
	return err
}

// listUsers handles GET /users.
func (s *Server) listUsers(ctx context.Context, in *call, q usersQuery) (reply[[]member], error) {
	limit, after, err := q.page(in)
	if err != nil {
		return reply[[]member]{}, err
	}
	if err := s.Identity.Admit(ctx, in.by, "user.list"); err != nil {
		return reply[[]member]{}, err
	}
	rows, err := s.Queries.Users(ctx, in.by.Tenant, after, limit)
	if err != nil {
		return reply[[]member]{}, err
	}
	ids := make([]domain.UserID, 0, len(rows))
	for _, row := range rows {
		ids = append(ids, row.ID)
	}
	users, err := s.Identity.Users(ctx, in.by.Tenant, ids)
	if err != nil {
		return reply[[]member]{}, err
	}
	r := reply[[]member]{data: make([]member, 0, len(rows))}
	for n, row := range rows {
		r.data = append(r.data, s.memberOf(users[n], row.RegisteredAt))
	}
	if len(rows) == limit {
		r.next = strconv.FormatUint(rows[len(rows)-1].Cursor, 10)
	}
	return r, nil
}

type inviteRequest struct {
	Email string `json:"email"`
	Role  string `json:"role"`
}

// wrong implements formed.
func (r inviteRequest) wrong(_ context.Context, s *Server, _ *call) error {
	return s.Identity.CheckInvite(commands.Invite{Email: r.Email, Role: r.Role})
}

// invite handles POST /users/invite.
func (s *Server) invite(ctx context.Context, in *call, req inviteRequest) (reply[member], error) {
	user, receipt, err := s.Identity.Invite(ctx, commands.Invite{Actor: in.by, Email: req.Email, Role: req.Role})
	return reply[member]{data: s.memberOf(user, 0), receipt: receipt}, err
}

type roleRequest struct {
	Role string `json:"role"`
}

// wrong implements formed.
func (r roleRequest) wrong(context.Context, *Server, *call) error {
	_, err := domain.ParseRole(r.Role)
	return err
}

// changeRole handles PATCH /users/{id}.
func (s *Server) changeRole(ctx context.Context, in *call, req roleRequest) (reply[member], error) {
	user, receipt, err := s.Identity.ChangeRole(ctx, commands.ChangeRole{Actor: in.by, User: userParam(in), Role: req.Role})
	return reply[member]{data: s.memberOf(user, 0), receipt: receipt}, err
}

// deactivateUser handles DELETE /users/{id}.
func (s *Server) deactivateUser(ctx context.Context, in *call, _ none) (reply[member], error) {
	user, receipt, err := s.Identity.DeactivateUser(ctx, commands.DeactivateUser{Actor: in.by, User: userParam(in)})
	return reply[member]{data: s.memberOf(user, 0), receipt: receipt}, err
}

// eraseUser handles POST /users/{id}/erase.
func (s *Server) eraseUser(ctx context.Context, in *call, _ none) (reply[member], error) {
	user, receipt, err := s.Identity.EraseUser(ctx, commands.EraseUser{Actor: in.by, User: userParam(in)})
	return reply[member]{data: s.memberOf(user, 0), receipt: receipt}, err
}

// userParam returns the user that a path names. What is no id is the zero user's,
// whom no tenant has: it is refused like an unknown one, by the same way.
func userParam(in *call) domain.UserID {
	id, err := domain.ParseID(in.param("id"))
	if err != nil {
		return domain.UserID{}
	}
	return domain.UserID{ID: id}
}

type acceptRequest struct {
	Token    secretText `json:"token"`
	Password secretText `json:"password"`
}

// acceptInvitation handles POST /auth/accept-invitation.
func (s *Server) acceptInvitation(ctx context.Context, in *call, req acceptRequest) (reply[session], error) {
	got, err := s.Identity.AcceptInvitation(ctx, commands.AcceptInvitation{
		Actor: in.by, Token: commands.Secret(req.Token), Password: commands.Secret(req.Password),
	})
	return s.open(in, got, err)
}
