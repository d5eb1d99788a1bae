package domain_test

import (
	"fmt"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/domain"
)

// Every fact has a name that a header can carry, and an alias that clients filter by.
func TestNamesAndActions(t *testing.T) {
	for _, eventType := range domain.EventTypes() {
		name, action := eventType.Name, domain.Action(eventType.Name)
		if !regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`).MatchString(name) || len(name) > 63 {
			t.Errorf("%q is no event name", name)
		}
		if !regexp.MustCompile(`^[a-z_]+(\.[a-z_]+)+$`).MatchString(action) {
			t.Errorf("%q of %s is no action", action, name)
		}
		if got := domain.NamesOf(name); !slices.Equal(got, []string{name}) {
			t.Errorf("%s stands for %v", name, got)
		}
		if got := domain.NamesOf(action); !slices.Contains(got, name) || !slices.IsSorted(got) {
			t.Errorf("%s stands for %v, without %s", action, got, name)
		}
	}
}

func TestNamesOf(t *testing.T) {
	for s, want := range map[string][]string{
		"vault.unseal":        {"CREDENTIAL_UNSEALED", "CREDENTIAL_UNSEAL_DENIED"},
		"auth.login":          {"LOGIN_FAILED", "LOGIN_SUCCEEDED"},
		"auth.refresh":        {"REFRESH_TOKEN_REUSE_DETECTED", "SESSION_REFRESHED"},
		"auth.register":       {"TENANT_REGISTERED", "USER_REGISTERED"},
		"vault.seal":          {"CREDENTIAL_SEALED"},
		"CREDENTIAL_UNSEALED": {"CREDENTIAL_UNSEALED"},
		"credential_unsealed": nil,
		"vault":               nil,
		"":                    nil,
	} {
		if diff := cmp.Diff(want, domain.NamesOf(s)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", s, diff)
		}
	}
	if got := domain.Action("CREDENTIAL_MISLAID"); got != "" {
		t.Errorf("an unknown name has the action %q", got)
	}
}

// The types that published clients send, with the class that policy looks at.
func TestClassify(t *testing.T) {
	for kind, want := range map[string]string{
		"api_key": "api_key", "webhook_secret": "api_key", "bearer_token": "token", "password": "password", "basic_auth": "password",
		"certificate": "certificate", "mtls_cert": "certificate", "ssh_key": "key", "ssh_key_pair": "key", "jwt_signing_key": "key",
		"oauth_token": "token", "oauth2_token": "token", "oauth2_client": "client", "saml_assertion": "token", "database": "database",
		"database_dsn": "database", "kafka_credentials": "client", "aws_credentials": "cloud", "custom_kv": "generic",
		"generic": "generic", "": "generic", "API_KEY": "generic", "something_new": "generic",
	} {
		if got := domain.Classify(kind); got != want {
			t.Errorf("%q is of class %q, want %q", kind, got, want)
		}
	}
}

// What audit answers show for numbers that are stored.
func TestStoredNumbersHaveNames(t *testing.T) {
	for want, got := range map[string]fmt.Stringer{
		"tenant": domain.KindTenant, "user": domain.KindUser, "api_key": domain.KindKey, "credential": domain.KindCredential,
		"key": domain.KindCrypto, "session": domain.KindSession, "report": domain.KindReport, "webhook": domain.KindWebhook,
	} {
		if got.String() != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	actors := []string{"system", "user", "api_key", "anonymous", "operator", "unknown"}
	for i, want := range actors {
		if got := domain.ActorKind(i).String(); got != want {
			t.Errorf("actor %d is %s, want %s", i, got, want)
		}
	}
	for _, kind := range []domain.AggregateKind{0, 9, 255} {
		if got := kind.String(); got != "unknown" {
			t.Errorf("kind %d is %s", kind, got)
		}
	}
	for outcome, want := range map[domain.Outcome]string{domain.Success: "success", domain.Refused: "failure", domain.Failed: "failure"} {
		if got := outcome.String(); got != want {
			t.Errorf("outcome %d is %s", outcome, got)
		}
	}
}
