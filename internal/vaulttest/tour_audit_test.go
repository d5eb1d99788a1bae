package vaulttest_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

const logsPath = "/api/v2/audit/logs"

// logEntry is a fact as the audit log shows it.
type logEntry struct {
	ID           string          `json:"id"`
	Seq          uint64          `json:"seq"`
	EventType    string          `json:"event_type"`
	Action       string          `json:"action"`
	Outcome      string          `json:"outcome"`
	ActorID      string          `json:"actor_id"`
	ActorType    string          `json:"actor_type"`
	IPAddress    string          `json:"ip_address"`
	UserAgent    string          `json:"user_agent"`
	ResourceID   string          `json:"resource_id"`
	ResourceType string          `json:"resource_type"`
	Metadata     json.RawMessage `json:"metadata"`
	Timestamp    string          `json:"timestamp"`
	RequestID    string          `json:"request_id"`
	PrevHash     string          `json:"prev_hash"`
	CurrentHash  string          `json:"current_hash"`
	Header       []byte          `json:"header"`
	Signature    []byte          `json:"signature"`
}

// whole compares bytes as one value: one by one they take longer than what is tested.
var whole = cmp.Comparer(bytes.Equal)

func logs(t *testing.T, c *vaulttest.Client, query url.Values) []logEntry {
	t.Helper()
	var entries []logEntry
	c.Must(t, http.StatusOK, http.MethodGet, logsPath+"?"+query.Encode(), nil).Into(t, &entries)
	return entries
}

// story is an account with a bit of everything on its chain.
func story(t *testing.T, v *vaulttest.Vault, email string) (*vaulttest.Account, vaulttest.Entry) {
	t.Helper()
	a := v.Register(t, email)
	e := a.Seal(t, "db", `{"k":"v"}`)
	a.Must(t, http.StatusOK, http.MethodGet, vaultPath+e.ID, nil)
	a.Token.Must(t, http.StatusOK, http.MethodPost, vaultPath+"rotate/"+e.ID, nil)
	a.Token.Must(t, http.StatusOK, http.MethodGet, vaultPath+e.ID, nil)
	a.Must(t, http.StatusForbidden, http.MethodGet, vaultPath+a.UserID, nil)
	v.As("").Must(t, http.StatusUnauthorized, http.MethodPost, authPath+"login", credentials(email, "not the password"))
	a.Must(t, http.StatusOK, http.MethodDelete, vaultPath+e.CredentialID, nil)
	return a, e
}

// TestTourAuditLog compares what the audit log shows with the chain.
func TestTourAuditLog(t *testing.T) {
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		story(t, v, "other@example.com")
		a, e := story(t, v, "owner@example.com")
		w := watch(t, v, a.TenantID)
		w.next = 0
		agent := &vaulttest.Client{URL: v.URL, Key: a.Key, Header: http.Header{"User-Agent": {"auditor/1"}}}
		answer := agent.Must(t, http.StatusOK, http.MethodGet, logsPath, nil)
		var got []logEntry
		answer.Into(t, &got)
		facts := w.since(t) // the reading is the last of them
		slices.Reverse(facts)
		if len(got) != len(facts) || facts[0].Header.EventType != "AUDIT_LOG_QUERIED" || got[0].UserAgent != "auditor/1" || got[0].IPAddress != "127.0.0.1" {
			t.Fatalf("got %d entries, the first %+v, want %d", len(got), got[0], len(facts))
		}
		for i, r := range facts {
			compare(t, got[i], r)
			if i > 0 && got[i-1].PrevHash != got[i].CurrentHash {
				t.Errorf("entry %d does not link to %d", got[i-1].Seq, got[i].Seq)
			}
		}
		if got[0].RequestID != metaOf(t, answer).RequestID {
			t.Errorf("the reading is recorded as %s, was %s", got[0].RequestID, metaOf(t, answer).RequestID)
		}
		if i := slices.IndexFunc(got, func(l logEntry) bool { return l.EventType == "CREDENTIAL_DELETED" }); i < 0 || got[i].ResourceID != e.CredentialID ||
			got[i].ResourceType != "credential" || got[i].ActorID != a.KeyID || got[i].ActorType != "api_key" || got[i].Action != "vault.delete" {
			t.Errorf("the delete is shown as %+v", got[max(i, 0)])
		}
		var again []logEntry
		v.As(a.Key).Must(t, http.StatusOK, http.MethodGet, "/api/v2/audit", nil).Into(t, &again)
		if diff := cmp.Diff(got, again, whole); diff != "" {
			t.Errorf("the alias, within the minute, shows (-first +alias):\n%s", diff)
		}
		w.saw(t)
		node := &vaulttest.Client{URL: v.URL, Key: a.Key, Header: http.Header{"X-Sdk-Language": {"node"}}}
		for query, signed := range map[string]bool{"": false, "?include=signature": true} {
			var entries []logEntry
			node.Must(t, http.StatusOK, http.MethodGet, logsPath+query, nil).Into(t, &entries)
			if (len(entries[0].Signature) > 0) != signed {
				t.Errorf("node asks %q and gets signatures of %d bytes", query, len(entries[0].Signature))
			}
		}
	})
}

