package vaulttest_test

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// turn walks the log by query, one page of two after another, and lets something
// happen in between. next turns an answer into the query of the page that follows.
func turn(t *testing.T, a *vaulttest.Account, query string, next func(q url.Values, page []logEntry, cursor string) bool) (walked []logEntry) {
	t.Helper()
	q, err := url.ParseQuery("limit=2&" + query)
	if err != nil {
		t.Fatal(err)
	}
	for range 40 {
		answer := a.Must(t, http.StatusOK, http.MethodGet, logsPath+"?"+q.Encode(), nil)
		var page []logEntry
		answer.Into(t, &page)
		walked = append(walked, page...)
		if !next(q, page, metaOf(t, answer).Next) {
			return walked
		}
		if len(walked) < 8 {
			a.Seal(t, "meanwhile", `{"k":"v"}`)
		}
	}
	t.Fatalf("%s never ends", query)
	return nil
}

// TestTourPaging walks the log in every way that there is while it grows.
func TestTourPaging(t *testing.T) {
	t.Parallel()
	enginesAt(t, func(t *testing.T, v *vaulttest.Vault, c *clock) {
		a := v.Register(t, "owner@example.com")
		for range 5 {
			a.Seal(t, "db", `{"k":"v"}`)
		}
		sealed := func() []logEntry {
			return logs(t, a.Client, url.Values{"event_type": {"vault.seal"}, "limit": {"1000"}})
		}
		seqs := func(l []logEntry) (s []uint64) {
			for _, e := range l {
				s = append(s, e.Seq)
			}
			return s
		}
		byCursor := func(q url.Values, _ []logEntry, cursor string) bool { q.Set("cursor", cursor); return cursor != "" }
		byOffset := func(q url.Values, page []logEntry, _ string) bool {
			n, _ := strconv.Atoi(q.Get("offset"))
			q.Set("offset", strconv.Itoa(n+2))
			c.forward(time.Minute) // each page is on the record anew
			return len(page) == 2
		}
		for query, next := range map[string]func(url.Values, []logEntry, string) bool{
			"event_type=vault.seal": byCursor, "event_type=vault.seal&order=desc": byOffset, "action=CREDENTIAL_SEALED": byOffset,
		} {
			want := seqs(sealed())
			if diff := cmp.Diff(want, seqs(turn(t, a, query, next))); diff != "" {
				t.Errorf("%s (-want +walked):\n%s", query, diff)
			}
		}
		got := seqs(turn(t, a, "event_type=vault.seal&from_seq=0", byCursor))
		want := seqs(sealed())
		slices.Reverse(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("forward, with what came meanwhile (-want +walked):\n%s", diff)
		}
		if got := seqs(turn(t, a, "event_type=vault.seal&from_seq="+strconv.FormatUint(want[3], 10), byCursor)); !slices.Equal(got[:3], want[3:6]) {
			t.Errorf("from %d on: %v", want[3], got)
		}
		unfiltered := seqs(turn(t, a, "", byCursor))
		for i, seq := range unfiltered {
			if seq != uint64(len(unfiltered)-1-i) {
				t.Fatalf("every fact, newest first: %v", unfiltered)
			}
		}
		// An offset counts anew once nobody remembers the first page.
		fresh := func() uint64 { return logs(t, a.Client, url.Values{"limit": {"2"}})[0].Seq }
		first := fresh()
		c.forward(6 * time.Minute)
		if late := logs(t, a.Client, url.Values{"limit": {"2"}, "offset": {"1"}}); late[0].Seq != first {
			t.Errorf("after a while the second is %d, want %d", late[0].Seq, first)
		}
		before := fresh()
		for offset := range 4 { // one fact, whichever page
			logs(t, a.Client, url.Values{"limit": {"2"}, "offset": {strconv.Itoa(offset)}})
		}
		if after := fresh(); after != before {
			t.Errorf("%d facts of reading within a minute", after-before)
		}
		for _, wrong := range []string{"from_seq=x", "from_seq=-1", "from_seq=1&order=desc", "resource_id=x", "resource_type=user", "resource_id=" + a.UserID + "&resource_type=x"} {
			a.Must(t, http.StatusUnprocessableEntity, http.MethodGet, logsPath+"?"+wrong, nil)
		}
	})
}

// TestTourAuditResources asks what happened to one thing, under each of its names.
func TestTourAuditResources(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		a, e := story(t, v, "owner@example.com")
		all := logs(t, a.Client, url.Values{"limit": {"1000"}})
		about := func(id string) []logEntry {
			return slices.DeleteFunc(slices.Clone(all), func(l logEntry) bool { return l.ResourceID != id })
		}
		for query, want := range map[string][]logEntry{
			"resource_id=" + e.CredentialID:                          about(e.CredentialID),
			"resource_id=" + e.ID:                                    about(e.CredentialID),
			"resource_type=credential&resource_id=" + e.ID:           about(e.CredentialID),
			"resource_id=" + a.KeyID:                                 about(a.KeyID),
			"resource_type=user&resource_id=" + a.UserID:             about(a.UserID),
			"resource_type=session&resource_id=" + a.UserID:          nil,
			"event_type=TENANT_REGISTERED&resource_id=" + a.TenantID: slices.DeleteFunc(about(a.TenantID), func(l logEntry) bool { return l.EventType != "TENANT_REGISTERED" }),
		} {
			var got []logEntry
			a.Must(t, http.StatusOK, http.MethodGet, logsPath+"?limit=1000&"+query, nil).Into(t, &got)
			if none := strings.HasPrefix(query, "resource_type=session"); none != (len(want) == 0) {
				t.Fatalf("%s: the log has %d entries to be found", query, len(want))
			}
			if len(got)+len(want) > 0 && !cmp.Equal(want, got, whole) {
				t.Errorf("%s: got %d entries, want %d", query, len(got), len(want))
			}
		}
	})
}

