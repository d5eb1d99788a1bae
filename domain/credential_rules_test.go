package domain_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/domain"
)

var (
	sealed = domain.CredentialSealed{
		EntryID: credID.Entry(1), Environment: domain.Live, RecordHash: digest(1), TTLDays: 90, ExpiresAt: expiry,
		Type: "password", Version: 1, Personal: domain.CredentialLabel{Name: "db"},
	}
	rotated = domain.CredentialRotated{
		NewEntryID: credID.Entry(2), OldEntryID: credID.Entry(1), RecordHash: digest(2), ExpiresAt: expiry, Version: 2,
	}
	rotatedLast = domain.CredentialRotated{
		NewEntryID: credID.Entry(domain.MaxVersion), OldEntryID: credID.Entry(domain.MaxVersion - 1), Version: domain.MaxVersion,
	}
	retired = domain.CredentialRetired{EntryID: credID.Entry(2), RestoreUntil: now.Add(domain.RestoreWindow).UnixMicro()}
	deleted = domain.CredentialDeleted{EntryID: credID.Entry(2)}
	expired = domain.CredentialExpired{EntryID: credID.Entry(2)}
)

type credentialDecision = decision[domain.Credential, domain.CredentialEvent]

// history is a credential's facts so far.
func history(facts ...domain.CredentialEvent) []domain.CredentialEvent { return facts }

func denied(scope domain.Scope, route, reason string) []domain.CredentialEvent {
	return history(domain.AccessDenied{Permission: scope, Reason: reason, Route: route})
}

func unsealDenied(via domain.EntryID, reason string) []domain.CredentialEvent {
	return history(domain.CredentialUnsealDenied{EntryID: via, Reason: reason})
}

func TestUnsealRefusals(t *testing.T) {
	old, current, next, late := credID.Entry(1), credID.Entry(2), credID.Entry(3), time.UnixMicro(expiry)
	unseal := func(via domain.EntryID, env domain.Environment, at time.Time) credentialRule {
		return func(c domain.Credential) ([]domain.CredentialEvent, error) { return c.Unseal(via, env, at) }
	}
	gone := domain.ErrCredentialUnavailable
	testDecisions(t, map[string]credentialDecision{
		"never sealed":            {nil, unseal(old, domain.Live, now), unsealDenied(old, "not_found"), gone},
		"in the other world":      {history(sealed, rotated), unseal(current, domain.Test, now), unsealDenied(current, "environment"), gone},
		"in no world":             {history(sealed, rotated), unseal(current, "", now), unsealDenied(current, "environment"), gone},
		"deleted":                 {history(sealed, rotated, deleted), unseal(current, domain.Live, now), unsealDenied(current, "ended"), gone},
		"destroyed after its end": {history(sealed, rotated, expired), unseal(current, domain.Live, now), unsealDenied(current, "ended"), gone},
		"just expired":            {history(sealed, rotated), unseal(current, domain.Live, late), unsealDenied(current, "expired"), gone},
		"retired":                 {history(sealed, rotated, retired), unseal(current, domain.Live, now), unsealDenied(current, "retired"), gone},
		"version never made":      {history(sealed, rotated), unseal(next, domain.Live, now), unsealDenied(next, "unknown_version"), gone},
	})
}

func TestRotateRefusals(t *testing.T) {
	rotate := func(p domain.CredentialRotated, env domain.Environment, at time.Time) credentialRule {
		return func(c domain.Credential) ([]domain.CredentialEvent, error) { return c.Rotate(p, c.Entry(), env, at) }
	}
	gone, late := domain.ErrCredentialUnavailable, time.UnixMicro(expiry)
	refused := func(reason string) []domain.CredentialEvent {
		return denied(domain.ScopeVaultRotate, "vault.rotate", reason)
	}
	misnumbered, fromElsewhere := rotated, rotated
	misnumbered.Version, fromElsewhere.OldEntryID = 3, credID.Entry(3)
	testDecisions(t, map[string]credentialDecision{
		"never sealed":        {nil, rotate(rotated, domain.Live, now), refused("not_found"), gone},
		"in the other world":  {history(sealed), rotate(rotated, domain.Test, now), refused("environment"), gone},
		"deleted":             {history(sealed, deleted), rotate(rotated, domain.Live, now), refused("ended"), gone},
		"expired":             {history(sealed), rotate(rotated, domain.Live, late), refused("expired"), gone},
		"retired":             {history(sealed, retired), rotate(rotated, domain.Live, now), refused("retired"), gone},
		"no version is left":  {history(sealed, rotatedLast), rotate(rotated, domain.Live, now), refused("versions_exhausted"), gone},
		"somebody was faster": {history(sealed, rotated), rotate(rotated, domain.Live, now), nil, domain.ErrContended},
		"from elsewhere":      {history(sealed), rotate(fromElsewhere, domain.Live, now), nil, domain.ErrContended},
		"misnumbered":         {history(sealed), rotate(misnumbered, domain.Live, now), nil, domain.ErrContended},
	})
}

