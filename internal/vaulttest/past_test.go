package vaulttest_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

type accessSeen struct {
	State string `json:"state"`
	Could []struct {
		ActorID string `json:"actor_id"`
		Role    string `json:"role"`
	} `json:"could_read"`
	Did []struct {
		ActorID string `json:"actor_id"`
		Times   int    `json:"times"`
	} `json:"did_read"`
}

func (a accessSeen) could() (ids []string) {
	for _, r := range a.Could {
		ids = append(ids, r.ActorID)
	}
	slices.Sort(ids)
	return ids
}

// TestPast asks what was so: who could read a credential and who did, what a key
// reached, and what lists and settings said.
func TestPast(t *testing.T) {
	t.Parallel()
	enginesAt(t, func(t *testing.T, v *vaulttest.Vault, c *clock) {
		a := v.Register(t, "owner@example.com")
		editor, row := join(t, v, a, "editor@example.com", "editor")
		viewer, _ := join(t, v, a, "viewer@example.com", "viewer")
		worker, made := key(t, v, a, map[string]any{"name": "worker", "scopes": []string{"vault:unseal", "vault:list"}})
		_, test := key(t, v, a, map[string]any{"name": "test", "environment": "test"})
		before := c.now().Add(-time.Millisecond)
		e, kept := a.Seal(t, "db", `{"k":"v"}`), a.Seal(t, "kept", `{"k":"v"}`)
		for range 2 {
			worker.Must(t, http.StatusOK, http.MethodGet, vaultPath+e.CredentialID, nil)
		}
		worker.Must(t, http.StatusOK, http.MethodGet, vaultPath+kept.CredentialID, nil)
		editor.Must(t, http.StatusOK, http.MethodGet, vaultPath+e.CredentialID, nil)
		c.forward(time.Minute)
		first := c.now()
		c.forward(time.Minute)
		a.Token.Must(t, http.StatusOK, http.MethodPatch, usersPath+"/"+row.ID, `{"role":"viewer"}`)
		a.Token.Must(t, http.StatusOK, http.MethodPatch, "/api/v2/settings", `{"retention_days":365}`)
		a.Token.Must(t, http.StatusOK, http.MethodPost, vaultPath+"entries/"+e.CredentialID+"/rotate", `{"new_plaintext":{"k":"w"}}`)
		c.forward(time.Minute)
		second := c.now()
		c.forward(time.Minute)
		a.Token.Must(t, http.StatusOK, http.MethodDelete, keysPath+"/"+made.ID, nil)
		a.Must(t, http.StatusOK, http.MethodDelete, vaultPath+"entries/"+kept.CredentialID, nil)

		at := func(when time.Time) string { return url.QueryEscape(when.UTC().Format(time.RFC3339Nano)) }
		access := func(id, query string) (seen accessSeen) {
			t.Helper()
			a.Must(t, http.StatusOK, http.MethodGet, vaultPath+id+"/access"+query, nil).Into(t, &seen)
			return seen
		}
		sorted := func(ids ...string) []string { slices.Sort(ids); return ids }
		for query, want := range map[string][]string{
			"?at=" + at(first):  sorted(a.UserID, a.KeyID, row.ID, made.ID),
			"?at=" + at(second): sorted(a.UserID, a.KeyID, made.ID),
			"":                  sorted(a.UserID, a.KeyID),
			"?at=" + at(before): nil,
		} {
			if got := access(e.CredentialID, query).could(); !slices.Equal(got, want) {
				t.Errorf("%q: %v could read, want %v (another key is for tests: %s)", query, got, want, test.ID)
			}
		}
		did := access(e.ID, "?at="+at(first)).Did
		if len(did) != 2 || did[0].ActorID != row.ID || did[0].Times != 1 || did[1].ActorID != made.ID || did[1].Times != 2 {
			t.Errorf("the credential was read by %+v", did)
		}
		if did = access(e.ID, "?since="+at(first)).Did; len(did) != 0 {
			t.Errorf("since then it was read by %+v", did)
		}
		if state := access(kept.CredentialID, "").State; state != "retired" {
			t.Errorf("a retired credential is %s", state)
		}

		var blast struct {
			Active      bool `json:"is_active"`
			Exposed     int  `json:"exposed"`
			Reachable   int  `json:"reachable"`
			Credentials []struct {
				ID      string `json:"credential_id"`
				Name    string `json:"name"`
				Times   int    `json:"times"`
				Exposed bool   `json:"exposed"`
			} `json:"credentials"`
			Events []struct {
				Type  string `json:"event_type"`
				Times int    `json:"times"`
			} `json:"events"`
		}
		radius := func(id, query string) {
			t.Helper()
			blast.Credentials, blast.Events = nil, nil
			a.Must(t, http.StatusOK, http.MethodGet, keysPath+"/"+id+"/blast-radius"+query, nil).Into(t, &blast)
		}
		if radius(made.ID, ""); blast.Active || blast.Exposed != 0 || blast.Reachable != 0 || len(blast.Credentials) != 2 || blast.Credentials[0].ID != kept.CredentialID ||
			blast.Credentials[1].Times != 2 || blast.Credentials[1].Name != "db" || len(blast.Events) != 1 || blast.Events[0].Times != 3 {
			t.Errorf("the revoked key's reach is %+v", blast)
		}
		a.Must(t, http.StatusOK, http.MethodPost, vaultPath+kept.CredentialID+"/restore", nil)
		if radius(made.ID, ""); blast.Exposed != 1 || !blast.Credentials[0].Exposed || blast.Credentials[1].Exposed {
			t.Errorf("a restored credential is exposed, one with another value is not: %+v", blast)
		}
		for query, want := range map[string]int{"?until=" + at(first): 2, "?until=" + at(before): 0} { // what was, and what of it matters now
			if radius(made.ID, query); blast.Active || len(blast.Credentials) != want || blast.Exposed != min(want, 1) {
				t.Errorf("the reach of the revoked key %s is %+v", query, blast)
			}
		}
		if radius(a.KeyID, "?since="+at(second)); !blast.Active || blast.Reachable != 2 || len(blast.Credentials) != 0 {
			t.Errorf("the other key's reach is %+v", blast)
		}

		list := func(query string) (names []string) {
			t.Helper()
			var entries []vaulttest.Entry
			a.Must(t, http.StatusOK, http.MethodGet, vaultPath+"list"+query, nil).Into(t, &entries)
			for _, entry := range entries {
				names = append(names, entry.Name+" "+entry.EntryID)
			}
			return names
		}
		whole := []string{"kept " + kept.EntryID, "db " + e.EntryID}
		if got := list("?as_of=" + at(first)); !slices.Equal(got, whole) {
			t.Errorf("at first there were %v", got)
		}
		if got := list("?as_of=" + at(second)); len(got) != 2 || got[1] == whole[1] {
			t.Errorf("after the rotation there were %v", got)
		}
		if got := list("?as_of=" + at(before)); len(got) != 0 {
			t.Errorf("before anything there were %v", got)
		}
		for when, want := range map[time.Time]int{first: 0, second: 365} {
			days := dataOf(t, a.Must(t, http.StatusOK, http.MethodGet, "/api/v2/settings?as_of="+at(when), nil))["retention_days"]
			if got, _ := days.(float64); int(got) != want {
				t.Errorf("at %v retention was %v, want %d", when, days, want)
			}
		}
		w := watch(t, v, a.TenantID)
		for path, want := range map[string]int{
			vaultPath + e.ID + "/access?at=2199-01-01": http.StatusUnprocessableEntity, vaultPath + e.ID + "/access?at=x": http.StatusUnprocessableEntity,
			vaultPath + a.UserID + "/access": http.StatusForbidden, keysPath + "/" + e.ID + "/blast-radius": http.StatusNotFound,
			"/api/v2/settings?as_of=2000-01-01": http.StatusNotFound, vaultPath + "list?as_of=2199-01-01": http.StatusUnprocessableEntity,
		} {
			a.Must(t, want, http.MethodGet, path, nil)
		}
		viewer.Must(t, http.StatusForbidden, http.MethodGet, vaultPath+e.ID+"/access", nil)
		denied := 0
		for _, r := range w.since(t) {
			if d, ok := r.Event.(domain.AccessDenied); ok && d.Route == "vault.access" {
				denied++
			}
		}
		if denied != 2 {
			t.Errorf("%d denials of the history were recorded, want 2", denied)
		}
	})
}
