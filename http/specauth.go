package http

import (
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/openapi"
)

// tokensForm is a session's tokens as session and renewed write them. A login that
// still has to prove its address has none.
type tokensForm struct {
	Token       string `json:"token,omitempty"`
	AccessToken string `json:"access_token,omitempty"` // the same
	TokenType   string `json:"token_type,omitempty"`
	ExpiresIn   int    `json:"expires_in,omitempty"`
}

// sessionForm is how session writes itself.
type sessionForm struct {
	tokensForm
	RefreshToken     string          `json:"refresh_token,omitempty"`
	RefreshExpiresIn int             `json:"refresh_expires_in,omitempty"`
	SessionID        string          `json:"session_id,omitempty"`
	UserID           domain.UserID   `json:"user_id"`
	TenantID         domain.TenantID `json:"tenant_id"`
	OrgID            domain.TenantID `json:"org_id"`
	MFARequired      bool            `json:"mfa_required"`
	OwesFactor       bool            `json:"mfa_enrolment_required"`
	Unverified       bool            `json:"verification_required"`
	TrialEndsAt      instant         `json:"trial_ends_at"`
}

// enrolmentForm is how enrolment writes itself.
type enrolmentForm struct {
	Secret      string   `json:"secret"`
	QRCode      string   `json:"qr_code"`     // a PNG as a data URI
	QRCodeURL   string   `json:"qr_code_url"` // otpauth://
	BackupCodes []string `json:"backup_codes"`
}

type (
	changedForm struct {
		tokensForm
		Changed bool `json:"changed"`
	}
	disabledForm struct {
		tokensForm
		Disabled bool `json:"disabled"`
	}
	steppedUpForm struct {
		tokensForm
		SteppedUp bool `json:"stepped_up"`
	}
	shownForm struct {
		tokensForm
		Verified    bool     `json:"verified"`
		BackupCodes []string `json:"backup_codes,omitempty"`
	}
	finishedForm struct {
		sessionForm
		Verified bool `json:"verified"`
	}
)

// eitherOf is data of one of two types.
type eitherOf struct{ one, other any }

func authArea() area {
	const account = `{"email":"you@example.com","password":"strong_pass"}`
	cookies := " Tokens come in the body and as cookies."
	return area{"auth", "Accounts, logins and second factors.", map[pattern]operation{
		{"POST", "/auth/register"}: {
			summary: "Register a tenant and its owner", request: registerRequest{}, required: []string{"email", "password"}, status: 201, answer: sessionForm{}, conflicts: true,
			example: `{"email":"you@example.com","password":"strong_pass","tenant_name":"Acme Corp"}`,
			about:   "The name is tenant_name or org_name. A trial begins. Where letters are really sent the answer is ids only, and a login waits for the address to be proven.",
		},
		{"POST", "/auth/login"}:   {summary: "Log in", request: loginRequest{}, required: []string{"email", "password"}, example: account, answer: sessionForm{}, about: "With totp_code or backup_code where there is a second factor." + cookies},
		{"POST", "/auth/refresh"}: {summary: "Renew a login", request: refreshRequest{}, answer: sessionForm{}, about: "The refresh token comes in the body or as a cookie, and is good once: a second use ends the login." + cookies},
		{"POST", "/auth/logout"}:  {summary: "Log out", request: refreshRequest{}, about: "Ends the session of the refresh token, or else of the access token. A token that leads nowhere is no error."},
		{"POST", "/auth/verify-email"}: {
			summary: "Prove an address", request: verifyEmailRequest{}, required: []string{"token"}, answer: proven{}, missing: true,
			example: `{"token":"from-the-letter"}`,
		},
		{"POST", "/auth/password/forgot"}: {summary: "Ask for a new password", request: forgotPasswordRequest{}, required: []string{"email"}, example: `{"email":"you@example.com"}`, status: 202, answer: accepted{}, about: "Says the same whether or not there is such an account."},
		{"POST", "/auth/password/reset"}:  {summary: "Set a new password", request: resetPasswordRequest{}, required: []string{"token", "password"}, example: `{"token":"from-the-letter","password":"another strong one"}`, answer: reset{}, missing: true},
		{"POST", "/auth/mfa/verify"}: {
			summary: "Show a code", request: verifyMFARequest{}, example: `{"totp_code":"123456"}`, answer: eitherOf{shownForm{}, finishedForm{}}, conflicts: true,
			about: "With an mfa_token it finishes a login. Without one the caller shows a code of their own: the first one enrols the second factor, and backup codes come once more.",
		},
		{"GET", "/auth/me"}:       {summary: "Ask who one is", answer: me{}},
		{"GET", "/auth/sessions"}: {summary: "List one's logins", answer: []liveSession{}},
		{"DELETE", "/auth/sessions/:id"}: {
			summary: "End a login", answer: revoked{}, missing: true,
		},
		{"POST", "/auth/password"}: {
			summary: "Change one's password", request: changePasswordRequest{}, required: []string{"current_password", "new_password"}, answer: changedForm{},
			example: `{"current_password":"strong_pass","new_password":"another strong one"}`, about: "Every other login ends.",
		},
		{"POST", "/auth/step-up"}:           {summary: "Prove once more who one is", request: disableMFARequest{}, example: `{"password":"strong_pass"}`, answer: steppedUpForm{}, about: "With a code of the second factor, or with the password where there is none. For ten minutes that opens what asks for it."},
		{"POST", "/auth/mfa/setup"}:         {summary: "Set up a second factor", answer: enrolmentForm{}, conflicts: true, about: "Shown this once. It counts once a code of it was shown."},
		{"POST", "/auth/mfa/disable"}:       {summary: "Give up the second factor", request: disableMFARequest{}, example: `{"password":"strong_pass","totp_code":"123456"}`, answer: disabledForm{}, conflicts: true},
		{"POST", "/auth/accept-invitation"}: {summary: "Accept an invitation", request: acceptRequest{}, required: []string{"token", "password"}, example: `{"token":"from-the-letter","password":"strong_pass"}`, status: 201, answer: sessionForm{}, missing: true, conflicts: true},
	}}
}

