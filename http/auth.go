package http

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
)

type registerRequest struct {
	Email      string     `json:"email"`
	Password   secretText `json:"password"`
	TenantName string     `json:"tenant_name"`
	OrgName    string     `json:"org_name"`
}

// register handles POST /auth/register.
func (s *Server) register(ctx context.Context, in *call, req registerRequest) (reply[session], error) {
	name := req.TenantName
	switch {
	case name == "":
		name = req.OrgName
	case req.OrgName != "" && req.OrgName != name:
		return reply[session]{}, invalid("tenant_name and org_name differ")
	}
	got, err := s.Identity.Register(ctx, commands.Register{
		Actor: in.by, Email: req.Email, Password: commands.Secret(req.Password), Tenant: name,
	})
	return s.open(in, got, err)
}

type loginRequest struct {
	Email      string     `json:"email"`
	Password   secretText `json:"password"`
	TOTPCode   secretText `json:"totp_code"`
	BackupCode secretText `json:"backup_code"`
}

// login handles POST /auth/login.
func (s *Server) login(ctx context.Context, in *call, req loginRequest) (reply[session], error) {
	in.account = s.Identity.Reference(req.Email)
	got, err := s.Identity.Login(ctx, commands.Login{
		Actor: in.by, Email: req.Email, Password: commands.Secret(req.Password),
		Code: commands.Secret(req.TOTPCode), BackupCode: commands.Secret(req.BackupCode),
		Device: deviceOf(in.http),
	})
	if half, ok := errors.AsType[*commands.MFARequired](err); ok {
		return reply[session]{}, &detailed{errMFARequired, map[string]any{"mfa_token": string(half.Token)}}
	}
	return s.open(in, got, err)
}

type refreshRequest struct {
	RefreshToken secretText `json:"refresh_token"`
}

// refresh handles POST /auth/refresh. The token comes in the body or as a cookie.
func (s *Server) refresh(ctx context.Context, in *call, req refreshRequest) (reply[session], error) {
	token, err := refreshTokenFrom(in.http, req.RefreshToken)
	if err != nil {
		return reply[session]{}, err
	}
	if len(token) == 0 {
		return reply[session]{}, errUnauthenticated
	}
	got, err := s.Identity.Refresh(ctx, commands.Refresh{Actor: in.by, Token: commands.Secret(token)})
	return s.open(in, got, err)
}

// logout handles POST /auth/logout. It ends the session of the refresh token, or, where
// that leads nowhere, of the access token that came with the request. Tokens that lead
// nowhere are no error.
func (s *Server) logout(ctx context.Context, in *call, req refreshRequest) (reply[none], error) {
	token, err := refreshTokenFrom(in.http, req.RefreshToken)
	if err != nil {
		return reply[none]{}, err
	}
	cmd := commands.Logout{Actor: in.by, Token: commands.Secret(token)}
	presented, err := credentialOf(in.http)
	if err == nil && presented.kind == accessTokenCredential && (!presented.fromCookie || checkOrigin(in.http) == nil) {
		cmd.Access = presented.value
	}
	receipt, err := s.Identity.Logout(ctx, cmd)
	clear(presented.value)
	if err != nil {
		return reply[none]{}, err
	}
	dropTokenCookies(in.header)
	return reply[none]{receipt: receipt}, nil
}

// open answers with a session: in the body for programs, as cookies for browsers.
func (s *Server) open(in *call, got commands.Session, err error) (reply[session], error) {
	if err != nil {
		return reply[session]{}, err
	}
	left := got.RefreshExpiry.Sub(s.Now())
	if !got.ID.IsZero() {
		setTokenCookies(in.header, got.Access, got.Refresh, domain.AccessTTL, left)
	}
	if len(got.Device) > 0 {
		setDeviceCookie(in.header, got.Device)
	}
	return reply[session]{data: session{got, left}, receipt: got.Receipt}, nil
}

// session is a login as every published client reads it. Before an address is
// proven it is but the ids.
type session struct {
	commands.Session
	refreshLeft time.Duration
}

func (a session) room() int { return roomForRest + 2*len(a.Access) + len(a.Refresh) }

func (a session) appendJSON(b []byte) ([]byte, error) {
	defer clear(a.Access)
	defer clear(a.Refresh)
	b = append(b, '{')
	if !a.ID.IsZero() {
		b = appendAccess(b, a.Access)
		b = append(b, `,"refresh_token":"`...)
		b = append(b, a.Refresh...) // base64url, with nothing to escape
		b = append(b, `","refresh_expires_in":`...)
		b = strconv.AppendInt(b, int64(a.refreshLeft.Seconds()), 10)
		b = append(b, `,"session_id":"`+a.ID.String()+`",`...)
	}
	b = append(b, `"user_id":"`+a.User.String()+`","tenant_id":"`+a.Tenant.String()+`","org_id":"`+a.Tenant.String()+
		`","mfa_required":false,"mfa_enrolment_required":`...)
	b = strconv.AppendBool(b, a.OwesFactor)
	b = append(b, `,"verification_required":`...)
	b = strconv.AppendBool(b, a.ID.IsZero())
	b = append(b, `,"trial_ends_at":`...)
	ends, err := instant(a.TrialEndsAt).MarshalJSON()
	return append(append(b, ends...), '}'), err
}

// appendAccess appends an access token under every name that clients read.
func appendAccess(b []byte, token commands.Secret) []byte {
	b = append(b, `"token":"`...)
	b = append(b, token...) // base64url, with nothing to escape
	b = append(b, `","access_token":"`...)
	b = append(b, token...)
	b = append(b, `","token_type":"bearer","expires_in":`...)
	return strconv.AppendInt(b, int64(domain.AccessTTL.Seconds()), 10)
}
