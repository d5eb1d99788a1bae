package vaulttest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// clientCall is a request as a published client sends it, and what of the answer it
// reads without looking whether it is there: "path type", with the types text, bool,
// int (a whole number), number, object, list, texts (an object of texts), ints, and
// any for a member that may be null; "" is data itself. {name} stands for what an
// earlier answer held, which keep says: "name path".
type clientCall struct {
	client, request, body string
	status                int
	reads, keep           string
}

// clientCalls are in an order in which each finds what it needs. N, P, G, C and M in
// the design's table are node, python, go, cli and mcp.
var clientCalls = []clientCall{
	{"node", "POST /auth/login", `{"email":"{email}","password":"{password}"}`, 200, "token text, refresh_token text, tenant_id text", ""},
	{"go", "POST /auth/login", `{"email":"{email}","password":"{password}"}`, 200, "token text, refresh_token text, tenant_id text", "refresh refresh_token"},
	{"python", "POST /auth/login", `{"email":"{email}","password":"{password}"}`, 200, "access_token text, refresh_token text, expires_in int", ""},
	{"node", "POST /auth/register", `{"email":"n@example.com","password":"{password}","org_name":"N"}`, 201, "user_id text, tenant_id text", ""},
	{"python", "POST /auth/register", `{"email":"p@example.com","password":"{password}","org_name":"P"}`, 201, "user_id text, org_id text, access_token text", ""},
	{"go", "POST /auth/refresh", `{"refresh_token":"{refresh}"}`, 200, "token text, refresh_token text", "refresh refresh_token"},
	{"python", "POST /auth/refresh", `{"refresh_token":"{refresh}"}`, 200, "access_token text, expires_in int", "refresh refresh_token"},
	{"go", "POST /auth/logout", `{"refresh_token":"{refresh}"}`, 200, " object", ""},
	{"go", "POST /auth/mfa/setup", `null`, 200, "secret text, qr_code text", ""},
	{"python", "POST /auth/mfa/setup", ``, 200, "secret text, qr_code_url text, backup_codes list", ""},

	{"node", "POST /vault/seal", `{"name":"n","credential_type":"oauth_token","plaintext":{"key":"v"},"ttl_days":30,"metadata":{"a":"b"}}`, 201, " text", "nodeID "},
	{"python", "POST /vault/seal", `{"name":"p","credential_type":"database","plaintext":{"key":"v"}}`, 201, " text", ""},
	{"mcp", "POST /vault/seal", `{"name":"m","credential_type":"kafka_credentials","plaintext":{"key":"v"}}`, 201, " text", "mcpID "},
	{"cli", "POST /vault/seal", `{"name":"c","credential_type":"api_key","plaintext":{"key":"v"},"ttl_days":90}`, 201, "id text, name text, algorithm text, expires_at text", "cliID id"},
	{"go", "POST /vault/seal", `{"name":"g","secret":"v"}`, 201, "entry_id text, name text", "goID entry_id"},
	{"node", "GET /vault/entries?include_inactive=true", ``, 200, "0.id text, 0.name text, 0.credential_type text, 0.algorithm text, 0.is_active bool, 0.created_at text", ""},
	{"cli", "GET /vault/entries", ``, 200, "0.id text, 0.name text, 0.is_active bool", ""},
	{"node", "POST /vault/unseal/{nodeID}", ``, 200, "plaintext.key text, last_accessed_at text", ""},
	{"mcp", "POST /vault/unseal/{mcpID}", ``, 200, "plaintext.key text", ""},
	{"cli", "GET /vault/unseal/{cliID}", ``, 200, "plaintext.key text, algorithm text", ""},
	{"go", "POST /vault/unseal", `{"entry_id":"{goID}"}`, 200, "name text, secret text", ""},
	{"node", "POST /vault/rotate/{nodeID}", ``, 200, "new_entry_id text, old_entry_id text", ""},
	{"cli", "POST /vault/entries/{cliID}/rotate", `{}`, 200, "algorithm text", ""},
	{"cli", "POST /vault/entries/{cliID}/rotate", `{"new_plaintext":{"key":"w"}}`, 200, "algorithm text", ""},
	{"cli", "DELETE /vault/entries/{cliID}", ``, 200, " object", ""},

	{"node", "POST /encryption/encrypt", `{"plaintext":"aGVsbG8=","algorithm":"ML-KEM-768","encryption_context":{"a":"b"}}`, 200, "ciphertext text, encryption_metadata.algorithm text, encryption_metadata.key_id text, signature text, envelope object", "envelope envelope"},
	{"mcp", "POST /encryption/encrypt", `{"plaintext":"aGVsbG8=","algorithm":"ML-KEM-768"}`, 200, "envelope object", ""},
	{"cli", "POST /encryption/encrypt", `{"plaintext":"hello","algorithm":"ML-KEM-768"}`, 200, "ciphertext text, encryption_metadata.algorithm text", "token ciphertext"},
	{"go", "POST /encryption/encrypt", `{"plaintext":"hello"}`, 200, "ciphertext text, algorithm text, key_id text", ""},
	{"mcp", "POST /encryption/encrypt", `{"plaintext":"aGVsbG8=","algorithm":"ML-KEM-1024"}`, 422, "", ""},
	{"node", "POST /encryption/decrypt", `{"envelope":{envelope},"verify_signature":false}`, 200, "plaintext text, signature_valid bool, encryption_metadata object", ""},
	{"cli", "POST /encryption/decrypt", `{"ciphertext":"{token}"}`, 200, "plaintext text", ""},
	{"go", "POST /encryption/decrypt", `{"ciphertext":"{token}"}`, 200, "plaintext text, algorithm text", ""},
	{"node", "POST /encryption/sign", `{"data":"aGVsbG8=","algorithm":"ML-DSA-65"}`, 200, "signature text, hmac_signature text, public_key text, algorithm text", "pqc signature"},
	{"cli", "POST /encryption/sign", `{"data":"aGVsbG8="}`, 200, "signature text, algorithm text", "both signature"},
	{"python", "POST /encryption/verify", `{"data":"aGVsbG8=","signature":"{pqc}","hmac_signature":"AAAA","public_key":"","hmac_secret":null}`, 200, "valid bool, pqc_valid bool, hmac_valid bool, algorithm text", ""},
	{"cli", "POST /encryption/verify", `{"data":"aGVsbG8=","signature":"{both}"}`, 200, "valid bool", ""},

	{"python", "GET /compliance/score?framework=SOC2", ``, 200, "score int, grade text, passed_controls int, failed_controls int, last_evaluated_at text", ""},
	{"node", "GET /compliance/score/pci-dss", ``, 200, "framework text, score number, grade text, calculated_at text, breakdown object", ""},
	{"mcp", "GET /compliance/score/apra-cps-234", ``, 200, "framework text", ""},
	{"mcp", "GET /compliance/history/soc2", ``, 200, " list", ""},
	{"cli", "GET /audit/logs?limit=5&order=asc", ``, 200, "0.timestamp text, 0.event_type text, 0.outcome text, 0.actor_id text, 0.id text, 0.prev_hash text, 0.current_hash text", ""},
	{"python", "GET /audit/logs?limit=100&offset=0&event_type=vault.unseal", ``, 200, "0 object", ""},
	{"go", "GET /audit/logs?action=vault.seal&start_date=2020-01-01T00:00:00+02:00&limit=5&offset=0", ``, 200, "0.id text, 0.action text, 0.actor_id text, 0.created_at text, 0.metadata object", "entry 0.id"},
	{"mcp", "GET /audit?limit=50&action=vault.seal&end_date=2099-01-01", ``, 200, " list", ""},
	{"go", "POST /audit/export", `{"format":"json"}`, 200, "content text, format text, record_count text", ""},
	{"node", "POST /audit/export", `{"format":"csv","start_date":"2020-01-01"}`, 200, "content text", ""},
	{"python", "POST /audit/export", `{"format":"json"}`, 200, "content text, download_url any, expires_at any", ""},
	{"node", "GET /audit/logs/{entry}", ``, 200, "id text, action text", ""},

	{"go", "POST /security/api-keys", `{"name":"g","scopes":null}`, 201, "key.id text, key.name text, key.scopes list, key.is_active bool, key.created_at text, secret text", "keyID key.id"},
	{"python", "POST /security/api-keys", `{"name":"p"}`, 201, "id text, api_key text, name text, scopes list, created_at text", ""},
	{"node", "GET /security/api-keys", ``, 200, "0.id text, 0.name text, 0.scopes list, 0.key_prefix text, 0.is_active bool, 0.created_at text", ""},
	{"node", "GET /settings/api-keys", ``, 200, "0.id text", ""},
	{"go", "DELETE /security/api-keys/{keyID}", ``, 200, " object", ""},
	{"node", "GET /settings", ``, 200, "tenant_id text, org_name text, default_algorithm text, mfa_enforced bool, allowed_ip_ranges list, extra object", ""},
	{"python", "PATCH /settings", `{"session_timeout_minutes":60,"notification_emails":[]}`, 200, "mfa_required bool, session_timeout_minutes int, allowed_ip_ranges list, notification_emails list", ""},
	{"node", "PATCH /settings", `{"theme":"dark"}`, 200, "tenant_id text, extra.theme text", ""},
	{"go", "POST /settings/rotate-signing-key", `null`, 200, "signing_key texts", ""},
	{"python", "POST /settings/rotate-signing-key", ``, 200, "new_key_id text, old_key_id text, grace_period_ends_at text", ""},
	{"go", "GET /metrics/usage?period=30d", ``, 200, "api_calls int, encryption_ops int, decryption_ops int, sign_ops int, verify_ops int, period text", ""},
	{"python", "GET /metrics/usage?period=2020-01-01/2099-01-01", ``, 200, "encryption_ops int", ""},
	{"node", "GET /metrics/encryption", ``, 200, "by_algorithm ints, keys_generated int, keys_rotated int, avg_latency_ms any", ""},
	{"python", "GET /metrics/encryption", ``, 200, "total_operations int, p99_latency_ms any, algorithms_used list, key_ids_active list", ""},
	{"go", "GET /metrics/api?period=24h", ``, 200, "total_requests int, successful_requests int, failed_requests int, avg_response_time_ms any, by_endpoint ints, period text", ""},
	{"python", "GET /metrics/api", ``, 200, "total_calls int, error_rate number, p50_latency_ms any, calls_by_endpoint ints, calls_by_day ints", ""},
	{"node", "GET /metrics/vault", ``, 200, "total_entries int, active_entries int, expiring_entries int, by_credential_type ints", ""},
	{"python", "GET /metrics/vault", ``, 200, "expiring_soon int, seal_operations int, unseal_operations int, rotate_operations int", ""},
	{"mcp", "GET /metrics/api-usage", ``, 200, " object", ""},

	{"cli", "GET /integrations", ``, 501, "", ""},
	{"node", "POST /security/integrations/x/revoke", `{"hmac":"x"}`, 501, "", ""},
	{"node", "GET /webhooks", ``, 501, "", ""},
	{"go", "POST /proxy/forward", `{}`, 501, "", ""},
	{"mcp", "GET /security/readiness-score", ``, 501, "", ""},
	{"node", "POST /tokenize", `{}`, 501, "", ""},
	{"python", "POST /security/emergency-lockdown", `{"reason":"drill"}`, 200, "locked bool, locked_at text, unlock_instructions text", ""},
}

