package vaulttest_test

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// versionRow is one sealed version as GET /vault/{id}/versions shows it.
type versionRow struct {
	EntryID  string  `json:"entry_id"`
	Version  int     `json:"version"`
	Current  bool    `json:"is_current"`
	Shredded *string `json:"shredded_at"`
}

// value returns what the credential holds.
func value(t *testing.T, c *vaulttest.Client, id string) string {
	t.Helper()
	var e vaulttest.Entry
	c.Must(t, http.StatusOK, http.MethodGet, vaultPath+id, nil).Into(t, &e)
	return string(e.Values)
}

// TestTourRotate rotates by both routes, with a new value and without.
func TestTourRotate(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		a := v.Register(t, "owner@example.com")
		first := a.Seal(t, "db", `{"n":"0"}`)
		w := watch(t, v, a.TenantID)
		entries, want := []string{first.ID}, `{"n":"0"}`
		for i, how := range []struct{ path, body, want string }{
			{"rotate/" + first.CredentialID, "", `{"n":"0"}`},
			{"rotate/" + first.ID, "{}", `{"n":"0"}`}, // a superseded id still leads to the current version
			{"entries/" + first.CredentialID + "/rotate", `{"new_plaintext":{"n":"1"}}`, `{"n":"1"}`},
			{"entries/" + first.ID + "/rotate", "null", `{"n":"1"}`},
			{"rotate/" + first.CredentialID, `{"values":{"n":"2"}}`, `{"n":"2"}`},
			{"rotate/" + first.CredentialID, `{"secret":"3"}`, `{"secret":"3"}`},
		} {
			answer := a.Must(t, http.StatusOK, http.MethodPost, vaultPath+how.path, how.body)
			facts := w.receipted(t, answer, "CREDENTIAL_ROTATED", "CREDENTIAL_VERSION_SHREDDED")
			var e vaulttest.Entry
			answer.Into(t, &e)
			old := entries[len(entries)-1]
			rotated, _ := facts[0].Event.(domain.CredentialRotated)
			shredded, _ := facts[1].Event.(domain.CredentialVersionShredded)
			if e.CredentialID != first.CredentialID || e.OldEntryID != old || e.NewEntryID != e.ID || e.ID == old || e.Version != i+2 ||
				rotated.NewEntryID.String() != e.ID || rotated.OldEntryID.String() != old || rotated.ValueChanged != (how.want != want) ||
				shredded.EntryID.String() != old || shredded.Method != domain.ShredMethod {
				t.Errorf("%s: answered %+v, recorded %+v, %+v", how.path, e, rotated, shredded)
			}
			entries, want = append(entries, e.ID), how.want
			if got := value(t, a.Client, first.CredentialID); got != want {
				t.Errorf("after %s it holds %s, want %s", how.path, got, want)
			}
			w.saw(t, "CREDENTIAL_UNSEALED")
			if n := rows(t, v, "sealed_records"); n != 1 {
				t.Errorf("%d sealed records are kept, want the current one", n)
			}
			if n := rows(t, v, "key_slots"); n != 1 {
				t.Errorf("%d key slots are kept, want the current one", n)
			}
		}
		a.Must(t, http.StatusUnprocessableEntity, http.MethodPost, vaultPath+"rotate/"+first.ID, `{"values":{"a":1},"new_plaintext":{"a":2}}`)
		w.saw(t)

		for _, id := range []string{first.CredentialID, first.ID} {
			var got []versionRow
			answer := a.Must(t, http.StatusOK, http.MethodGet, vaultPath+id+"/versions", nil)
			answer.Into(t, &got)
			w.receipted(t, answer, "CREDENTIALS_LISTED")
			var ids []string
			for _, row := range got {
				ids = append(ids, row.EntryID)
				if current := row.EntryID == entries[len(entries)-1]; row.Current != current || (row.Shredded == nil) != current || entries[row.Version-1] != row.EntryID {
					t.Errorf("version %+v", row)
				}
			}
			slices.Sort(ids)
			sorted := slices.Sorted(slices.Values(entries))
			if diff := cmp.Diff(sorted, ids); diff != "" {
				t.Errorf("versions (-want +got):\n%s", diff)
			}
		}
	})
}