func TestEndings(t *testing.T) {
	remove := func(via domain.EntryID, env domain.Environment) credentialRule {
		return func(c domain.Credential) ([]domain.CredentialEvent, error) { return c.Delete(via, env) }
	}
	retire := func(via domain.EntryID, env domain.Environment, at time.Time) credentialRule {
		return func(c domain.Credential) ([]domain.CredentialEvent, error) { return c.Retire(via, env, at) }
	}
	gone, late := domain.ErrCredentialUnavailable, time.UnixMicro(expiry)
	handle, old, current, next := credID.Entry(0), credID.Entry(1), credID.Entry(2), credID.Entry(3)
	noDelete := func(reason string) []domain.CredentialEvent {
		return denied(domain.ScopeVaultDelete, "vault.delete", reason)
	}
	noRetire := func(reason string) []domain.CredentialEvent {
		return denied(domain.ScopeVaultDelete, "vault.retire", reason)
	}
	two := history(sealed, rotated)
	testDecisions(t, map[string]credentialDecision{
		"delete by handle":               {two, remove(handle, domain.Live), history(deleted), nil},
		"delete by version":              {two, remove(current, domain.Live), history(deleted), nil},
		"delete what is retired":         {history(sealed, rotated, retired), remove(current, domain.Live), history(deleted), nil},
		"delete an old version":          {two, remove(old, domain.Live), nil, nil},
		"delete a version never made":    {two, remove(next, domain.Live), noDelete("unknown_version"), gone},
		"delete what was never sealed":   {nil, remove(handle, domain.Live), noDelete("not_found"), gone},
		"delete in the other world":      {two, remove(current, domain.Test), noDelete("environment"), gone},
		"delete old in the other world":  {two, remove(old, domain.Test), noDelete("environment"), gone},
		"delete twice":                   {history(sealed, rotated, deleted), remove(current, domain.Live), noDelete("ended"), gone},
		"retire":                         {two, retire(handle, domain.Live, now), history(retired), nil},
		"retire an old version":          {two, retire(old, domain.Live, now), nil, nil},
		"retire an old one of a retired": {history(sealed, rotated, retired), retire(old, domain.Live, now), nil, nil},
		"retire a version never made":    {two, retire(next, domain.Live, now), noRetire("unknown_version"), gone},
		"retire what was never sealed":   {nil, retire(handle, domain.Live, now), noRetire("not_found"), gone},
		"retire in the other world":      {two, retire(current, domain.Test, now), noRetire("environment"), gone},
		"retire what has expired":        {two, retire(current, domain.Live, late), noRetire("expired"), gone},
		"retire twice":                   {history(sealed, rotated, retired), retire(current, domain.Live, now), noRetire("retired"), gone},
		"retire what is deleted":         {history(sealed, rotated, deleted), retire(current, domain.Live, now), noRetire("ended"), gone},
	})
}

func TestRestoreAndSweep(t *testing.T) {
	restore := func(env domain.Environment, at time.Time) credentialRule {
		return func(c domain.Credential) ([]domain.CredentialEvent, error) { return c.Restore(c.Entry(), env, at) }
	}
	sweep := func(at time.Time) credentialRule {
		return func(c domain.Credential) ([]domain.CredentialEvent, error) { return c.Sweep(at) }
	}
	no := func(reason string) []domain.CredentialEvent {
		return denied(domain.ScopeVaultDelete, "vault.restore", reason)
	}
	put, gone := history(sealed, rotated, retired), domain.ErrCredentialUnavailable
	closes, expires := time.UnixMicro(retired.RestoreUntil), time.UnixMicro(expiry)
	restored := history(domain.CredentialRestored{EntryID: credID.Entry(2)})
	testDecisions(t, map[string]credentialDecision{
		"restore at the last moment":    {put, restore(domain.Live, closes.Add(-time.Microsecond)), restored, nil},
		"restore too late":              {put, restore(domain.Live, closes), no("restore_window"), gone},
		"restore what has expired":      {put, restore(domain.Live, expires), no("expired"), gone},
		"restore what is in use":        {history(sealed, rotated), restore(domain.Live, now), nil, nil},
		"restore in the other world":    {put, restore(domain.Test, now), no("environment"), gone},
		"restore what is deleted":       {history(sealed, retired, deleted), restore(domain.Live, now), no("ended"), gone},
		"restore what was never sealed": {nil, restore(domain.Live, now), no("not_found"), gone},

		"sweep what was never sealed": {nil, sweep(expires), nil, nil},
		"sweep what is in use":        {history(sealed, rotated), sweep(expires.Add(-time.Microsecond)), nil, nil},
		"sweep what has expired":      {history(sealed, rotated), sweep(expires), history(expired), nil},
		"sweep what is over":          {history(sealed, rotated, deleted), sweep(expires), nil, nil},
		"sweep what can come back":    {put, sweep(closes.Add(-time.Microsecond)), nil, nil},
		"sweep what cannot":           {put, sweep(closes), history(deleted), nil},
		"sweep both":                  {put, sweep(expires), history(expired), nil},
	})
}

