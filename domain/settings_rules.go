package domain

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// settingRule is how one setting is read, held to its limits, and told.
type settingRule struct {
	form    string                     // what a value must be, for whoever sent another
	set     func(*Tenant, []byte) bool // reads a value from JSON; false = no such value
	check   func(Tenant) bool          // holds it to the limits of today
	text    func(Tenant) string        // the one JSON form of the value that stands
	outline func(Tenant) string        // what a payload says of it; nil = its text
	weakens func(before, after Settings) bool
}

var settings = map[SettingKey]settingRule{
	SettingMFA: {
		form: "true or false",
		set: func(t *Tenant, v []byte) bool {
			t.Settings.MFAEnforced = string(v) == "true"
			return string(v) == "true" || string(v) == "false"
		},
		check:   func(Tenant) bool { return true },
		text:    func(t Tenant) string { return strconv.FormatBool(t.Settings.MFAEnforced) },
		weakens: func(b, a Settings) bool { return b.MFAEnforced && !a.MFAEnforced },
	},
	SettingRetention: number("0 for ever, or 30 to 36500", func(s *Settings) *int { return &s.RetentionDays }, 30, 36500, true,
		func(b, a int) bool { return unlimited(a) < unlimited(b) }),
	SettingSessionTimeout: number("0 for none, or 5 to 10080", func(s *Settings) *int { return &s.SessionTimeoutMinutes }, 5, 10080, true, longer),
	SettingPasswordLength: number("10 to 128", func(s *Settings) *int { return &s.PasswordMinLength }, MinPassword, 128, false,
		func(b, a int) bool { return a < b }),
	SettingLockoutAttempts: number("3 to 10", func(s *Settings) *int { return &s.LockoutAttempts }, 3, 10, false, longer),
	SettingLockoutMinutes: number("30 to 1440", func(s *Settings) *int { return &s.LockoutMinutes }, 30, 1440, false,
		func(b, a int) bool { return a < b }),
	SettingRateLimit:  number("0 for the deployment's, or 10 to 1000000", func(s *Settings) *int { return &s.RateLimit }, 10, 1_000_000, true, nil),
	SettingDefaultTTL: number("0 for none, or 1 to 365", func(s *Settings) *int { return &s.DefaultTTLDays }, 1, MaxTTLDays, true, nil),
	SettingMaxTTL:     number("0 for none, or 1 to 365", func(s *Settings) *int { return &s.MaxTTLDays }, 1, MaxTTLDays, true, longer),
	SettingAlgorithm: {
		form:  SealAlgorithm,
		set:   func(t *Tenant, v []byte) bool { return json.Unmarshal(v, &t.Settings.DefaultAlgorithm) == nil },
		check: func(t Tenant) bool { return t.Settings.DefaultAlgorithm == SealAlgorithm },
		text:  func(t Tenant) string { return jsonText(t.Settings.DefaultAlgorithm) },
	},
	SettingRanges: {
		form: "a list of at most 100 IP addresses and CIDR ranges",
		set: func(t *Tenant, v []byte) bool {
			var texts []string
			if len(v) == 0 || json.Unmarshal(v, &texts) != nil {
				return false
			}
			ranges, err := ParseRanges(texts)
			t.Settings.AllowedRanges, t.Settings.Restricted = ranges, len(ranges) > 0
			return err == nil
		},
		check:   func(Tenant) bool { return true },
		text:    func(t Tenant) string { return jsonText(append([]string{}, rangeTexts(t.Settings.AllowedRanges)...)) },
		outline: func(t Tenant) string { return outlineRanges(t.Settings.AllowedRanges) },
		weakens: func(b, a Settings) bool { return b.Restricted && wider(b.AllowedRanges, a.AllowedRanges) },
	},
	SettingRecipients: {
		form: "a list of at most 20 e-mail addresses",
		set: func(t *Tenant, v []byte) bool {
			var texts []string
			if len(v) == 0 || json.Unmarshal(v, &texts) != nil {
				return false
			}
			t.Settings.Recipients = sortedTexts(texts)
			return true
		},
		check: func(t Tenant) bool {
			return len(t.Settings.Recipients) <= MaxRecipients && !slices.ContainsFunc(t.Settings.Recipients, notRecipient)
		},
		text:    func(t Tenant) string { return jsonText(append([]string{}, t.Settings.Recipients...)) },
		outline: func(t Tenant) string { return "n=" + strconv.Itoa(len(t.Settings.Recipients)) },
	},
	SettingName: {
		form:    "a name",
		set:     func(t *Tenant, v []byte) bool { return json.Unmarshal(v, &t.Name) == nil && string(v) != "null" },
		check:   func(t Tenant) bool { return CheckName("org_name", t.Name) == nil },
		text:    func(t Tenant) string { return jsonText(t.Name) },
		outline: func(t Tenant) string { return "n=" + strconv.Itoa(len(t.Name)) },
	},
	SettingExtra: {
		form: "an object of at most 16 KiB",
		set: func(t *Tenant, v []byte) bool {
			var fields map[string]json.RawMessage
			if unmarshal(v, &fields) != nil {
				return false
			}
			t.Settings.Extra = []byte(jsonText(fields))
			return true
		},
		check:   func(t Tenant) bool { return len(t.Settings.Extra) <= MaxExtra },
		text:    func(t Tenant) string { return string(extraOf(t)) },
		outline: func(t Tenant) string { return "n=" + strconv.Itoa(len(extraFields(t))) },
	},
}

