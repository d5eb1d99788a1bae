package http

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/domain"
)

// What the published clients send means what they mean by it.
func TestSettingsPatch(t *testing.T) {
	id := domain.TenantID{ID: domain.ID{1}}
	for name, tt := range map[string]struct {
		enforced bool // a second factor, so far
		body     string
		want     map[domain.SettingKey]string // nil = refused
	}{
		"nothing":                       {false, `{}`, map[domain.SettingKey]string{}},
		"one name":                      {false, `{"mfa_required":true}`, map[domain.SettingKey]string{"mfa_enforced": "true"}},
		"the other name":                {true, `{"mfa_enforced":false}`, map[domain.SettingKey]string{"mfa_enforced": "false"}},
		"the stale twin comes second":   {false, `{"mfa_enforced":true,"mfa_required":false}`, map[domain.SettingKey]string{"mfa_enforced": "true"}},
		"the stale twin comes first":    {true, `{"mfa_enforced":true,"mfa_required":false}`, map[domain.SettingKey]string{"mfa_enforced": "false"}},
		"both say what stands":          {true, `{"mfa_enforced":true,"mfa_required":true}`, map[domain.SettingKey]string{"mfa_enforced": "true"}},
		"a twin that says nothing":      {false, `{"mfa_enforced":true,"mfa_required":null}`, map[domain.SettingKey]string{"mfa_enforced": "true"}},
		"what null takes away":          {false, `{"retention_days":null,"org_name":null}`, map[domain.SettingKey]string{"retention_days": "null"}},
		"whose they are":                {false, `{"tenant_id":"` + id.String() + `"}`, map[domain.SettingKey]string{}},
		"whose they are not":            {false, `{"tenant_id":"x"}`, nil},
		"what a client keeps":           {false, `{"theme":"dark"}`, map[domain.SettingKey]string{"extra": `{"theme":"dark"}`}},
		"and nests":                     {false, `{"extra":{"theme":"dark"}}`, map[domain.SettingKey]string{"extra": `{"theme":"dark"}`}},
		"and spreads, once more":        {false, `{"extra":{"theme":"dark","n":1},"theme":"light"}`, map[domain.SettingKey]string{"extra": `{"n":1,"theme":"light"}`}},
		"extra that is no object":       {false, `{"extra":[1]}`, nil},
		"extra that is null":            {false, `{"extra":null}`, nil},
		"a list":                        {false, `{"allowed_ip_ranges": [ "10.0.0.0/8" ]}`, map[domain.SettingKey]string{"allowed_ip_ranges": `["10.0.0.0/8"]`}},
		"two of them, in a fixed order": {false, `{"retention_days":30,"lockout_minutes":60}`, map[domain.SettingKey]string{"retention_days": "30", "lockout_minutes": "60"}},
	} {
		var patch settingsPatch
		if err := decodeStrict([]byte(tt.body), &patch); err != nil {
			t.Fatal(err)
		}
		changes, err := patch.changes(domain.Tenant{ID: id, Settings: domain.Settings{MFAEnforced: tt.enforced}})
		if tt.want == nil {
			if refusalFor(err).kind != "validation_failed" {
				t.Errorf("%s: got %v, %v", name, changes, err)
			}
			continue
		}
		got := map[domain.SettingKey]string{}
		for i, change := range changes {
			if got[change.Key] = string(change.Value); i > 0 && changes[i-1].Key >= change.Key {
				t.Errorf("%s: out of order", name)
			}
		}
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

// An answer keeps its promises to clients even where nothing was decided.
func TestSettingsOfNobody(t *testing.T) {
	b, err := json.Marshal(settingsOf(domain.Tenant{Settings: domain.DefaultSettings()}))
	want := `{"tenant_id":"00000000-0000-0000-0000-000000000000","org_name":"","default_algorithm":"ML-KEM-768","mfa_enforced":false,` +
		`"mfa_required":false,"retention_days":null,"session_timeout_minutes":null,"allowed_ip_ranges":[],"notification_emails":[],` +
		`"password_min_length":10,"lockout_attempts":5,"lockout_minutes":30,"rate_limit_per_minute":null,"default_ttl_days":null,` +
		`"max_ttl_days":null,"extra":{}}`
	if diff := cmp.Diff(want, string(b)); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
