package domain_test

import (
	"encoding/json"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
)

var (
	tenant = given[domain.Tenant, domain.TenantEvent](domain.TenantRegistered{
		Owner: userID, TenantID: tenantID, TrialEndsAt: expiry, Personal: domain.TenantName{Name: "Lovelace"},
	})
	here = netip.MustParseAddr("192.0.2.7")
)

func setting(key domain.SettingKey, value string) []domain.Setting {
	return []domain.Setting{{Key: key, Value: json.RawMessage(value)}}
}

// What a value becomes, whether it weakens what was before, and what of it stands
// where every auditor reads.
func TestSettingsChange(t *testing.T) {
	for name, tt := range map[string]struct {
		before, key, value string
		want               domain.TenantSettingsChanged
	}{
		"MFA":             {"", "mfa_enforced", "true", domain.TenantSettingsChanged{New: "true", Old: "false"}},
		"MFA off":         {"true", "mfa_enforced", "false", domain.TenantSettingsChanged{New: "false", Old: "true", Weakens: true}},
		"retention":       {"", "retention_days", "365", domain.TenantSettingsChanged{New: "365", Old: "0", Weakens: true}},
		"retention up":    {"30", "retention_days", "null", domain.TenantSettingsChanged{New: "0", Old: "30"}},
		"timeout":         {"", "session_timeout_minutes", "30", domain.TenantSettingsChanged{New: "30", Old: "0"}},
		"no timeout":      {"30", "session_timeout_minutes", "0", domain.TenantSettingsChanged{New: "0", Old: "30", Weakens: true}},
		"password":        {"", "password_min_length", "15", domain.TenantSettingsChanged{New: "15", Old: "10"}},
		"password down":   {"15", "password_min_length", "12", domain.TenantSettingsChanged{New: "12", Old: "15", Weakens: true}},
		"attempts up":     {"", "lockout_attempts", "10", domain.TenantSettingsChanged{New: "10", Old: "5", Weakens: true}},
		"lock shorter":    {"60", "lockout_minutes", "30", domain.TenantSettingsChanged{New: "30", Old: "60", Weakens: true}},
		"rate":            {"", "rate_limit_per_minute", "100", domain.TenantSettingsChanged{New: "100", Old: "0"}},
		"default ttl":     {"", "default_ttl_days", "90", domain.TenantSettingsChanged{New: "90", Old: "0"}},
		"max ttl":         {"90", "max_ttl_days", "365", domain.TenantSettingsChanged{New: "365", Old: "90", Weakens: true}},
		"ranges":          {"", "allowed_ip_ranges", `["192.0.2.7/24","192.0.2.0/24","2001:db8::/48"]`, domain.TenantSettingsChanged{New: "n=2 v4=24 v6=48", Old: "n=0", Personal: domain.SettingValues{New: `["192.0.2.0/24","2001:db8::/48"]`, Old: "[]"}}},
		"narrower ranges": {`["192.0.0.0/16"]`, "allowed_ip_ranges", `["192.0.2.7"]`, domain.TenantSettingsChanged{New: "n=1 v4=32", Old: "n=1 v4=16", Personal: domain.SettingValues{New: `["192.0.2.7/32"]`, Old: `["192.0.0.0/16"]`}}},
		"wider ranges":    {`["192.0.2.7"]`, "allowed_ip_ranges", `["192.0.2.7","198.51.100.1"]`, domain.TenantSettingsChanged{New: "n=2 v4=32", Old: "n=1 v4=32", Weakens: true, Personal: domain.SettingValues{New: `["192.0.2.7/32","198.51.100.1/32"]`, Old: `["192.0.2.7/32"]`}}},
		"no ranges":       {`["192.0.2.7"]`, "allowed_ip_ranges", `[]`, domain.TenantSettingsChanged{New: "n=0", Old: "n=1 v4=32", Weakens: true, Personal: domain.SettingValues{New: `[]`, Old: `["192.0.2.7/32"]`}}},
		"recipients":      {"", "notification_emails", `["ops@example.org","ada@example.org","ops@example.org"]`, domain.TenantSettingsChanged{New: "n=2", Old: "n=0", Personal: domain.SettingValues{New: `["ada@example.org","ops@example.org"]`, Old: "[]"}}},
		"name":            {"", "org_name", `"Analytical"`, domain.TenantSettingsChanged{New: "n=10", Old: "n=8", Personal: domain.SettingValues{New: `"Analytical"`, Old: `"Lovelace"`}}},
		"extra":           {`{"a":1,"b":{"c":2}}`, "extra", ` {"b":null,"d":[1, 2]}`, domain.TenantSettingsChanged{New: "n=2", Old: "n=2", Personal: domain.SettingValues{New: `{"a":1,"d":[1,2]}`, Old: `{"a":1,"b":{"c":2}}`}}},
	} {
		t.Run(name, func(t *testing.T) {
			before := tenant
			if tt.before != "" {
				facts, err := before.Configure(setting(domain.SettingKey(tt.key), tt.before), here)
				if err != nil {
					t.Fatal(err)
				}
				before = given[domain.Tenant](append([]domain.TenantEvent{domain.TenantRegistered{TenantID: tenantID, Personal: domain.TenantName{Name: "Lovelace"}}}, facts...)...)
			}
			tt.want.Key = domain.SettingKey(tt.key)
			rule := func(t domain.Tenant) ([]domain.TenantEvent, error) {
				return t.Configure(setting(tt.want.Key, tt.value), here)
			}
			after, facts, err := decide(t, before, rule)
			if diff := cmp.Diff([]domain.TenantEvent{tt.want}, facts); diff != "" || err != nil {
				t.Fatalf("%v (-want +got):\n%s", err, diff)
			}
			if again, err := rule(after); again != nil || err != nil {
				t.Errorf("the same again is %v, %v", again, err)
			}
		})
	}
}

