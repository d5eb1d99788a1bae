package http

import (
	"context"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
)

// enrolment is a second factor as its owner gets it, in the shapes that published
// clients read. It is the only answer that ever holds the secret.
type enrolment struct{ commands.Enrolment }

func (a enrolment) room() int {
	return roomForRest + len(a.Secret) + 2*len(a.URI) + len(a.QR) + 16*len(a.Codes)
}

func (a enrolment) appendJSON(b []byte) ([]byte, error) { //nolint:unparam // a secretAnswer's
	b = append(b, `{"secret":"`...)
	b = append(b, a.Secret...) // base32, base64 and percent-encoded text, with nothing to escape
	b = append(b, `","qr_code":"`...)
	b = append(b, a.QR...)
	b = append(b, `","qr_code_url":"`...)
	b = append(b, a.URI...)
	b = appendCodes(append(b, `",`...), a.Codes)
	clear(a.Secret)
	clear(a.QR)
	clear(a.URI)
	return append(b, '}'), nil
}

// setUpMFA handles POST /auth/mfa/setup.
func (s *Server) setUpMFA(ctx context.Context, in *call, _ none) (reply[enrolment], error) {
	got, receipt, err := s.Identity.SetUpMFA(ctx, in.by)
	return reply[enrolment]{data: enrolment{got}, receipt: receipt}, err
}

type verifyMFARequest struct {
	TOTPCode   secretText `json:"totp_code"`
	BackupCode secretText `json:"backup_code"`
	MFAToken   secretText `json:"mfa_token"`
}

// verifyMFA handles POST /auth/mfa/verify. With an MFA token it finishes a login;
// without one it shows a code of whoever is authenticated.
func (s *Server) verifyMFA(ctx context.Context, in *call, req verifyMFARequest) (reply[verified], error) {
	if len(req.MFAToken) > 0 {
		got, err := s.Identity.FinishLogin(ctx, commands.FinishLogin{
			Actor: in.by, Token: commands.Secret(req.MFAToken), Code: commands.Secret(req.TOTPCode), BackupCode: commands.Secret(req.BackupCode),
			Device: deviceOf(in.http),
		})
		opened, err := s.open(in, got, err)
		return reply[verified]{data: verified{opened: &opened.data}, receipt: opened.receipt}, err
	}
	by, st, err := s.authenticate(in.http, in.exchange)
	if err != nil {
		return reply[verified]{}, err
	}
	by.Request, by.Origin = in.by.Request, in.by.Origin
	s.judge(&by, showsCode, st, in)
	got, err := s.Identity.ShowCode(ctx, commands.ShowCode{Actor: by, Code: commands.Secret(req.TOTPCode)})
	if err != nil {
		return reply[verified]{}, err
	}
	shown := renew(in, "verified", got.Session, got.Codes)
	return reply[verified]{data: verified{shown: &shown.data}, receipt: shown.receipt}, nil
}

// verified is a login that was finished, or what a code has changed.
type verified struct {
	opened *session
	shown  *renewed
}

func (a verified) room() int {
	if a.opened != nil {
		return a.opened.room()
	}
	return a.shown.room()
}

func (a verified) appendJSON(b []byte) ([]byte, error) {
	if a.opened == nil {
		return a.shown.appendJSON(b)
	}
	b, err := a.opened.appendJSON(b)
	return append(b[:len(b)-1], `,"verified":true}`...), err
}

type disableMFARequest struct {
	Password   secretText `json:"password"`
	TOTPCode   secretText `json:"totp_code"`
	BackupCode secretText `json:"backup_code"`
}

// disableMFA handles POST /auth/mfa/disable.
func (s *Server) disableMFA(ctx context.Context, in *call, req disableMFARequest) (reply[renewed], error) {
	got, err := s.Identity.DisableMFA(ctx, commands.DisableMFA{
		Actor: in.by, Password: commands.Secret(req.Password), Code: commands.Secret(req.TOTPCode), BackupCode: commands.Secret(req.BackupCode),
	})
	if err != nil {
		return reply[renewed]{}, err
	}
	return renew(in, "disabled", got, nil), nil
}

// stepUp handles POST /auth/step-up: with a code of the second factor, or with the
// password of a user who has none.
func (s *Server) stepUp(ctx context.Context, in *call, req disableMFARequest) (reply[renewed], error) {
	got, err := s.Identity.StepUp(ctx, commands.StepUp{
		Actor: in.by, Password: commands.Secret(req.Password), Code: commands.Secret(req.TOTPCode), BackupCode: commands.Secret(req.BackupCode),
	})
	if err != nil {
		return reply[renewed]{}, err
	}
	return renew(in, "stepped_up", got, nil), nil
}

// me is what a caller is told about itself.
type me struct {
	UserID      domain.UserID    `json:"user_id"`
	TenantID    domain.TenantID  `json:"tenant_id"`
	OrgID       domain.TenantID  `json:"org_id"`
	TenantName  string           `json:"tenant_name"`
	Email       string           `json:"email"`
	Verified    bool             `json:"email_verified"`
	Role        domain.Role      `json:"role"`
	Scopes      []domain.Scope   `json:"scopes"`
	ActorType   string           `json:"actor_type"`
	SessionID   domain.SessionID `json:"session_id"`
	MFA         bool             `json:"mfa_enabled"`
	BackupCodes int              `json:"backup_codes_remaining"`
	OwesFactor  bool             `json:"mfa_enrolment_required"`
	TrialEndsAt instant          `json:"trial_ends_at"`
}

// me handles GET /auth/me.
func (s *Server) me(ctx context.Context, in *call, _ none) (reply[me], error) {
	got, err := s.Identity.Me(ctx, in.by)
	if err != nil {
		return reply[me]{}, err
	}
	scopes := in.by.Scopes
	if scopes == nil {
		scopes = []domain.Scope{}
	}
	return reply[me]{data: me{
		UserID: got.User.ID, TenantID: got.Tenant.ID, OrgID: got.Tenant.ID, TenantName: got.Tenant.Name,
		Email: got.User.Email, Verified: got.User.Verified, Role: got.User.Role, Scopes: scopes,
		ActorType: in.by.Kind.String(), SessionID: in.by.Session,
		MFA: got.User.MFA.Enabled, BackupCodes: got.User.MFA.Remaining(),
		OwesFactor: got.Tenant.Settings.MFAEnforced && !got.User.MFA.Enabled, TrialEndsAt: instant(got.Tenant.TrialEndsAt),
	}}, nil
}
