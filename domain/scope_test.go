package domain_test

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
)

func TestAllScopes(t *testing.T) {
	all := domain.AllScopes()
	if len(all) != 18 || !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != len(all) {
		t.Errorf("not 18 sorted scopes: %v", all)
	}
	for _, scope := range all {
		if !regexp.MustCompile(`^[a-z]+:[a-z]+$`).MatchString(string(scope)) {
			t.Errorf("%s is not area:verb", scope)
		}
	}
}

func TestParseScopes(t *testing.T) {
	for name, tt := range map[string]struct {
		names []string
		want  []domain.Scope
	}{
		"none":             {nil, nil},
		"no names":         {[]string{}, nil},
		"one":              {[]string{"audit:read"}, []domain.Scope{domain.ScopeAuditRead}},
		"out of order":     {[]string{"vault:seal", "audit:read"}, []domain.Scope{domain.ScopeAuditRead, domain.ScopeVaultSeal}},
		"twice":            {[]string{"sign", "encryption:sign", "sign"}, []domain.Scope{domain.ScopeSign}},
		"encrypt":          {[]string{"encrypt"}, []domain.Scope{domain.ScopeEncrypt}},
		"decrypt":          {[]string{"decrypt"}, []domain.Scope{domain.ScopeDecrypt}},
		"verify":           {[]string{"verify"}, []domain.Scope{domain.ScopeVerify}},
		"encryption:read":  {[]string{"encryption:read"}, []domain.Scope{domain.ScopeDecrypt, domain.ScopeVerify}},
		"encryption:write": {[]string{"encryption:write"}, []domain.Scope{domain.ScopeEncrypt, domain.ScopeSign}},
		"vault:read":       {[]string{"vault:read"}, []domain.Scope{domain.ScopeVaultList, domain.ScopeVaultUnseal}},
		"vault:write":      {[]string{"vault:write"}, []domain.Scope{domain.ScopeVaultRotate, domain.ScopeVaultSeal}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := domain.ParseScopes(tt.names)
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
	for _, name := range []string{"", "vault", "vault:", "vault:*", "*", "VAULT:LIST", " vault:list", "vault:list ", "vault:list,vault:seal"} {
		if got, err := domain.ParseScopes([]string{"audit:read", name}); got != nil || !sameError(err, invalid("unknown scope")) {
			t.Errorf("%q gives %v, %v", name, got, err)
		}
	}
}

// An actor may do what its scopes say and nothing else.
func TestActorMay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := domain.AllScopes()
		names := rapid.SliceOf(rapid.SampledFrom(all)).Draw(t, "scopes")
		scopes, err := domain.ParseScopes(texts(names))
		if err != nil {
			t.Fatal(err)
		}
		actor := domain.Actor{Scopes: scopes}
		for _, scope := range all {
			if actor.May(scope) != slices.Contains(names, scope) {
				t.Fatalf("with %v, %s: %v", names, scope, actor.May(scope))
			}
		}
	})
	if system := domain.System(tenantID, domain.RequestID{ID: id(1)}); system.May(domain.ScopeVaultList) || system.Kind != domain.ActorSystem || system.Tenant != tenantID {
		t.Errorf("%+v", system)
	}
}

func texts(scopes []domain.Scope) []string {
	names := make([]string, len(scopes))
	for i, scope := range scopes {
		names[i] = string(scope)
	}
	return names
}

// Whatever is read as scopes is a sorted set of scopes there are, and reads as itself.
func FuzzParseScopes(f *testing.F) {
	f.Add("vault:list,encryption:write,sign")
	f.Add("")
	f.Add("vault:write,vault:write")
	f.Fuzz(func(t *testing.T, list string) {
		scopes, err := domain.ParseScopes(strings.Split(list, ","))
		if err != nil {
			if e, ok := errors.AsType[*domain.Error](err); !ok || e.Kind != domain.Invalid || scopes != nil {
				t.Fatalf("%q gives %v, %v", list, scopes, err)
			}
			return
		}
		all := domain.AllScopes()
		for i, scope := range scopes {
			if !slices.Contains(all, scope) || i > 0 && scope <= scopes[i-1] {
				t.Fatalf("%q gives %v", list, scopes)
			}
		}
		if again, err := domain.ParseScopes(texts(scopes)); err != nil || !slices.Equal(again, scopes) {
			t.Fatalf("%v reads as %v, %v", scopes, again, err)
		}
	})
}