// compare fails t unless l says of r what r is.
func compare(t *testing.T, l logEntry, r eventstore.Recorded) {
	t.Helper()
	h := r.Header
	same := l.ID == domain.ID(h.EventID).String() && l.Seq == h.Seq && l.EventType == h.EventType && l.Action == domain.Action(h.EventType) &&
		l.Outcome == domain.Outcome(h.Outcome).String() && l.ActorID == domain.ID(h.ActorID).String() &&
		l.Timestamp == time.UnixMicro(int64(h.TimeUS)).UTC().Format("2006-01-02T15:04:05.000000Z") &&
		l.PrevHash == h.Prev.String() && l.CurrentHash == r.Hash.String() &&
		bytes.Equal(l.Header, r.Record.Header) && bytes.Equal(l.Metadata, r.Record.Payload) && bytes.Equal(l.Signature, r.Record.Signature)
	if !same {
		t.Errorf("event %d is shown as %+v", h.Seq, l)
	}
}

// TestTourAuditFilters asks for parts of the log in every spelling.
func TestTourAuditFilters(t *testing.T) {
	t.Parallel()
	enginesAt(t, func(t *testing.T, v *vaulttest.Vault, c *clock) {
		story(t, v, "other@example.com")
		a, _ := story(t, v, "owner@example.com")
		c.forward(3 * time.Hour)
		v.As("").Must(t, http.StatusOK, http.MethodPost, authPath+"login", credentials(a.Email, vaulttest.Password))
		a.Seal(t, "late", `{"k":"v"}`)
		now := c.now().UTC()
		all := logs(t, a.Client, url.Values{"limit": {"1000"}})
		pick := func(want func(logEntry) bool) []logEntry {
			return slices.DeleteFunc(slices.Clone(all), func(l logEntry) bool { return !want(l) })
		}
		late := func(l logEntry) bool { return l.Timestamp > now.Add(-time.Hour).Format(time.RFC3339) }
		types := func(names ...string) func(logEntry) bool {
			return func(l logEntry) bool { return slices.Contains(names, l.EventType) }
		}
		mine := func(l logEntry) bool { return l.ActorID == a.UserID || l.ActorID == a.KeyID }
		reversed := func(l []logEntry) []logEntry { slices.Reverse(l); return l }
		for _, tt := range []struct {
			query string
			want  []logEntry
		}{
			{"event_type=CREDENTIAL_UNSEALED", pick(types("CREDENTIAL_UNSEALED"))},
			{"event_type=vault.unseal", pick(types("CREDENTIAL_UNSEALED", "CREDENTIAL_UNSEAL_DENIED"))},
			{"action=vault.unseal", pick(types("CREDENTIAL_UNSEALED", "CREDENTIAL_UNSEAL_DENIED"))},
			{"action=CREDENTIAL_SEALED", pick(types("CREDENTIAL_SEALED"))},
			{"event_type=vault.seal&hours=1", pick(func(l logEntry) bool { return types("CREDENTIAL_SEALED")(l) && late(l) })},
			{"event_type=vault.seal&hours=24", pick(types("CREDENTIAL_SEALED"))},
			{"event_type=auth.login&outcome=failure", pick(types("LOGIN_FAILED"))},
			{"event_type=auth.login&outcome=success", pick(types("LOGIN_SUCCEEDED"))},
			{"event_type=vault.unseal&user=" + a.UserID, pick(func(l logEntry) bool { return types("CREDENTIAL_UNSEALED", "CREDENTIAL_UNSEAL_DENIED")(l) && mine(l) })},
			{"event_type=vault.unseal&user=OWNER@example.com", pick(types("CREDENTIAL_UNSEALED", "CREDENTIAL_UNSEAL_DENIED"))},
			{"event_type=vault.unseal&actor_id=" + a.KeyID, pick(func(l logEntry) bool {
				return types("CREDENTIAL_UNSEALED", "CREDENTIAL_UNSEAL_DENIED")(l) && l.ActorID == a.KeyID
			})},
			{"event_type=auth.login&user=" + a.UserID, pick(types("LOGIN_SUCCEEDED"))}, // in the others nobody was proven
			{"event_type=vault.seal&order=asc", reversed(pick(types("CREDENTIAL_SEALED")))},
			{"event_type=vault.seal&order=desc&limit=1", pick(types("CREDENTIAL_SEALED"))[:1]},
			{"event_type=vault.seal&order=asc&limit=1", pick(types("CREDENTIAL_SEALED"))[:1]}, // the newest, ascending
			{"event_type=vault.seal&offset=1", pick(types("CREDENTIAL_SEALED"))[1:]},
			{"end_date=" + now.AddDate(0, 0, -2).Format(time.DateOnly) + "&start_date=" + now.AddDate(0, 0, -3).Format(time.DateOnly), nil},
			{"event_type=vault.seal&start_date=" + now.Add(-time.Hour).Format("2006-01-02T15:04:05") + "%20" + "00:00", pick(func(l logEntry) bool { return types("CREDENTIAL_SEALED")(l) && late(l) })},
			{"event_type=vault.seal&end_date=" + url.QueryEscape(now.Add(-time.Hour).Format(time.RFC3339)), pick(func(l logEntry) bool { return types("CREDENTIAL_SEALED")(l) && !late(l) })},
		} {
			var got []logEntry
			a.Must(t, http.StatusOK, http.MethodGet, logsPath+"?"+tt.query, nil).Into(t, &got)
			if len(got)+len(tt.want) > 0 && !cmp.Equal(tt.want, got, whole) {
				t.Errorf("%s: got %d entries, want %d", tt.query, len(got), len(tt.want))
			}
		}
		// Walking adds readings of its own, which come after what all holds.
		var walked []logEntry
		for query := (url.Values{"limit": {"4"}}); len(walked) == 0 || query.Get("cursor") != ""; {
			answer := a.Must(t, http.StatusOK, http.MethodGet, logsPath+"?"+query.Encode(), nil)
			var page []logEntry
			answer.Into(t, &page)
			walked = append(walked, page...)
			query.Set("cursor", metaOf(t, answer).Next)
		}
		walked = slices.DeleteFunc(walked, func(l logEntry) bool { return l.Seq > all[0].Seq })
		if diff := cmp.Diff(all, walked, whole); diff != "" {
			t.Errorf("page by page (-whole +walked):\n%s", diff)
		}
		for _, wrong := range []string{
			"limit=0", "limit=1001", "hours=0", "hours=-1", "hours=x", "order=up", "outcome=maybe", "event_type=NEVER_HEARD", "action=x",
			"start_date=yesterday", "user=nobody", "cursor=x", "offset=-1", "limit=1&limit=2",
		} {
			a.Must(t, http.StatusUnprocessableEntity, http.MethodGet, logsPath+"?"+wrong, nil)
		}
	})
}

