package client

import (
	"context"
	"net/http"
	"time"
)

// Login says who logs in. Text cannot be wiped, which is why secrets are bytes; on
// their way they are JSON text all the same.
type Login struct {
	Email      string
	Password   []byte
	Code       []byte // of the authenticator; nil = none
	BackupCode []byte
}

// Session is a login.
type Session struct {
	AccessToken  []byte        // good for ExpiresIn
	RefreshToken []byte        // good for one refresh
	ExpiresIn    time.Duration // from the request on
	UserID       string
	TenantID     string
}

// Login logs in. It returns an *Error of TypeMFARequired where a code is missing.
func (c *Client) Login(ctx context.Context, l Login) (Session, error) {
	body := map[string]string{"email": l.Email, "password": string(l.Password)}
	if l.Code != nil {
		body["totp_code"] = string(l.Code)
	}
	if l.BackupCode != nil {
		body["backup_code"] = string(l.BackupCode)
	}
	return c.session(ctx, "/auth/login", body)
}

// Refresh renews a login. The refresh token is spent; the new session has another.
func (c *Client) Refresh(ctx context.Context, refresh []byte) (Session, error) {
	return c.session(ctx, "/auth/refresh", map[string]string{"refresh_token": string(refresh)})
}

// Logout ends a login. That there is none is no error.
func (c *Client) Logout(ctx context.Context, refresh []byte) error {
	_, err := c.call(ctx, request{method: http.MethodPost, path: "/auth/logout", body: map[string]string{"refresh_token": string(refresh)}}, nil)
	return err
}

func (c *Client) session(ctx context.Context, path string, body map[string]string) (Session, error) {
	var s struct {
		Access   string `json:"access_token"`
		Refresh  string `json:"refresh_token"`
		Expires  int    `json:"expires_in"`
		UserID   string `json:"user_id"`
		TenantID string `json:"tenant_id"`
	}
	if _, err := c.With(nil).call(ctx, request{method: http.MethodPost, path: path, body: body}, &s); err != nil {
		return Session{}, err
	}
	return Session{[]byte(s.Access), []byte(s.Refresh), time.Duration(s.Expires) * time.Second, s.UserID, s.TenantID}, nil
}
