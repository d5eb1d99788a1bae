package vaulttest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// The address of the person who is erased, as somebody writes it, and in lower case.
const (
	markPerson = "Marker.Zelda-3kd9@Erasure.Example"
	lowPerson  = "marker.zelda-3kd9@erasure.example"
)

// TestErasedUserIsForgotten erases a user who left traces everywhere: nothing of the
// address is left in any file of any node or of PostgreSQL, its log included, nor in
// a node's memory; nobody is told it; and the chain verifies.
func TestErasedUserIsForgotten(t *testing.T) {
	t.Parallel()
	s := newScanner(t, map[string]string{"the address": markPerson, "the address in lower case": lowPerson})
	t.Run("sqlite", func(t *testing.T) {
		v := vaulttest.New(t)
		forget(t, v)
		s.files(t, v.Data) // the write-ahead logs are there now
		v.Stop()
		if s.files(t, v.Data) == 0 {
			t.Error("no file was looked at")
		}
	})
	t.Run("two nodes on postgres", func(t *testing.T) {
		cluster := vaulttest.PostgresCluster(t)
		database, err := cluster.NewDatabase(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		config := node.Config{DatabaseURL: database, KMS: "local:" + t.TempDir()}
		v, other := vaulttest.Start(t, config), vaulttest.Start(t, config)
		forget(t, v, other)
		v.Stop()
		other.Stop()
		if err := cluster.Stop(); err != nil { // with a checkpoint: all of it is in files
			t.Fatal(err)
		}
		where, err := url.Parse(database)
		if err != nil {
			t.Fatal(err)
		}
		s.files(t, v.Data)
		s.files(t, other.Data)
		if s.files(t, where.Query().Get("host")) < 1<<20 {
			t.Error("PostgreSQL's files were not looked at")
		}
	})
}

// forget makes a person leave traces on every node, and has an owner erase them.
func forget(t *testing.T, v *vaulttest.Vault, others ...*vaulttest.Vault) {
	t.Helper()
	a := v.Register(t, "owner@example.com")
	token, row := join(t, v, a, markPerson, "admin")
	traces(t, v, token)
	for _, other := range others {
		traces(t, other, other.As(token.Key))
	}
	var k newKey
	token.Must(t, http.StatusCreated, http.MethodPost, keysPath, `{"name":"hers"}`).Into(t, &k)
	v.As(k.Secret).Must(t, http.StatusCreated, http.MethodPost, vaultPath+"seal", `{"name":"x","values":{"a":"b"}}`)
	erasePath := usersPath + "/" + row.ID + "/erase"
	token.Must(t, http.StatusConflict, http.MethodPost, erasePath, nil) // oneself
	a.Token.Must(t, http.StatusConflict, http.MethodPost, usersPath+"/"+a.UserID+"/erase", nil)
	a.Token.Must(t, http.StatusNotFound, http.MethodPost, usersPath+"/"+a.TenantID+"/erase", nil)
	for _, each := range append(others, v) {
		if !remembers(t, each) {
			t.Error("a node does not know the address to begin with")
		}
	}

	w := watch(t, v, a.TenantID)
	erased := a.Token.Must(t, http.StatusOK, http.MethodPost, erasePath, nil)
	facts := w.receipted(t, erased, "USER_DEACTIVATED", "SUBJECT_ERASED")
	fact, ok := facts[len(facts)-1].Event.(domain.SubjectErased)
	if !ok || fact.Subject.String() != row.ID || len(fact.Ranges) == 0 {
		t.Errorf("recorded %+v", facts[len(facts)-1].Event)
	}
	a.Token.Must(t, http.StatusOK, http.MethodPost, erasePath, nil) // again, for a client whose answer was lost
	w.saw(t)
	if remembers(t, v) {
		t.Error("the node that erased the person still knows the address")
	}
	for _, other := range others {
		for deadline := time.Now().Add(time.Minute); remembers(t, other); {
			if time.Now().After(deadline) {
				t.Fatal("another node still knows the address")
			}
		}
	}
	for _, client := range []*vaulttest.Client{token, v.As(k.Secret)} {
		client.Must(t, http.StatusUnauthorized, http.MethodGet, vaultPath+"list", nil)
	}
	v.As("").Must(t, http.StatusUnauthorized, http.MethodPost, authPath+"login", credentials(markPerson, vaulttest.Password))
	nothingShown(t, v, a, row.ID)
	proven(t, v, export(t, a.Client), erased.Receipt(t))
	settled(t, v)
	for _, each := range append(others, v) {
		if letters, err := filepath.Glob(filepath.Join(each.Data, "outbox", "*"+row.ID+"*")); err != nil || len(letters) > 0 {
			t.Errorf("letters are left: %v, %v", letters, err)
		}
	}
}

// traces does what a person's address comes up in.
func traces(t *testing.T, v *vaulttest.Vault, token *vaulttest.Client) {
	t.Helper()
	nobody := v.As("")
	token.Must(t, http.StatusOK, http.MethodPost, authPath+"mfa/setup", nil) // the URI names the address
	nobody.Must(t, http.StatusUnauthorized, http.MethodPost, authPath+"login", credentials(markPerson, "not the password"))
	nobody.Must(t, http.StatusOK, http.MethodPost, authPath+"login", credentials(lowPerson[:12]+markPerson[12:], vaulttest.Password))
	nobody.Must(t, http.StatusAccepted, http.MethodPost, authPath+"password/forgot", map[string]string{"email": markPerson})
	nobody.Must(t, http.StatusConflict, http.MethodPost, authPath+"register",
		map[string]string{"email": markPerson, "password": vaulttest.Password, "tenant_name": "Hers"})
	token.Must(t, http.StatusOK, http.MethodGet, logsPath+"?limit=100&user="+url.QueryEscape(markPerson), nil)
	token.Must(t, http.StatusOK, http.MethodGet, usersPath, nil)
}

// remembers reports whether a node can still say the address, from memory or from
// what is stored.
func remembers(t *testing.T, v *vaulttest.Vault) bool {
	t.Helper()
	for after := eventstore.Position(0); ; {
		facts, err := v.Log.Read(t.Context(), after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(facts) == 0 {
			return false
		}
		for _, f := range facts {
			if strings.Contains(strings.ToLower(fmt.Sprintf("%+v", f.Event)), lowPerson) {
				return true
			}
			after = f.Position
		}
	}
}

// nothingShown fails t if lists tell an erased person's address, or do not show what
// is left of the person.
func nothingShown(t *testing.T, v *vaulttest.Vault, a *vaulttest.Account, id string) {
	t.Helper()
	for _, path := range []string{usersPath, logsPath + "?limit=1000"} {
		if answer := a.Token.Must(t, http.StatusOK, http.MethodGet, path, nil); strings.Contains(strings.ToLower(string(answer.Body)), lowPerson) {
			t.Errorf("%s tells the address", path)
		}
	}
	var shown []logEntry
	a.Must(t, http.StatusOK, http.MethodGet, logsPath+"?limit=1000&user="+id, nil).Into(t, &shown)
	if len(shown) == 0 {
		t.Error("what the person did is not in the log any more")
	}
	var rows []userRow
	a.Token.Must(t, http.StatusOK, http.MethodGet, usersPath, nil).Into(t, &rows)
	if n := slices.IndexFunc(rows, func(u userRow) bool { return u.ID == id }); n < 0 || rows[n].Status != "erased" || rows[n].Email != "" {
		t.Errorf("listed %+v", rows)
	}
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
