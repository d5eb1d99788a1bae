package vaulttest_test

import (
	"errors"
	"io"
	"mime/quotedprintable"
	"net/http"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

const usersPath = "/api/v2/users"

// userRow is a user as lists show it.
type userRow struct {
	ID       string `json:"id"`
	Email    string `json:"email"`
	Role     string `json:"role"`
	Status   string `json:"status"`
	Active   bool   `json:"is_active"`
	Verified bool   `json:"email_verified"`
	MFA      bool   `json:"mfa_enabled"`
	Invited  string `json:"invitation_expires_at"`
}

var tokenLine = regexp.MustCompile(`(?m)^    (\S+)\r?$`)

// invitationOf returns the token in the newest invitation to a user.
func invitationOf(t *testing.T, v *vaulttest.Vault, user string) string {
	t.Helper()
	settled(t, v)
	files, err := filepath.Glob(filepath.Join(v.Data, "outbox", "invitation-"+user+"-*.eml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no invitation to %s: %v", user, err)
	}
	slices.SortFunc(files, func(a, b string) int {
		one, oneErr := os.Stat(a)
		two, twoErr := os.Stat(b)
		if err := errors.Join(oneErr, twoErr); err != nil {
			t.Fatal(err)
		}
		return two.ModTime().Compare(one.ModTime())
	})
	file, err := os.Open(files[0])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	letter, err := mail.ReadMessage(file)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(letter.Body))
	if err != nil {
		t.Fatal(err)
	}
	found := tokenLine.FindSubmatch(body)
	if found == nil {
		t.Fatalf("no token in\n%s", body)
	}
	return string(found[1])
}

// invite has an owner invite somebody.
func invite(t *testing.T, a *vaulttest.Account, email, role string) userRow {
	t.Helper()
	var u userRow
	a.Token.Must(t, http.StatusCreated, http.MethodPost, usersPath+"/invite", map[string]string{"email": email, "role": role}).Into(t, &u)
	if u.Status != "invited" || u.Role != role || !strings.EqualFold(u.Email, email) || u.Active || u.Invited == "" {
		t.Errorf("invited %+v", u)
	}
	return u
}

// accept brings an invitation back and returns a client with the user's access token.
func accept(t *testing.T, v *vaulttest.Vault, user string) *vaulttest.Client {
	t.Helper()
	var s struct {
		Token    string `json:"token"`
		UserID   string `json:"user_id"`
		TenantID string `json:"tenant_id"`
	}
	v.As("").Must(t, http.StatusCreated, http.MethodPost, authPath+"accept-invitation",
		map[string]string{"token": invitationOf(t, v, user), "password": vaulttest.Password}).Into(t, &s)
	if s.UserID != user {
		t.Errorf("%s accepted as %s", user, s.UserID)
	}
	return v.As(s.Token)
}

func join(t *testing.T, v *vaulttest.Vault, a *vaulttest.Account, email, role string) (*vaulttest.Client, userRow) {
	t.Helper()
	u := invite(t, a, email, role)
	return accept(t, v, u.ID), u
}