// TestTourAuditEvent reads one fact, with all that proves it.
func TestTourAuditEvent(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		a, _ := story(t, v, "owner@example.com")
		other := v.Register(t, "other@example.com")
		w := watch(t, v, a.TenantID)
		w.next = 0
		node := &vaulttest.Client{URL: v.URL, Key: a.Key, Header: http.Header{"X-Sdk-Language": {"node"}}}
		for _, r := range w.since(t) {
			id := domain.ID(r.Header.EventID).String()
			var got struct {
				logEntry
				Payload      []byte  `json:"payload"`
				PayloadHash  string  `json:"payload_hash"`
				DetachedHash *string `json:"detached_hash"`
			}
			node.Must(t, http.StatusOK, http.MethodGet, logsPath+"/"+id, nil).Into(t, &got)
			compare(t, got.logEntry, r) // the signature too, whoever asks
			if !bytes.Equal(got.Payload, r.Record.Payload) || got.PayloadHash != r.Header.PayloadHash.String() ||
				(got.DetachedHash != nil) != (len(r.Record.Detached) > 0) || got.DetachedHash != nil && *got.DetachedHash != r.Header.DetachedHash.String() {
				t.Errorf("event %d is shown as %+v", r.Header.Seq, got)
			}
			other.Must(t, http.StatusNotFound, http.MethodGet, logsPath+"/"+id, nil)
		}
		if facts := w.since(t); len(facts) == 0 || facts[0].Header.EventType != "AUDIT_LOG_QUERIED" {
			t.Errorf("the readings are recorded as %d facts", len(facts))
		}
		for _, unknown := range []string{"x", a.TenantID, "00000000-0000-0000-0000-000000000000"} {
			a.Must(t, http.StatusNotFound, http.MethodGet, logsPath+"/"+unknown, nil)
		}
		editor, row := join(t, v, a, "editor@example.com", "editor")
		var all []logEntry
		a.Must(t, http.StatusOK, http.MethodGet, logsPath+"?limit=1000", nil).Into(t, &all)
		for _, l := range all {
			want := http.StatusNotFound
			if l.ActorID == row.ID {
				want = http.StatusOK
			}
			if got := editor.Do(t, http.MethodGet, logsPath+"/"+l.ID, nil); got.Status != want {
				t.Errorf("an editor asks for event %d of %s: %d, want %d", l.Seq, l.ActorID, got.Status, want)
			}
		}
	})
}

// TestTourHistory asks what happened to a credential, while there is one and after.
func TestTourHistory(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		a, e := story(t, v, "owner@example.com") // sealed, opened, rotated, opened, deleted
		other := v.Register(t, "other@example.com")
		path := vaultPath + e.CredentialID + "/history"
		read := func(c *vaulttest.Client, query string) (types []string, next string) {
			answer := c.Must(t, http.StatusOK, http.MethodGet, path+query, nil)
			var entries []logEntry
			answer.Into(t, &entries)
			for _, l := range entries {
				if l.ResourceID != e.CredentialID || len(l.Signature) == 0 {
					t.Errorf("%s shows %+v", query, l)
				}
				types = append(types, l.EventType)
			}
			return types, metaOf(t, answer).Next
		}
		want := []string{"CREDENTIAL_SHREDDED", "CREDENTIAL_DELETED", "CREDENTIAL_UNSEALED", "CREDENTIAL_VERSION_SHREDDED", "CREDENTIAL_ROTATED", "CREDENTIAL_UNSEALED", "CREDENTIAL_SEALED"}
		if got, _ := read(a.Client, ""); !cmp.Equal(want, got) {
			t.Errorf("(-want +got):\n%s", cmp.Diff(want, got))
		}
		var walked []string
		for query := "?limit=3"; query != ""; {
			page, next := read(a.Client, query)
			walked = append(walked, page...)
			if query = ""; next != "" {
				query = "?limit=3&cursor=" + next
			}
		}
		if !cmp.Equal(want, walked) {
			t.Errorf("page by page (-want +got):\n%s", cmp.Diff(want, walked))
		}
		if got, _ := read(a.Client, "?action=vault.unseal&actor_id="+a.KeyID); !cmp.Equal([]string{"CREDENTIAL_UNSEALED"}, got) {
			t.Errorf("the key did %v", got)
		}
		auditor, _ := join(t, v, a, "auditor@example.com", "auditor")
		if got, _ := read(auditor, ""); len(got) != len(want) {
			t.Errorf("an auditor sees %v", got)
		}
		editor, _ := join(t, v, a, "editor@example.com", "editor")
		if got, _ := read(editor, ""); len(got) != 0 {
			t.Errorf("an editor who did nothing sees %v", got)
		}
		w := watch(t, v, a.TenantID)
		a.Must(t, http.StatusForbidden, http.MethodGet, vaultPath+a.UserID+"/history", nil)
		w.saw(t, "AUDIT_LOG_QUERIED", "ACCESS_DENIED")
		elsewhere := &vaulttest.Client{URL: v.URL, Key: a.Token.Key, Header: http.Header{"X-Quantaseal-Environment": {"test"}}}
		elsewhere.Must(t, http.StatusForbidden, http.MethodGet, path, nil)
		other.Must(t, http.StatusForbidden, http.MethodGet, path, nil)
		a.Must(t, http.StatusUnprocessableEntity, http.MethodGet, path+"?resource_id="+a.KeyID, nil)
	})
}
