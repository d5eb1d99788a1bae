package vaulttest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// postOffice is a Resend that can be shut. It keeps what it took by idempotency key.
type postOffice struct {
	*httptest.Server
	shut atomic.Bool
	mu   sync.Mutex
	took map[string]delivered
	told chan delivered
}

func newPostOffice(t *testing.T) *postOffice {
	t.Helper()
	o := &postOffice{took: map[string]delivered{}, told: make(chan delivered, 100)}
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var l delivered
		err := json.NewDecoder(r.Body).Decode(&l)
		if err != nil || o.shut.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		o.mu.Lock()
		defer o.mu.Unlock()
		id := r.Header.Get("Idempotency-Key")
		if _, again := o.took[id]; !again {
			o.took[id] = l
			o.told <- l
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"id":"x"}`))
	}))
	t.Cleanup(o.Close)
	return o
}

// TestLettersOutliveTheProcess changes a password, invites somebody and forgets a
// password while no letter can leave, and stops the node. Another one sends what is
// due, once, with tokens that are good, and nothing to whoever was erased meanwhile.
func TestLettersOutliveTheProcess(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, first *vaulttest.Vault) { // makes the database; its letters stay here
		a := first.Register(t, "owner@example.com")
		gone := invite(t, a, "gone@example.com", "viewer")
		first.Stop()
		config, office := first.Config, newPostOffice(t)
		config.Mail, config.MailFrom, config.ResendKey, config.PublicURL = "resend", "noreply@vault.example", "re_test", "https://vault.example"
		start := func() *vaulttest.Vault {
			return vaulttest.StartWith(t, config, node.Options{ResendURL: office.URL + "/"})
		}
		office.shut.Store(true)
		v := start()
		owner := v.As(a.Token.Key)
		var fresh tokens
		owner.Must(t, http.StatusOK, http.MethodPost, authPath+"password",
			map[string]string{"current_password": vaulttest.Password, "new_password": otherPassword}).Into(t, &fresh)
		owner = v.As(fresh.Token)
		owner.Must(t, http.StatusCreated, http.MethodPost, usersPath+"/invite", map[string]string{"email": "new@example.com", "role": "viewer"})
		owner.Must(t, http.StatusCreated, http.MethodPost, usersPath+"/invite", map[string]string{"email": "gone@example.com", "role": "viewer"})
		owner.Must(t, http.StatusOK, http.MethodPost, usersPath+"/"+gone.ID+"/erase", nil)
		v.As("").Must(t, http.StatusAccepted, http.MethodPost, authPath+"password/forgot", map[string]string{"email": a.Email})
		v.Stop()
		if len(office.told) > 0 {
			t.Fatal("a letter left through a closed door")
		}

		office.shut.Store(false)
		v = start()
		got := map[string]delivered{}
		for range 3 {
			l := <-office.told
			subject, _, _ := strings.Cut(l.Subject, " QuantaSeal")
			got[subject+" to "+l.To[0]] = l
		}
		for _, want := range []string{"Your to owner@example.com", "You are invited to to new@example.com", "Choose a new to owner@example.com"} {
			if _, ok := got[want]; !ok {
				t.Errorf("no letter %q came, but %d others", want, len(got))
			}
		}
		v.As("").Must(t, http.StatusCreated, http.MethodPost, authPath+"accept-invitation",
			map[string]string{"token": proofIn(t, got["You are invited to to new@example.com"].Text), "password": otherPassword})
		v.As("").Must(t, http.StatusOK, http.MethodPost, authPath+"password/reset",
			map[string]string{"token": proofIn(t, got["Choose a new to owner@example.com"].Text), "password": vaulttest.Password})
		if l := <-office.told; l.To[0] != "owner@example.com" || !strings.HasPrefix(l.Subject, "Your QuantaSeal password") {
			t.Errorf("a reset tells %q", l.Subject)
		}
		v.Stop()
		v = start() // everything was sent
		v.Stop()
		if n := len(office.told); n > 0 {
			t.Errorf("%d letters more came", n)
		}
		if text := v.Logs.String(); strings.Contains(text, "example.com") {
			t.Error("the log holds an address")
		}
	})
}

// TestBrokenRegistrationIsFinishedByMail dies between the two chains where letters
// leave, and registers again: the answer is the same for every address, and the
// letter opens what was claimed first.
func TestBrokenRegistrationIsFinishedByMail(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, before *vaulttest.Vault) {
		before.Stop()
		config, office := before.Config, newPostOffice(t)
		config.Mail, config.MailFrom, config.ResendKey, config.PublicURL = "resend", "noreply@vault.example", "re_test", "https://vault.example"
		v := vaulttest.StartWith(t, config, node.Options{ResendURL: office.URL + "/"})
		system := watch(t, v, "")
		alive := v.Identity.Keys
		v.Identity.Keys = &mortal{Tenants: v.Ring, creating: true}
		body := map[string]string{"email": "late@example.com", "password": vaulttest.Password, "tenant_name": "Late"}
		v.As("").Must(t, http.StatusInternalServerError, http.MethodPost, authPath+"register", body)
		v.Identity.Keys = alive
		claimed, ok := system.saw(t, "ACCOUNT_CLAIMED", "TENANT_ADDED")[0].Event.(domain.AccountClaimed)
		if !ok {
			t.Fatal("the first fact claims no address")
		}
		w := watch(t, v, claimed.TenantID.String())
		body["password"] = otherPassword
		again := v.As("").Must(t, http.StatusCreated, http.MethodPost, authPath+"register", body)
		w.saw(t, "CHAIN_GENESIS", "TENANT_REGISTERED", "USER_REGISTERED", "PASSWORD_SET", "PROOF_ISSUED")
		body["email"] = "unheard-of@example.com"
		if diff := cmp.Diff(anonymous(v.As("").Must(t, http.StatusCreated, http.MethodPost, authPath+"register", body)), anonymous(again)); diff != "" {
			t.Errorf("that an account exists shows:\n%s", diff)
		}
		letter := <-office.told
		v.As("").Must(t, http.StatusOK, http.MethodPost, authPath+"verify-email", map[string]string{"token": proofIn(t, letter.Text)})
		session := tokensOf(t, v.As("").Must(t, http.StatusOK, http.MethodPost, authPath+"login", credentials("late@example.com", vaulttest.Password)))
		if session.TenantID != claimed.TenantID.String() || session.UserID != claimed.UserID.String() {
			t.Errorf("logged in as %s of %s", session.UserID, session.TenantID)
		}
		proven(t, v, export(t, v.As(session.Token)))
	})
}
