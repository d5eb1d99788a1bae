package http

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/netip"
	"slices"
	"strconv"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
)

// settings are a tenant's, under every name that the published clients read.
type settings struct {
	TenantID              string          `json:"tenant_id"`
	OrgName               string          `json:"org_name"`
	DefaultAlgorithm      string          `json:"default_algorithm"`
	MFAEnforced           bool            `json:"mfa_enforced"`
	MFARequired           bool            `json:"mfa_required"` // the same
	RetentionDays         *int            `json:"retention_days"`
	SessionTimeoutMinutes *int            `json:"session_timeout_minutes"`
	AllowedIPRanges       []netip.Prefix  `json:"allowed_ip_ranges"`
	NotificationEmails    []string        `json:"notification_emails"`
	PasswordMinLength     int             `json:"password_min_length"`
	LockoutAttempts       int             `json:"lockout_attempts"`
	LockoutMinutes        int             `json:"lockout_minutes"`
	RateLimitPerMinute    *int            `json:"rate_limit_per_minute"`
	DefaultTTLDays        *int            `json:"default_ttl_days"`
	MaxTTLDays            *int            `json:"max_ttl_days"`
	Extra                 json.RawMessage `json:"extra"` // what clients keep here that means nothing to us
}

func settingsOf(t domain.Tenant) settings {
	of := t.Settings
	limit := func(n int) *int { // 0 is no limit, which clients read as null
		if n == 0 {
			return nil
		}
		return &n
	}
	s := settings{
		TenantID: t.ID.String(), OrgName: t.Name, DefaultAlgorithm: of.DefaultAlgorithm, MFAEnforced: of.MFAEnforced, MFARequired: of.MFAEnforced,
		RetentionDays: limit(of.RetentionDays), SessionTimeoutMinutes: limit(of.SessionTimeoutMinutes),
		AllowedIPRanges: of.AllowedRanges, NotificationEmails: of.Recipients, PasswordMinLength: of.PasswordMinLength,
		LockoutAttempts: of.LockoutAttempts, LockoutMinutes: of.LockoutMinutes,
		RateLimitPerMinute: limit(of.RateLimit), DefaultTTLDays: limit(of.DefaultTTLDays), MaxTTLDays: limit(of.MaxTTLDays),
		Extra: of.Extra,
	}
	if s.AllowedIPRanges == nil {
		s.AllowedIPRanges = []netip.Prefix{}
	}
	if s.NotificationEmails == nil {
		s.NotificationEmails = []string{}
	}
	if len(s.Extra) == 0 {
		s.Extra = json.RawMessage("{}")
	}
	return s
}

// settingsQuery is asked in the query alone.
type settingsQuery struct{}

// wrong implements formed.
func (settingsQuery) wrong(_ context.Context, s *Server, in *call) error {
	p := parametersOf(in.http)
	s.past(p, "as_of")
	return p.err
}

// getSettings handles GET /settings, of now or as of an instant.
func (s *Server) getSettings(ctx context.Context, in *call, _ settingsQuery) (reply[settings], error) {
	p := parametersOf(in.http)
	at := s.past(p, "as_of")
	if p.err != nil {
		return reply[settings]{}, p.err
	}
	if p.text("as_of") == "" {
		t, err := s.Identity.Settings(ctx, in.by)
		return reply[settings]{data: settingsOf(t)}, err
	}
	t, err := s.Identity.SettingsAt(ctx, in.by, at)
	if err == nil && t.ID.IsZero() {
		err = errNotFound
	}
	return reply[settings]{data: settingsOf(t)}, err
}

// settingsPatch is what PATCH /settings is sent: any fields.
type settingsPatch map[string]json.RawMessage

// patchSettings handles PATCH /settings.
func (s *Server) patchSettings(ctx context.Context, in *call, req settingsPatch) (reply[settings], error) {
	t, receipt, err := s.Identity.ChangeSettings(ctx, commands.ChangeSettings{Actor: in.by, Changes: req.changes})
	return reply[settings]{data: settingsOf(t), receipt: receipt}, err
}

// known are the fields that change a setting. Under every other name a client
// keeps what it likes, in extra.
var known = map[string]domain.SettingKey{
	"org_name": domain.SettingName, "default_algorithm": domain.SettingAlgorithm,
	"retention_days": domain.SettingRetention, "session_timeout_minutes": domain.SettingSessionTimeout,
	"allowed_ip_ranges": domain.SettingRanges, "notification_emails": domain.SettingRecipients,
	"password_min_length": domain.SettingPasswordLength, "lockout_attempts": domain.SettingLockoutAttempts,
	"lockout_minutes": domain.SettingLockoutMinutes, "rate_limit_per_minute": domain.SettingRateLimit,
	"default_ttl_days": domain.SettingDefaultTTL, "max_ttl_days": domain.SettingMaxTTL,
}

// unlimitable are the settings that null takes away.
var unlimitable = map[domain.SettingKey]bool{
	domain.SettingRetention: true, domain.SettingSessionTimeout: true, domain.SettingRateLimit: true,
	domain.SettingDefaultTTL: true, domain.SettingMaxTTL: true,
}

// changes says which settings the fields change in t. One published client sends
// back what it was given under names that it does not know, and nests the rest in
// extra: so extra is merged, and of the two names of the same setting the one that
// says something new counts.
func (p settingsPatch) changes(t domain.Tenant) ([]domain.Setting, error) {
	var list []domain.Setting
	extra := map[string]json.RawMessage{}
	for name, value := range p {
		switch key, ok := known[name]; {
		case ok && string(value) == "null" && !unlimitable[key]: // not sent
		case ok:
			list = append(list, domain.Setting{Key: key, Value: compact(value)})
		case name == "tenant_id":
			if string(value) != strconv.Quote(t.ID.String()) {
				return nil, invalid("tenant_id cannot be changed")
			}
		case name == "extra":
			var nested map[string]json.RawMessage
			if json.Unmarshal(value, &nested) != nil || nested == nil {
				return nil, invalid("extra must be a JSON object")
			}
			for name, value := range nested {
				if _, given := extra[name]; !given { // one that stands beside extra is the newer
					extra[name] = value
				}
			}
		case name != "mfa_enforced" && name != "mfa_required":
			extra[name] = value
		}
	}
	if mfa, ok := p.mfa(t); ok {
		list = append(list, domain.Setting{Key: domain.SettingMFA, Value: mfa})
	}
	if len(extra) > 0 {
		value, err := json.Marshal(extra)
		if err != nil {
			return nil, err
		}
		list = append(list, domain.Setting{Key: domain.SettingExtra, Value: value})
	}
	slices.SortFunc(list, func(a, b domain.Setting) int { return cmp.Compare(a.Key, b.Key) })
	return list, nil
}

// mfa returns whether a second factor is to be demanded, if the fields say so.
func (p settingsPatch) mfa(t domain.Tenant) (json.RawMessage, bool) {
	sent := func(name string) (json.RawMessage, bool) { return p[name], p[name] != nil && string(p[name]) != "null" }
	one, hasOne := sent("mfa_enforced")
	two, hasTwo := sent("mfa_required")
	stands := strconv.FormatBool(t.Settings.MFAEnforced)
	if hasOne && hasTwo && string(one) == stands || !hasOne {
		return two, hasTwo
	}
	return one, true
}

// compact returns value without space between its parts.
func compact(value json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	if json.Compact(&b, value) != nil {
		return value
	}
	return b.Bytes()
}