// TestTourEnd retires, restores and deletes.
func TestTourEnd(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		a := v.Register(t, "owner@example.com")
		e := a.Seal(t, "db", `{"n":"0"}`)
		var rotated vaulttest.Entry
		a.Must(t, http.StatusOK, http.MethodPost, vaultPath+"rotate/"+e.ID, nil).Into(t, &rotated)
		w := watch(t, v, a.TenantID)
		do := func(method, path string, want ...string) {
			t.Helper()
			w.receipted(t, a.Must(t, http.StatusOK, method, vaultPath+path, nil), want...)
		}
		denied := func(method, path, recorded string) {
			t.Helper()
			a.Must(t, http.StatusForbidden, method, vaultPath+path, nil)
			w.saw(t, recorded)
		}
		do(http.MethodDelete, "entries/"+e.ID) // superseded: touches nothing
		do(http.MethodDelete, e.ID)
		do(http.MethodPost, e.ID+"/restore") // in use: no news
		do(http.MethodGet, e.ID, "CREDENTIAL_UNSEALED")
		do(http.MethodDelete, "entries/"+e.CredentialID, "CREDENTIAL_RETIRED")
		denied(http.MethodGet, e.CredentialID, "CREDENTIAL_UNSEAL_DENIED")
		denied(http.MethodPost, "rotate/"+e.CredentialID, "ACCESS_DENIED")
		denied(http.MethodDelete, "entries/"+e.CredentialID, "ACCESS_DENIED")
		do(http.MethodPost, e.CredentialID+"/restore", "CREDENTIAL_RESTORED")
		do(http.MethodGet, rotated.NewEntryID, "CREDENTIAL_UNSEALED")
		do(http.MethodDelete, "entries/"+rotated.NewEntryID, "CREDENTIAL_RETIRED")
		do(http.MethodDelete, rotated.NewEntryID, "CREDENTIAL_DELETED", "CREDENTIAL_SHREDDED") // a retired one too
		for _, left := range []string{e.CredentialID, e.ID, rotated.NewEntryID} {
			denied(http.MethodGet, left, "CREDENTIAL_UNSEAL_DENIED")
			denied(http.MethodDelete, left, "ACCESS_DENIED")
			denied(http.MethodPost, left+"/restore", "ACCESS_DENIED")
		}
		for _, table := range []string{"sealed_records", "key_slots"} {
			if n := rows(t, v, table); n != 0 {
				t.Errorf("%s still has %d rows", table, n)
			}
		}
	})
}

// TestTourList lists by both routes, page by page, with and without what cannot
// be used, in both environments.
func TestTourList(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		a := v.Register(t, "owner@example.com")
		var want []string
		for i := range 7 {
			want = append([]string{a.Seal(t, "n"+strconv.Itoa(i), `{"k":"v"}`).CredentialID}, want...)
		}
		a.Must(t, http.StatusOK, http.MethodDelete, vaultPath+"entries/"+want[1], nil)
		a.Must(t, http.StatusOK, http.MethodDelete, vaultPath+want[3], nil)
		a.Must(t, http.StatusOK, http.MethodGet, vaultPath+want[2], nil)
		active := []string{want[0], want[2], want[4], want[5], want[6]}
		inTest := &vaulttest.Client{URL: v.URL, Key: a.Token.Key, Header: http.Header{"X-Quantaseal-Environment": {"test"}}}
		var other vaulttest.Entry
		inTest.Must(t, http.StatusCreated, http.MethodPost, sealPath, `{"name":"t","secret":"s"}`).Into(t, &other)

		w := watch(t, v, a.TenantID)
		for _, tt := range []struct {
			c     *vaulttest.Client
			query url.Values
			want  []string
			facts []string // one for each actor and filter within its minute
		}{
			{a.Client, nil, active, []string{"CREDENTIALS_LISTED"}},
			{a.Client, url.Values{"limit": {"2"}}, active, nil},
			{a.Client, url.Values{"include_inactive": {"true"}}, want, []string{"CREDENTIALS_LISTED"}},
			{a.Client, url.Values{"include_inactive": {"1"}, "limit": {"3"}}, want, nil},
			{a.Token, nil, active, []string{"CREDENTIALS_LISTED"}},
			{inTest, nil, []string{other.CredentialID}, []string{"CREDENTIALS_LISTED"}},
		} {
			for i, path := range []string{"list", "entries"} {
				got, receipt := pages(t, tt.c, vaultPath+path, tt.query)
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("%s?%s (-want +got):\n%s", path, tt.query.Encode(), diff)
				}
				if facts := w.since(t); i == 0 && len(facts) > 0 {
					if len(tt.facts) != len(facts) || facts[0].Header.EventType != tt.facts[0] || receipt == "" {
						t.Errorf("%s?%s recorded %d facts, receipt %q", path, tt.query.Encode(), len(facts), receipt)
					}
				}
			}
		}
		for _, wrong := range []string{"limit=0", "limit=1001", "limit=x", "cursor=0", "cursor=-1", "include_inactive=maybe", "limit=1&limit=2"} {
			a.Must(t, http.StatusUnprocessableEntity, http.MethodGet, vaultPath+"list?"+wrong, nil)
		}
		w.saw(t)
	})
}

// pages walks a list to its end. It returns the ids in order, and the receipt of the first page.
func pages(t *testing.T, c *vaulttest.Client, path string, query url.Values) (ids []string, receipt string) {
	t.Helper()
	q := url.Values{}
	for name, values := range query {
		q[name] = values
	}
	for range 20 {
		a := c.Must(t, http.StatusOK, http.MethodGet, path+"?"+q.Encode(), nil)
		var page []vaulttest.Entry
		a.Into(t, &page)
		for _, e := range page {
			ids = append(ids, e.CredentialID)
		}
		if !q.Has("cursor") {
			receipt = a.Receipt(t)
		}
		next := metaOf(t, a).Next
		if next == "" {
			return ids, receipt
		}
		q.Set("cursor", next)
	}
	t.Fatalf("%s has no end", path)
	return nil, ""
}
