package vaulttest_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// TestErasedUserIsForgotten erases a user: nothing of the address is left in any
// file, the letters included, nobody is told it, and the chain verifies.
func TestErasedUserIsForgotten(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		const address = "marker.zelda@example.com"
		a := v.Register(t, "owner@example.com")
		token, row := join(t, v, a, address, "admin")
		var k newKey
		token.Must(t, http.StatusCreated, http.MethodPost, keysPath, `{"name":"hers"}`).Into(t, &k)
		v.As(k.Secret).Must(t, http.StatusCreated, http.MethodPost, vaultPath+"seal", `{"name":"x","values":{"a":"b"}}`)
		erasePath := usersPath + "/" + row.ID + "/erase"
		token.Must(t, http.StatusConflict, http.MethodPost, erasePath, nil) // oneself
		a.Token.Must(t, http.StatusConflict, http.MethodPost, usersPath+"/"+a.UserID+"/erase", nil)
		a.Token.Must(t, http.StatusNotFound, http.MethodPost, usersPath+"/"+a.TenantID+"/erase", nil)

		w := watch(t, v, a.TenantID)
		erased := a.Token.Must(t, http.StatusOK, http.MethodPost, erasePath, nil)
		facts := w.receipted(t, erased, "USER_DEACTIVATED", "SUBJECT_ERASED")
		fact, ok := facts[len(facts)-1].Event.(domain.SubjectErased)
		if !ok || fact.Subject.String() != row.ID || len(fact.Ranges) == 0 {
			t.Errorf("recorded %+v", facts[len(facts)-1].Event)
		}
		a.Token.Must(t, http.StatusOK, http.MethodPost, erasePath, nil) // again, for a client whose answer was lost
		w.saw(t)
		for _, client := range []*vaulttest.Client{token, v.As(k.Secret)} {
			client.Must(t, http.StatusUnauthorized, http.MethodGet, vaultPath+"list", nil)
		}
		v.As("").Must(t, http.StatusUnauthorized, http.MethodPost, authPath+"login", credentials(address, vaulttest.Password))

		for _, path := range []string{usersPath, logsPath + "?limit=1000"} {
			if answer := a.Token.Must(t, http.StatusOK, http.MethodGet, path, nil); strings.Contains(string(answer.Body), "zelda") {
				t.Errorf("%s tells the address", path)
			}
		}
		var shown []logEntry
		a.Must(t, http.StatusOK, http.MethodGet, logsPath+"?limit=1000&user="+row.ID, nil).Into(t, &shown)
		if len(shown) == 0 {
			t.Error("what the person did is not in the log any more")
		}
		var rows []userRow
		a.Token.Must(t, http.StatusOK, http.MethodGet, usersPath, nil).Into(t, &rows)
		if n := slices.IndexFunc(rows, func(u userRow) bool { return u.ID == row.ID }); n < 0 || rows[n].Status != "erased" || rows[n].Email != "" {
			t.Errorf("listed %+v", rows)
		}
		proven(t, v, export(t, a.Client), erased.Receipt(t))

		// The address is free: its reader begins anew, as somebody else.
		letters, err := filepath.Glob(filepath.Join(v.Data, "outbox", "*"+row.ID+"*"))
		if err != nil || len(letters) > 0 {
			t.Errorf("letters are left: %v, %v", letters, err)
		}
		v.Stop()
		s := newScanner(t, map[string]string{"the address": address})
		if s.files(t, v.Data) == 0 {
			t.Error("no file was looked at")
		}
		if entries, err := os.ReadDir(filepath.Join(v.Data, "outbox")); err == nil {
			for _, e := range entries {
				if strings.Contains(e.Name(), row.ID) {
					t.Errorf("%s names the person", e.Name())
				}
			}
		}
	})
}

// TestErasedAddressIsFree invites whoever reads an erased person's address.
func TestErasedAddressIsFree(t *testing.T) {
	v := vaulttest.New(t)
	a := v.Register(t, "owner@example.com")
	gone := map[string]bool{}
	for range 3 { // who accepted, who did not, and who accepted again
		row := invite(t, a, "zelda@example.com", "viewer")
		if len(gone) != 1 {
			accept(t, v, row.ID)
		}
		if gone[row.ID] {
			t.Fatalf("an erased person came back as %s", row.ID)
		}
		gone[row.ID] = true
		a.Token.Must(t, http.StatusOK, http.MethodPost, usersPath+"/"+row.ID+"/erase", nil)
	}
	v.Register(t, "zelda@example.com") // or makes a tenant of their own
}
