package http_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
)

// seen returns how many entries a reading of the audit log has.
func (s *server) seen(t *testing.T, query string) int {
	t.Helper()
	w := s.do("GET", "/audit/logs?"+query, "", s.token()...)
	var answer struct{ Data []json.RawMessage }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK {
		t.Fatalf("?%s: got %d %s", query, w.Code, w.Body)
	}
	return len(answer.Data)
}

// Who may not read the log learns from its filter neither who is a user nor
// anything else.
func TestAuditFilterAnswersNobodyElse(t *testing.T) {
	s := start(t)
	stranger := s.key(t, `,"scopes":["vault:list"]`)
	for _, who := range []string{"owner@example.com", "nobody@example.com", s.owner["user_id"].(string)} {
		s.must(t, http.StatusForbidden, "GET", "/audit/logs?user="+who, "", stranger...)
	}
	s.must(t, http.StatusUnprocessableEntity, "GET", "/audit/logs?user=x", "", stranger...) // that shows in the request itself
	if n := s.seen(t, "user=nobody@example.com"); n != 0 {
		t.Errorf("nobody did %d things", n)
	}
	if n := s.seen(t, "user=owner@example.com&event_type=API_KEY_CREATED"); n != 1 {
		t.Errorf("the owner made %d keys, want 1", n)
	}
}

// A user may have made any number of keys.
func TestAuditFilterFollowsEveryKey(t *testing.T) {
	s := start(t)
	for n := range 12 {
		key := s.key(t, "")
		s.must(t, http.StatusCreated, "POST", "/vault/seal", `{"name":"n`+strconv.Itoa(n)+`","secret":"s"}`, key...)
	}
	if n := s.seen(t, "user=owner@example.com&event_type=CREDENTIAL_SEALED"); n != 12 {
		t.Errorf("the owner's keys sealed %d credentials, want 12", n)
	}
}

// A question that cannot be read is refused; it is never taken for another one.
func TestAuditQueryIsNeverAnotherOne(t *testing.T) {
	s := start(t)
	for _, query := range []string{"hours=%zz", "hours=1;limit=1", "limit=0", "order=up", "event_type=NOTHING", "start_date=yesterday"} {
		s.must(t, http.StatusUnprocessableEntity, "GET", "/audit/logs?"+query, "", s.token()...)
	}
	s.must(t, http.StatusUnprocessableEntity, "GET", "/vault/list?limit=%zz", "", s.token()...)
	for _, query := range []string{"end_date=1969-12-31", "end_date=1969-12-31T00:00:00Z", "end_date=0001-01-01"} {
		if n := s.seen(t, query); n != 0 {
			t.Errorf("?%s: %d entries", query, n)
		}
	}
	if n := s.seen(t, "start_date=1969-12-31"); n == 0 {
		t.Error("nothing happened since 1969")
	}
}