// TestPublishedClients sends what each published client sends, and looks for what
// each reads.
func TestPublishedClients(t *testing.T) {
	t.Parallel()
	v := vaulttest.New(t)
	a := v.Register(t, "owner@example.com")
	known := map[string]string{"email": a.Email, "password": vaulttest.Password}
	for n, c := range clientCalls {
		var fill []string
		for name, value := range known {
			fill = append(fill, "{"+name+"}", value)
		}
		method, path, _ := strings.Cut(strings.NewReplacer(fill...).Replace(c.request), " ")
		client := speaking(a, c.client)
		if c.client == "cli" || c.client == "mcp" { // the others present the key as a Bearer token
			client.Key = ""
			client.Header.Set("X-Api-Key", a.Key)
		}
		var body any
		if c.body != "" {
			body = strings.NewReplacer(fill...).Replace(c.body)
		}
		name := fmt.Sprintf("%d, %s: %s", n, c.client, c.request)
		answer := client.Do(t, method, "/api/v2"+path, body)
		if answer.Status != c.status {
			t.Errorf("%s: got %d %s, want %d", name, answer.Status, answer.Body, c.status)
			continue
		}
		envelope := map[string]any{}
		if err := json.Unmarshal(answer.Body, &envelope); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, meta := envelope["meta"].(map[string]any); !meta || envelope["success"] != (c.status < 400) {
			t.Errorf("%s: the envelope is %s", name, answer.Body)
		}
		for read := range strings.SplitSeq(c.reads, ", ") {
			if path, kind, _ := strings.Cut(read, " "); c.status < 400 && !isKind(at(envelope["data"], path), kind) {
				t.Errorf("%s: %q is %v, want %s", name, path, at(envelope["data"], path), kind)
			}
		}
		if name, path, keeps := strings.Cut(c.keep, " "); keeps {
			kept := at(envelope["data"], path)
			if text, is := kept.(string); is {
				known[name] = text
			} else if whole, err := json.Marshal(kept); err == nil {
				known[name] = string(whole)
			}
		}
	}
	if got := v.As("").Do(t, http.MethodGet, "/api/v2/billing/plans", nil); got.Status != http.StatusUnauthorized {
		t.Errorf("nobody asks for what is to come and gets %d", got.Status)
	}
	if got := a.Do(t, http.MethodGet, "/api/v2/nothing", nil); got.Status != http.StatusNotFound {
		t.Errorf("what nobody knows gives %d", got.Status)
	}
	health := map[string]any{}
	if err := json.Unmarshal(v.As("").Must(t, http.StatusOK, http.MethodGet, "/health", nil).Body, &health); err != nil {
		t.Fatal(err)
	}
	for _, read := range []string{"status", "version", "environment", "checks.database", "checks.redis", "checks.kms", "checks.crypto_pool"} {
		if !isKind(at(health, read), "text") {
			t.Errorf("/health: %s is %v", read, at(health, read))
		}
	}
}