func TestSettingsRefusals(t *testing.T) {
	for key, values := range map[domain.SettingKey][]string{
		"mfa_enforced":            {`"true"`, "null", "1", "", "True"},
		"retention_days":          {"29", "36501", "-1", "30.0", "3e1", `"365"`, "030", ""},
		"session_timeout_minutes": {"4", "10081", "true"},
		"password_min_length":     {"9", "0", "null", "129"},
		"lockout_attempts":        {"2", "11", "0"},
		"lockout_minutes":         {"29", "1441"},
		"rate_limit_per_minute":   {"9", "1000001"},
		"default_ttl_days":        {"366", "-1"},
		"max_ttl_days":            {"366"},
		"default_algorithm":       {`"ML-KEM-512"`, "null2", "1", `""`},
		"allowed_ip_ranges":       {`["x"]`, `["10.0.0.0/33"]`, `"10.0.0.0/8"`, `[1]`, `["fe80::1%eth0"]`, "", `["::ffff:1.2.3.4/90"]`},
		"notification_emails":     {`["x"]`, `["@x"]`, `["x@"]`, `["a b@c"]`, `["` + strings.Repeat("x", 254) + `@c"]`, `[` + strings.Repeat(`"a@b",`, 3) + `1]`, "true"},
		"org_name":                {`""`, "null", "1", `"a\u0000b"`, `"` + strings.Repeat("x", 256) + `"`},
		"extra":                   {"[]", "null", "", "1", `{"a":"` + strings.Repeat("x", domain.MaxExtra) + `"}`},
		"colour":                  {"1"},
	} {
		for _, value := range values {
			facts, err := tenant.Configure(setting(key, value), here)
			if refusal, ok := errors.AsType[*domain.Error](err); facts != nil || !ok || refusal.Kind != domain.Invalid {
				t.Errorf("%s = %.40s gives %v, %v", key, value, facts, err)
			}
		}
	}
	if facts, err := tenant.Configure(append(setting("mfa_enforced", "true"), setting("mfa_enforced", "false")...), here); facts != nil || err == nil {
		t.Errorf("twice in one gives %v", facts)
	}
	if facts, err := tenant.Configure(append(setting("mfa_enforced", "true"), setting("allowed_ip_ranges", `["198.51.100.0/24"]`)...), here); facts != nil || !errors.Is(err, domain.ErrLocksOut) {
		t.Errorf("locking oneself out gives %v, %v", facts, err)
	}
}

// The password policy has a new version whenever it changes.
func TestPasswordPolicyVersion(t *testing.T) {
	facts, err := tenant.Configure(setting("password_min_length", "15"), here)
	if err != nil {
		t.Fatal(err)
	}
	if got := tenant.Evolve(facts[0]).Settings.PasswordPolicy; got != 2 || tenant.Settings.PasswordPolicy != 1 {
		t.Errorf("version %d", got)
	}
}

// Ranges that were declared and cannot be read any more hold nobody.
func TestErasedRangesHoldNobody(t *testing.T) {
	erased := domain.TenantSettingsChanged{Key: domain.SettingRanges, New: "n=1 v4=24", Old: "n=0"}
	if got := tenant.Evolve(erased).Settings.Declared(here); got != domain.OutOfRange {
		t.Errorf("declared: %s", got)
	}
	erased.New = "n=0"
	if got := tenant.Evolve(erased).Settings.Declared(here); got != domain.NoneDeclared {
		t.Errorf("declared: %s", got)
	}
	key := given[domain.APIKey, domain.APIKeyEvent](domain.APIKeyCreated{KeyID: keyID, Restricted: true})
	if key.AllowsFrom(here) {
		t.Error("a key whose ranges are lost acts from anywhere")
	}
}

