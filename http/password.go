package http

import (
	"context"

	"github.com/quantaseal/quantaseal/commands"
)

type changePasswordRequest struct {
	Current secretText `json:"current_password"`
	Next    secretText `json:"new_password"`
}

// changePassword handles POST /auth/password.
func (s *Server) changePassword(ctx context.Context, in *call, req changePasswordRequest) (reply[renewed], error) {
	got, err := s.Identity.ChangePassword(ctx, commands.ChangePassword{
		Actor: in.by, Current: commands.Secret(req.Current), Next: commands.Secret(req.Next),
	})
	if err != nil {
		return reply[renewed]{}, err
	}
	return renew(in, "changed", got, nil), nil
}

type forgotPasswordRequest struct {
	Email string `json:"email"`
}

// accepted says that a letter is on its way, if there is anybody to write to.
type accepted struct {
	Accepted bool `json:"accepted"`
}

// forgotPassword handles POST /auth/password/forgot.
func (s *Server) forgotPassword(ctx context.Context, in *call, req forgotPasswordRequest) (reply[accepted], error) {
	err := s.Identity.ForgotPassword(ctx, commands.ForgotPassword{Actor: in.by, Email: req.Email})
	return reply[accepted]{data: accepted{true}}, err
}

type resetPasswordRequest struct {
	Token    secretText `json:"token"`
	Password secretText `json:"password"`
}

// reset says that a password was replaced.
type reset struct {
	Reset bool `json:"reset"`
}

// resetPassword handles POST /auth/password/reset.
func (s *Server) resetPassword(ctx context.Context, in *call, req resetPasswordRequest) (reply[reset], error) {
	receipt, err := s.Identity.ResetPassword(ctx, commands.ResetPassword{
		Actor: in.by, Token: commands.Secret(req.Token), Password: commands.Secret(req.Password),
	})
	return reply[reset]{data: reset{true}, receipt: receipt}, err
}

type verifyEmailRequest struct {
	Token secretText `json:"token"`
}

// proven says that an address was.
type proven struct {
	Verified bool `json:"verified"`
}

// verifyEmail handles POST /auth/verify-email. It takes the token in the body and
// by POST alone, so that what looks at links in letters does not spend it.
func (s *Server) verifyEmail(ctx context.Context, in *call, req verifyEmailRequest) (reply[proven], error) {
	receipt, err := s.Identity.VerifyEmail(ctx, commands.VerifyEmail{Actor: in.by, Token: commands.Secret(req.Token)})
	return reply[proven]{data: proven{true}, receipt: receipt}, err
}