// TestTourUsers invites, lists, changes and deactivates users.
func TestTourUsers(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		a := v.Register(t, "owner@example.com")
		w := watch(t, v, a.TenantID)
		bob := invite(t, a, "bob@example.com", "viewer")
		w.saw(t, "USER_INVITED", "PROOF_ISSUED")
		old := invitationOf(t, v, bob.ID)
		again := invite(t, a, "BOB@example.com", "editor") // the same person, by one id
		if again.ID != bob.ID {
			t.Errorf("invited again as %s, not %s", again.ID, bob.ID)
		}
		w.saw(t, "USER_INVITED", "PROOF_ISSUED")
		acceptOld := map[string]string{"token": old, "password": vaulttest.Password}
		v.As("").Must(t, http.StatusUnprocessableEntity, http.MethodPost, authPath+"accept-invitation", acceptOld)
		weak := map[string]string{"token": invitationOf(t, v, bob.ID), "password": "short"}
		v.As("").Must(t, http.StatusUnprocessableEntity, http.MethodPost, authPath+"accept-invitation", weak)
		token := accept(t, v, bob.ID)
		w.saw(t, "PROOF_CONSUMED", "USER_REGISTERED", "PASSWORD_SET", "NEW_DEVICE_SEEN", "LOGIN_SUCCEEDED", "SESSION_ISSUED")
		weak["password"] = vaulttest.Password
		v.As("").Must(t, http.StatusUnprocessableEntity, http.MethodPost, authPath+"accept-invitation", weak) // spent
		v.As("").Must(t, http.StatusOK, http.MethodPost, authPath+"login", credentials("bob@example.com", vaulttest.Password))
		w.saw(t, "LOGIN_SUCCEEDED", "SESSION_ISSUED")

		var rows []userRow
		a.Token.Must(t, http.StatusOK, http.MethodGet, usersPath, nil).Into(t, &rows)
		want := []userRow{
			{ID: a.UserID, Email: "owner@example.com", Role: "owner", Status: "active", Active: true, Verified: true},
			{ID: bob.ID, Email: "bob@example.com", Role: "editor", Status: "active", Active: true, Verified: true},
		}
		if diff := cmp.Diff(want, rows); diff != "" {
			t.Errorf("users (-want +got):\n%s", diff)
		}
		facts := w.receipted(t, token.Must(t, http.StatusForbidden, http.MethodGet, usersPath, nil), "ACCESS_DENIED")
		facts = append(facts, w.receipted(t, a.Must(t, http.StatusForbidden, http.MethodGet, usersPath, nil), "ACCESS_DENIED")...) // an API key never
		for n, reason := range []string{"role", "api_key"} {
			if diff := cmp.Diff(domain.Event(domain.AccessDenied{Reason: reason, Route: "user.list"}), facts[n].Event); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}

		// What bob may do changes at once, whatever his access token says.
		token.Must(t, http.StatusCreated, http.MethodPost, vaultPath+"seal", `{"name":"x","values":{"a":"b"}}`)
		w.saw(t, "CREDENTIAL_SEALED")
		changed := a.Token.Must(t, http.StatusOK, http.MethodPatch, usersPath+"/"+bob.ID, `{"role":"viewer"}`)
		w.receipted(t, changed, "USER_ROLE_CHANGED")
		if got := token.Do(t, http.MethodPost, vaultPath+"seal", `{"name":"x","values":{"a":"b"}}`).Status; got != http.StatusUnauthorized && got != http.StatusForbidden {
			t.Errorf("a viewer seals: %d", got)
		}
		a.Token.Must(t, http.StatusUnprocessableEntity, http.MethodPatch, usersPath+"/"+bob.ID, `{"role":"root"}`)
		a.Token.Must(t, http.StatusNotFound, http.MethodPatch, usersPath+"/"+a.TenantID, `{"role":"viewer"}`)
		a.Token.Must(t, http.StatusNotFound, http.MethodDelete, usersPath+"/%00", nil)
		a.Token.Must(t, http.StatusConflict, http.MethodPost, usersPath+"/invite", `{"email":"bob@example.com","role":"viewer"}`)
		a.Token.Must(t, http.StatusUnprocessableEntity, http.MethodPost, usersPath+"/invite", `{"email":"nobody","role":"viewer"}`)

		// The last owner stays.
		a.Token.Must(t, http.StatusConflict, http.MethodPatch, usersPath+"/"+a.UserID, `{"role":"admin"}`)
		a.Token.Must(t, http.StatusConflict, http.MethodDelete, usersPath+"/"+a.UserID, nil)

		// An address belongs to one account: the other tenant's invitation cannot be accepted.
		other := v.Register(t, "other@example.com")
		invite(t, other, "bob@example.com", "viewer")
		elsewhere := userOfInvitation(t, v, bob.ID)
		v.As("").Must(t, http.StatusConflict, http.MethodPost, authPath+"accept-invitation",
			map[string]string{"token": invitationOf(t, v, elsewhere), "password": vaulttest.Password})
	})
}

// userOfInvitation returns who was invited, beside those who are known.
func userOfInvitation(t *testing.T, v *vaulttest.Vault, known ...string) string {
	t.Helper()
	settled(t, v)
	files, err := filepath.Glob(filepath.Join(v.Data, "outbox", "invitation-*.eml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		user := strings.TrimPrefix(filepath.Base(file), "invitation-")[:36]
		if !slices.Contains(known, user) {
			return user
		}
	}
	t.Fatal("nobody else was invited")
	return ""
}

// TestDeactivationIsAtOnce takes away everything that somebody who leaves has.
func TestDeactivationIsAtOnce(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		a := v.Register(t, "owner@example.com")
		eve, row := join(t, v, a, "eve@example.com", "admin")
		var login struct {
			Refresh string `json:"refresh_token"`
		}
		v.As("").Must(t, http.StatusOK, http.MethodPost, authPath+"login", credentials("eve@example.com", vaulttest.Password)).Into(t, &login)
		refresh := map[string]string{"refresh_token": login.Refresh}
		var k newKey
		eve.Must(t, http.StatusCreated, http.MethodPost, keysPath, `{"name":"eve's"}`).Into(t, &k)
		key := v.As(k.Secret)
		key.Must(t, http.StatusOK, http.MethodGet, vaultPath+"list", nil)
		w := watch(t, v, a.TenantID)
		w.receipted(t, a.Token.Must(t, http.StatusOK, http.MethodDelete, usersPath+"/"+row.ID, nil), "USER_DEACTIVATED")
		key.Must(t, http.StatusUnauthorized, http.MethodGet, vaultPath+"list", nil)
		eve.Must(t, http.StatusUnauthorized, http.MethodGet, vaultPath+"list", nil)
		v.As("").Must(t, http.StatusUnauthorized, http.MethodPost, authPath+"login", credentials("eve@example.com", vaulttest.Password))
		a.Token.Must(t, http.StatusOK, http.MethodDelete, usersPath+"/"+row.ID, nil) // again, for a client whose answer was lost

		v.As("").Must(t, http.StatusUnauthorized, http.MethodPost, authPath+"refresh", refresh)

		// Who comes back begins anew: what they had stays dead.
		back, again := join(t, v, a, "eve@example.com", "viewer")
		if again.ID != row.ID {
			t.Errorf("%s came back as %s", row.ID, again.ID)
		}
		back.Must(t, http.StatusOK, http.MethodGet, vaultPath+"list", nil)
		key.Must(t, http.StatusUnauthorized, http.MethodGet, vaultPath+"list", nil)
		eve.Must(t, http.StatusUnauthorized, http.MethodGet, vaultPath+"list", nil)
		v.As("").Must(t, http.StatusUnauthorized, http.MethodPost, authPath+"refresh", refresh)
		var keys []keyRow
		a.Token.Must(t, http.StatusOK, http.MethodGet, keysPath, nil).Into(t, &keys)
		for _, row := range keys {
			if row.ID == k.ID && row.Active {
				t.Error("the key of somebody who left is listed as active")
			}
		}
	})
}