// missing stands for a member that is not there.
type missing struct{}

// at returns what stands at a path, whose parts are members, or 0 for a list's first row.
func at(v any, path string) any {
	for part := range strings.SplitSeq(path, ".") {
		if path == "" {
			return v
		}
		switch of := v.(type) {
		case map[string]any:
			member, ok := of[part]
			if !ok {
				return missing{}
			}
			v = member
		case []any:
			if len(of) == 0 {
				return missing{}
			}
			v = of[0]
		default:
			return missing{}
		}
	}
	return v
}

func isKind(v any, kind string) bool {
	each := func(kind string) bool {
		members, ok := v.(map[string]any)
		for _, m := range members {
			ok = ok && isKind(m, kind)
		}
		return ok
	}
	switch kind {
	case "text":
		text, ok := v.(string)
		return ok && text != ""
	case "bool":
		_, ok := v.(bool)
		return ok
	case "int":
		n, ok := v.(float64)
		return ok && n == float64(int(n))
	case "number":
		_, ok := v.(float64)
		return ok
	case "object":
		_, ok := v.(map[string]any)
		return ok
	case "list":
		_, ok := v.([]any)
		return ok
	case "texts":
		return each("text")
	case "ints":
		return each("int")
	case "any":
		_, gone := v.(missing)
		return !gone
	}
	return kind == ""
}
