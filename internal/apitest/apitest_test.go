package apitest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/quantaseal/quantaseal/internal/apitest"
)

const (
	metaText    = `{"request_id":"req_0190f2a46e1c7c3e9d4b5a1f0e2b7c88","timestamp":"2026-05-24T10:30:00Z","version":"v2"}`
	endedText   = `{"id":"x","deleted":true,"is_active":false,"restore_until":null}`
	deletedText = `{"success":true,"data":` + endedText + `,"error":null,"meta":` + metaText + `}`
	refusedText = `{"success":false,"error":{"code":403,"type":"access_denied","message":"Access denied","request_id":"req_0190f2a46e1c7c3e9d4b5a1f0e2b7c88","timestamp":"2026-05-24T10:30:00Z"},"meta":` + metaText + `}`
)

// What is as described passes, and whatever is not is found.
func TestCheckFinds(t *testing.T) {
	for name, c := range map[string]struct {
		request, sent string
		status        int
		header, body  string
		fine          bool
	}{
		"as described":             {"DELETE /api/v2/vault/x", "", 200, "", deletedText, true},
		"a slash more":             {"DELETE /api/v2/vault/x/", "", 200, "", deletedText, true},
		"a refusal":                {"DELETE /api/v2/vault/x", "", 403, "", refusedText, true},
		"no route":                 {"DELETE /api/v2/nothing/x", "", 200, "", "nonsense", true},
		"another status":           {"DELETE /api/v2/vault/x", "", 204, "", deletedText, false},
		"a status of others":       {"DELETE /api/v2/vault/x", "", 404, "", refusedText, false},
		"another type":             {"DELETE /api/v2/vault/x", "", 200, "Content-Type", deletedText, false},
		"no request id":            {"DELETE /api/v2/vault/x", "", 200, "X-Request-Id", deletedText, false},
		"no JSON":                  {"DELETE /api/v2/vault/x", "", 200, "", deletedText[1:], false},
		"a member more":            {"DELETE /api/v2/vault/x", "", 200, "", strings.Replace(deletedText, `"id"`, `"more":1,"id"`, 1), false},
		"a member less":            {"DELETE /api/v2/vault/x", "", 200, "", strings.Replace(deletedText, `"id":"x",`, ``, 1), false},
		"null for a bool":          {"DELETE /api/v2/vault/x", "", 200, "", strings.Replace(deletedText, `true,"is`, `null,"is`, 1), false},
		"a success that fails":     {"DELETE /api/v2/vault/x", "", 200, "", refusedText, false},
		"no time":                  {"DELETE /api/v2/vault/x", "", 200, "", strings.Replace(deletedText, `"restore_until":null`, `"restore_until":"soon"`, 1), false},
		"literal before parameter": {"GET /api/v2/vault/list", "", 200, "", deletedText, false},
		"an unknown member was taken": {
			"POST /api/v2/auth/logout", `{"refresh":"x"}`, 200, "",
			`{"success":true,"data":{},"error":null,"meta":` + metaText + `}`, false,
		},
		"null is not sent": {
			"POST /api/v2/auth/logout", `{"refresh_token":null}`, 200, "",
			`{"success":true,"data":{},"error":null,"meta":` + metaText + `}`, true,
		},
	} {
		h := http.Header{"Content-Type": {"application/json"}, "X-Request-Id": {"req_0190f2a46e1c7c3e9d4b5a1f0e2b7c88"}}
		if c.header != "" {
			h.Del(c.header)
		}
		method, target, _ := strings.Cut(c.request, " ")
		if err := apitest.Check(method, target, []byte(c.sent), c.status, h, []byte(c.body)); (err == nil) != c.fine {
			t.Errorf("%s: found %v", name, err)
		}
	}
}