// TestLastOwnerSurvivesRaces has two owners remove each other at once.
func TestLastOwnerSurvivesRaces(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		a := v.Register(t, "owner@example.com")
		for round := range 5 {
			email := string(rune('a'+round)) + "@example.com"
			second, row := join(t, v, a, email, "owner")
			var group sync.WaitGroup
			answers := make([]vaulttest.Answer, 2)
			for n, act := range []struct {
				by     *vaulttest.Client
				target string
			}{{a.Token, row.ID}, {second, a.UserID}} {
				group.Go(func() {
					answers[n], _ = act.by.Try(t.Context(), http.MethodPatch, usersPath+"/"+act.target, map[string]string{"role": "admin"})
				})
			}
			group.Wait()
			removed := 0
			for _, answer := range answers {
				if answer.Status == http.StatusOK {
					removed++
				}
			}
			if removed != 1 {
				t.Fatalf("round %d: %d of two owners were removed: %s, %s", round, removed, answers[0].Body, answers[1].Body)
			}
			if answers[0].Status != http.StatusOK { // make the first the owner again
				second.Must(t, http.StatusOK, http.MethodPatch, usersPath+"/"+a.UserID, `{"role":"owner"}`)
				var s struct {
					Token string `json:"token"`
				}
				v.As("").Must(t, http.StatusOK, http.MethodPost, authPath+"login", credentials(a.Email, vaulttest.Password)).Into(t, &s)
				a.Token = v.As(s.Token)
				a.Token.Must(t, http.StatusOK, http.MethodPatch, usersPath+"/"+row.ID, `{"role":"viewer"}`)
			}
		}
	})
}

// TestKeysActFromTheirAddresses creates keys that act from some addresses only.
func TestKeysActFromTheirAddresses(t *testing.T) {
	v := vaulttest.New(t)
	a := v.Register(t, "owner@example.com")
	near, made := key(t, v, a, map[string]any{"name": "near", "allowed_ip_ranges": []string{"127.0.0.1/8"}})
	far, _ := key(t, v, a, map[string]any{"name": "far", "allowed_ip_ranges": []string{"192.0.2.0/24"}})
	near.Must(t, http.StatusOK, http.MethodGet, vaultPath+"list", nil)
	w := watch(t, v, a.TenantID)
	far.Header = http.Header{"X-Forwarded-For": {"192.0.2.7"}} // nobody's word counts for where a request comes from
	far.Must(t, http.StatusForbidden, http.MethodGet, vaultPath+"list", nil)
	far.Must(t, http.StatusForbidden, http.MethodGet, vaultPath+a.Seal(t, "x", `{"k":"v"}`).ID, nil)
	var reasons []string
	for _, f := range w.saw(t, "ACCESS_DENIED", "CREDENTIAL_SEALED", "CREDENTIAL_UNSEAL_DENIED") {
		switch e := f.Event.(type) {
		case domain.AccessDenied:
			reasons = append(reasons, e.Reason)
		case domain.CredentialUnsealDenied:
			reasons = append(reasons, e.Reason)
		}
	}
	if diff := cmp.Diff([]string{"address", "address"}, reasons); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	var rows []struct {
		ID     string   `json:"id"`
		Ranges []string `json:"allowed_ip_ranges"`
	}
	a.Token.Must(t, http.StatusOK, http.MethodGet, keysPath, nil).Into(t, &rows)
	for _, row := range rows {
		if row.ID == made.ID && !slices.Equal(row.Ranges, []string{"127.0.0.0/8"}) {
			t.Errorf("listed with %v", row.Ranges)
		}
	}
	a.Token.Must(t, http.StatusUnprocessableEntity, http.MethodPost, keysPath, `{"name":"x","allowed_ip_ranges":["home"]}`)
}