func TestSealRefusals(t *testing.T) {
	with := func(change func(*domain.CredentialSealed)) credentialRule {
		fact := sealed
		change(&fact)
		return func(c domain.Credential) ([]domain.CredentialEvent, error) { return c.Seal(fact) }
	}
	misnumbered := errors.New("a credential begins with its version 1")
	testDecisions(t, map[string]credentialDecision{
		"twice":            {history(sealed), with(func(*domain.CredentialSealed) {}), nil, domain.ErrCredentialExists},
		"once deleted":     {history(sealed, deleted), with(func(*domain.CredentialSealed) {}), nil, domain.ErrCredentialExists},
		"no version":       {nil, with(func(f *domain.CredentialSealed) { f.Version = 0 }), nil, misnumbered},
		"another version":  {nil, with(func(f *domain.CredentialSealed) { f.EntryID = credID.Entry(2) }), nil, misnumbered},
		"no environment":   {nil, with(func(f *domain.CredentialSealed) { f.Environment = "" }), nil, invalid("environment must be live or test")},
		"some environment": {nil, with(func(f *domain.CredentialSealed) { f.Environment = "LIVE" }), nil, invalid("environment must be live or test")},
		"no name":          {nil, with(func(f *domain.CredentialSealed) { f.Personal.Name = "" }), nil, invalid("name is required")},
	})
}

func TestCheckCredential(t *testing.T) {
	object := `{"a":"` + strings.Repeat("x", domain.MaxMetadata-8) + `"}`
	const kindOf, days = "credential_type must match [a-z0-9_]{1,64}", "ttl_days must be 1 to 365"
	const large, shape = "metadata is too large", "metadata must be a JSON object"
	for name, tt := range map[string]struct {
		name, kind, metadata string
		days                 int
		want                 string
	}{
		"least":                  {"n", "t", "", 0, ""},
		"most":                   {strings.Repeat("é", 127), strings.Repeat("z", 64), object, 365, ""},
		"spaced metadata":        {"n", "t", " \n{ } ", 1, ""},
		"spaces for a name":      {" \t", "t", "", 0, "name is required"},
		"long name":              {strings.Repeat("x", 256), "t", "", 0, "name is too long"},
		"no type":                {"n", "", "", 0, kindOf},
		"long type":              {"n", strings.Repeat("z", 65), "", 0, kindOf},
		"type in capitals":       {"n", "API_KEY", "", 0, kindOf},
		"type with a dash":       {"n", "api-key", "", 0, kindOf},
		"type with an accent":    {"n", "clé", "", 0, kindOf},
		"metadata too large":     {"n", "t", object + " ", 0, large},
		"metadata is a list":     {"n", "t", "[]", 0, shape},
		"metadata is null":       {"n", "t", "null", 0, shape},
		"metadata is space":      {"n", "t", " ", 0, shape},
		"metadata is torn":       {"n", "t", `{"a":`, 0, shape},
		"metadata is not UTF-8":  {"n", "t", "{\"a\":\"\xff\"}", 0, shape},
		"negative lifetime":      {"n", "t", "", -1, days},
		"lifetime over a year":   {"n", "t", "", 366, days},
		"lifetime of all wrongs": {"", "", "[]", -1, "name is required"},
	} {
		t.Run(name, func(t *testing.T) {
			err := domain.CheckCredential(tt.name, tt.kind, json.RawMessage(tt.metadata), tt.days)
			if tt.want == "" && err != nil || tt.want != "" && !sameError(err, invalid(tt.want)) {
				t.Errorf("refused with %v, want %q", err, tt.want)
			}
		})
	}
}

func TestExpiry(t *testing.T) {
	later := now.Add(24 * time.Hour)
	for name, tt := range map[string]struct {
		c     domain.Credential
		anew  bool
		s     domain.Settings
		wants int64
	}{
		"new value, lifetime":    {domain.Credential{TTLDays: 2, ExpiresAt: 5}, true, domain.Settings{}, later.Add(48 * time.Hour).UnixMicro()},
		"new value, no lifetime": {domain.Credential{}, true, domain.Settings{}, 0},
		"new value, less now":    {domain.Credential{TTLDays: 2, ExpiresAt: 5}, true, domain.Settings{MaxTTLDays: 1}, later.Add(24 * time.Hour).UnixMicro()},
		"new value, no more":     {domain.Credential{}, true, domain.Settings{MaxTTLDays: 1}, later.Add(24 * time.Hour).UnixMicro()},
		"new keys, lifetime":     {domain.Credential{TTLDays: 2, ExpiresAt: 5}, false, domain.Settings{MaxTTLDays: 1}, 5},
		"new keys, no lifetime":  {domain.Credential{}, false, domain.Settings{}, 0},
	} {
		if got := tt.c.Expiry(tt.anew, tt.s, later); got != tt.wants {
			t.Errorf("%s: %d, want %d", name, got, tt.wants)
		}
	}
	if got := domain.ExpiryAfter(domain.MaxTTLDays, now); got != now.Add(365*24*time.Hour).UnixMicro() {
		t.Errorf("a year from now is %d", got)
	}
}