func usersArea() area {
	return area{"users", "Who belongs to the tenant, in which role. No API key acts here.", map[pattern]operation{
		{"GET", "/users"}:            {summary: "List users", query: pages(), answer: []member{}},
		{"POST", "/users/invite"}:    {summary: "Invite somebody", request: inviteRequest{}, required: []string{"email", "role"}, example: `{"email":"bob@example.com","role":"editor"}`, status: 201, answer: member{}, conflicts: true},
		{"PATCH", "/users/:id"}:      {summary: "Change a role", request: roleRequest{}, required: []string{"role"}, example: `{"role":"viewer"}`, answer: member{}, missing: true, conflicts: true},
		{"DELETE", "/users/:id"}:     {summary: "Deactivate a user", answer: member{}, missing: true, conflicts: true},
		{"POST", "/users/:id/erase"}: {summary: "Erase a person", answer: member{}, missing: true, conflicts: true, about: "Destroys the key of the person's data. The facts stay; nobody can read any more whom they name."},
	}}
}

func securityArea() area {
	keys := operation{summary: "List API keys", answer: []apiKey{}, about: "Never the keys themselves."}
	return area{"security", "API keys, and what to do in an emergency.", map[pattern]operation{
		{"GET", "/security/api-keys"}: keys,
		{"GET", "/settings/api-keys"}: keys,
		{"POST", "/security/api-keys"}: {
			summary: "Make an API key", request: createKeyRequest{}, required: []string{"name"}, example: `{"name":"ci","scopes":["vault:unseal"],"ttl_days":90}`, status: 201,
			answer: createdKeyForm{}, conflicts: true, idempotent: true,
			about: "Shown this once. It expires after 365 days unless ttl_days, or expires_in_days, says sooner. A repeat under its Idempotency-Key is 409 with the key's id.",
		},
		{"DELETE", "/security/api-keys/:id"}: {summary: "Revoke an API key", answer: revoked{}, missing: true},
		{"GET", "/security/api-keys/:id/blast-radius"}: {
			summary: "Read what is at stake if somebody else has an API key", answer: blast{}, missing: true, about: "What it did and can reach, and which values it read that are still in use. Counts as 5 requests.",
			query: []*openapi.Parameter{asked("since", "What it did from here on.", openapi.Schema{Type: "string"})},
		},
		{"POST", "/security/emergency-lockdown"}:         {summary: "Stop releasing values", request: lockdownRequest{}, example: `{"reason":"laptop stolen","drill":false}`, answer: lockdown{}},
		{"POST", "/security/emergency-lockdown/release"}: {summary: "End a lockdown", answer: lockdown{}},
	}}
}

// createdKeyForm is how createdKey writes itself.
type createdKeyForm struct {
	apiKey
	Key    apiKey `json:"key"`
	Secret string `json:"secret"`
	APIKey string `json:"api_key"` // the same
}

func settingsArea() area {
	any := openapi.Schema{Type: "object", Description: "Members of the settings. What has another name is kept in extra.", Additional: &openapi.Schema{}}
	return area{"settings", "What a tenant may set.", map[pattern]operation{
		{"GET", "/settings"}: {
			summary: "Read the settings", answer: settings{}, missing: true,
			query: []*openapi.Parameter{asked("as_of", "As they were at this date's end or time.", openapi.Schema{Type: "string"})},
		},
		{"PATCH", "/settings"}: {summary: "Change settings", request: &any, example: `{"default_ttl_days":90,"mfa_enforced":true}`, answer: settings{}, conflicts: true, about: "null takes a limit away."},
	}}
}