func TestDeclared(t *testing.T) {
	facts, err := tenant.Configure(setting("allowed_ip_ranges", `["192.0.2.0/24","2001:db8::/48"]`), here)
	if err != nil {
		t.Fatal(err)
	}
	settings := tenant.Evolve(facts[0]).Settings
	for addr, want := range map[string]string{
		"192.0.2.0": "yes", "192.0.2.255": "yes", "::ffff:192.0.2.9": "yes", "192.0.3.0": "no", "2001:db8::1": "yes", "2001:db8:1::1": "no", "": "no",
	} {
		parsed, _ := netip.ParseAddr(addr)
		if got := settings.Declared(parsed); got != want {
			t.Errorf("%q is in a declared range: %s", addr, got)
		}
		if got := tenant.Settings.Declared(parsed); got != "none_declared" {
			t.Errorf("%q without ranges: %s", addr, got)
		}
	}
}

// Ranges have one form, which is read as itself.
func TestParseRangesProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`(::ffff:)?[0-9]{1,3}(\.[0-9]{1,3}){3}(/[0-9]{1,3})?`), rapid.StringMatching(`[0-9a-f:]{2,20}(/[0-9]{1,3})?`)).Draw(t, "text")
		ranges, err := domain.ParseRanges([]string{text, text})
		if err != nil {
			return
		}
		if len(ranges) != 1 || ranges[0] != ranges[0].Masked() || ranges[0].Addr().Is4In6() {
			t.Fatalf("%q is read as %v", text, ranges)
		}
		if again, err := domain.ParseRanges([]string{ranges[0].String()}); err != nil || !reflect.DeepEqual(again, ranges) {
			t.Fatalf("%v is read as %v, %v", ranges, again, err)
		}
	})
	if _, err := domain.ParseRanges(make([]string, domain.MaxRanges+1)); err == nil {
		t.Error("any number of ranges is read")
	}
}

// The trial clock stops what adds, at its end and not before, unless it is ended.
func TestTrial(t *testing.T) {
	end := time.UnixMicro(expiry)
	if err := tenant.Adds(end.Add(-time.Microsecond)); err != nil {
		t.Errorf("before its end: %v", err)
	}
	if err := tenant.Adds(end); !errors.Is(err, domain.ErrDenied) {
		t.Errorf("at its end: %v", err)
	}
	activate := func(tn domain.Tenant) ([]domain.TenantEvent, error) { return tn.Activate(domain.ActorOperator) }
	after, facts, err := decide(t, tenant, activate)
	if diff := cmp.Diff([]domain.TenantEvent{domain.TenantActivated{By: "operator"}}, facts); diff != "" || err != nil {
		t.Fatalf("%v (-want +got):\n%s", err, diff)
	}
	if err := after.Adds(end.AddDate(10, 0, 0)); err != nil || after.Trial() {
		t.Errorf("once activated: %v", err)
	}
	if facts, err := activate(domain.Tenant{}); facts != nil || err == nil {
		t.Errorf("nobody is activated by %v", facts)
	}
}

// A lockdown is over once it is lifted, and what lifts it names it.
func TestLockdown(t *testing.T) {
	lock := func(event byte) func(domain.Tenant) ([]domain.TenantEvent, error) {
		return func(tn domain.Tenant) ([]domain.TenantEvent, error) {
			return tn.LockDown(id(event), "stolen", false)
		}
	}
	locked, facts, err := decide(t, tenant, lock(0x77))
	want := domain.LockdownActivated{ActivationEventID: id(0x77), Personal: domain.LockdownReason{Reason: "stolen"}}
	if diff := cmp.Diff([]domain.TenantEvent{want}, facts); diff != "" || err != nil || !locked.Locked() || tenant.Locked() {
		t.Fatalf("%v (-want +got):\n%s", err, diff)
	}
	if again, err := lock(0x78)(locked); again != nil || err != nil {
		t.Errorf("locked again by %v, %v", again, err)
	}
	open, facts, err := decide(t, locked, domain.Tenant.Lift)
	if diff := cmp.Diff([]domain.TenantEvent{domain.LockdownLifted{ActivationEventID: id(0x77)}}, facts); diff != "" || err != nil || open.Locked() {
		t.Fatalf("%v (-want +got):\n%s", err, diff)
	}
	if facts, err := tenant.LockDown(id(1), strings.Repeat("x", domain.MaxReason+1), false); facts != nil || err == nil {
		t.Error("a reason of any length is taken")
	}
}