// TestTourExport takes the chain away and proves it with every receipt given.
func TestTourExport(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		a, _ := story(t, v, "owner@example.com")
		other := v.Register(t, "other@example.com")
		w := watch(t, v, a.TenantID)
		sealed := a.Must(t, http.StatusCreated, http.MethodPost, sealPath, `{"name":"n","secret":"s"}`)
		w.saw(t, "CREDENTIAL_SEALED")
		answer := a.Must(t, http.StatusOK, http.MethodPost, "/api/v2/audit/export", `{"format":"bundle"}`)
		facts := w.saw(t, "AUDIT_EXPORTED")
		if e, ok := facts[0].Event.(domain.AuditExported); !ok || e.Format != "bundle" || e.From != 0 || e.To != facts[0].Header.Seq {
			t.Errorf("recorded %+v", facts[0].Event)
		}
		last := facts[0].Receipt()
		receipt := answer.Header.Get("X-Quantaseal-Receipt")
		if got := receiptsOf(t, receipt)[0]; got.Seq != last.Seq || got.Hash != last.EventHash {
			t.Errorf("the export's receipt is %s, want that of event %d", receipt, last.Seq)
		}
		summary := proven(t, v, answer.Body, sealed.Receipt(t), receipt)
		if summary.Events != last.Seq+1 || summary.Bundle.ToSeq != last.Seq || domain.ID(summary.Bundle.TenantID).String() != a.TenantID {
			t.Errorf("got %d events of %+v", summary.Events, summary.Bundle)
		}
		for line := range bytes.Lines(answer.Body) {
			var event struct{ Payload string }
			if err := json.Unmarshal(line, &event); err != nil {
				t.Fatal(err)
			}
			payload, err := base64.StdEncoding.DecodeString(event.Payload)
			if err != nil || strings.Contains(string(payload), "example.com") {
				t.Errorf("%v, or an address is readable by every auditor: %s", err, payload)
			}
		}
		proven(t, v, export(t, other.Client))

		for body, want := range map[string]int{
			`{}`: http.StatusUnprocessableEntity, `{"format":"xml"}`: http.StatusUnprocessableEntity,
			`{"format":"bundle","outcome":"success"}`: http.StatusUnprocessableEntity, `{"format":"csv","start_date":"x"}`: http.StatusUnprocessableEntity,
			`{"format":"csv","delivery":"pigeon"}`: http.StatusUnprocessableEntity, `{"format":"csv","checkpoint_size":1}`: http.StatusUnprocessableEntity,
			`{"format":"bundle","format":"bundle"}`: http.StatusBadRequest, `{"format":"bundle"} `: http.StatusOK,
		} {
			a.Must(t, want, http.MethodPost, "/api/v2/audit/export", body)
		}
		w.saw(t, "AUDIT_EXPORTED")
		blind, _ := key(t, v, a, map[string]any{"name": "blind", "scopes": []string{"vault:list"}})
		w.saw(t, "API_KEY_CREATED")
		facts = w.receipted(t, blind.Must(t, http.StatusForbidden, http.MethodPost, "/api/v2/audit/export", `{"format":"bundle"}`), "ACCESS_DENIED")
		facts = append(facts, w.receipted(t, blind.Must(t, http.StatusForbidden, http.MethodGet, logsPath, nil), "ACCESS_DENIED")...)
		for i, want := range []domain.AccessDenied{
			{Permission: domain.ScopeAuditExport, Reason: "scope", Route: "audit.export"},
			{Permission: domain.ScopeAuditRead, Reason: "scope", Route: "audit.read"},
		} {
			if diff := cmp.Diff(domain.Event(want), facts[i].Event); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
	})
}