// number is the rule of a whole number between two limits, or 0 and null where
// that says none.
func number(form string, field func(*Settings) *int, least, most int, none bool, weakens func(before, after int) bool) settingRule {
	value := func(s Settings) int { return *field(&s) }
	rule := settingRule{
		form: form,
		set: func(t *Tenant, v []byte) bool {
			if none && string(v) == "null" {
				v = []byte("0")
			}
			n, err := strconv.Atoi(string(v))
			if err != nil || strconv.Itoa(n) != string(v) {
				return false
			}
			*field(&t.Settings) = n
			return true
		},
		check: func(t Tenant) bool {
			n := value(t.Settings)
			return none && n == 0 || least <= n && n <= most
		},
		text: func(t Tenant) string { return strconv.Itoa(value(t.Settings)) },
	}
	if weakens != nil {
		rule.weakens = func(b, a Settings) bool { return weakens(value(b), value(a)) }
	}
	return rule
}

// unlimited returns n as a limit: 0 is none, and above every other.
func unlimited(n int) int {
	if n == 0 {
		return int(^uint(0) >> 1)
	}
	return n
}

func longer(before, after int) bool { return unlimited(after) > unlimited(before) }

func notRecipient(text string) bool {
	if _, err := ParseID(text); err == nil {
		return false
	}
	at := strings.LastIndexByte(text, '@')
	return at < 1 || at == len(text)-1 || len(text) > 254 || strings.ContainsFunc(text, unicode.IsControl) || strings.ContainsAny(text, " \t")
}

// outlineRanges says how many ranges there are and how wide the widest is.
func outlineRanges(ranges []netip.Prefix) string {
	outline := fmt.Sprintf("n=%d", len(ranges))
	for _, family := range []struct {
		name string
		bits int
	}{{"v4", 32}, {"v6", 128}} {
		widest := family.bits + 1
		for _, p := range ranges {
			if p.Addr().BitLen() == family.bits {
				widest = min(widest, p.Bits())
			}
		}
		if widest <= family.bits {
			outline += fmt.Sprintf(" %s=%d", family.name, widest)
		}
	}
	return outline
}

func extraOf(t Tenant) []byte {
	if t.Settings.Extra == nil {
		return []byte("{}")
	}
	return t.Settings.Extra
}

func extraFields(t Tenant) (fields map[string]json.RawMessage) {
	_ = unmarshal(extraOf(t), &fields) // what stands was read before
	return fields
}

// jsonText returns the JSON of what cannot fail to have any.
func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "null"
	}
	return string(b)
}
