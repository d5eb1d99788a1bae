package vaulttest_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

var errDied = errors.New("the process died here")

// mortal stands for a process that dies at one point of a command: what was done
// by then stays, and nothing follows.
type mortal struct {
	commands.Records
	commands.Tenants
	destroying, creating bool // where it dies
	deaths               atomic.Int64
}

func (m *mortal) Destroy(ctx context.Context, tenant domain.TenantID, hashes ...domain.Digest) error {
	if m.destroying {
		m.deaths.Add(1)
		return errDied
	}
	return m.Records.Destroy(ctx, tenant, hashes...)
}

func (m *mortal) CreateTenant(ctx context.Context, tenant domain.TenantID, index uint32) (domain.ChainGenesis, error) {
	if m.creating {
		m.deaths.Add(1)
		return domain.ChainGenesis{}, errDied
	}
	return m.Tenants.CreateTenant(ctx, tenant, index)
}

// pass has v's reconciler make a pass once its read models show everything.
func pass(t *testing.T, v *vaulttest.Vault) {
	t.Helper()
	last, err := v.Log.Store.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Views.Passed(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	r := &commands.Reconciler{Vault: v.Vault, Identity: v.Identity, Lookups: v.Queries} // the node has one of its own
	if err := r.Run(t.Context(), domain.RequestID{}); err != nil {
		t.Fatal(err)
	}
}

// owner returns the account's API key as commands know it.
func owner(t *testing.T, v *vaulttest.Vault, a *vaulttest.Account) domain.Actor {
	t.Helper()
	by, _, err := v.Identity.AuthenticateKey(t.Context(), commands.Secret(a.Key))
	if err != nil {
		t.Fatal(err)
	}
	by.Verdict = domain.Judged("")
	return by
}

// names returns which events a witness saw, sorted, and fails t unless those of
// the deployment's own are recorded as its own.
func names(t *testing.T, w *witness, own ...string) []string {
	t.Helper()
	var seen []string
	for _, r := range w.since(t) {
		seen = append(seen, r.Header.EventType)
		if system := domain.ActorKind(r.Header.ActorKind) == domain.ActorSystem; system != slices.Contains(own, r.Header.EventType) {
			t.Errorf("%s was done by %s", r.Header.EventType, domain.ActorKind(r.Header.ActorKind))
		}
	}
	slices.Sort(seen)
	return seen
}

// TestReconcilerFinishesDestruction dies between fact and destruction, and
// between keeping a record and its fact.
func TestReconcilerFinishesDestruction(t *testing.T) {
	t.Parallel()
	enginesAt(t, func(t *testing.T, v *vaulttest.Vault, c *clock) {
		a := v.Register(t, "owner@example.com")
		rotated, deleted, whole := a.Seal(t, "rotated", `{"n":"0"}`), a.Seal(t, "deleted", `{"n":"0"}`), a.Seal(t, "whole", `{"n":"0"}`)
		w := watch(t, v, a.TenantID)
		m := &mortal{Records: v.Vault.Records, destroying: true}
		dying := &commands.Vault{Log: v.Log, Sealer: v.Ring, Records: m, Keys: v.Ring, Now: c.now, Logger: slog.New(slog.DiscardHandler)}
		by := owner(t, v, a)
		if _, err := dying.Rotate(t.Context(), commands.Rotate{Actor: by, Reference: rotated.ID, Value: commands.Secret(`{"n":"1"}`)}); err == nil {
			t.Error("a rotation that could not destroy the old version succeeded")
		}
		if _, err := dying.Delete(t.Context(), commands.Delete{Actor: by, Reference: deleted.ID}); err == nil {
			t.Error("a delete that could not destroy anything succeeded")
		}
		if got := m.deaths.Load(); got != 2 {
			t.Fatalf("the process died %d times, want 2", got)
		}
		// Sealed and never recorded: a new credential, and a version of one that lives.
		for _, entry := range []string{"0b6a3c86-2f63-8c0e-9d2a-2d3d5f0a0001", whole.ID[:32] + "0002"} {
			id, err := domain.ParseReference(entry)
			if err != nil {
				t.Fatal(err)
			}
			sealed, err := v.Ring.Seal(t.Context(), domain.Binding{Tenant: by.Tenant, Entry: id, Environment: domain.Live, SealedAt: c.now().UnixMicro()}, []byte(`{}`))
			if err != nil {
				t.Fatal(err)
			}
			if err := v.Vault.Records.Put(t.Context(), by.Tenant, id.Credential(), sealed); err != nil {
				t.Fatal(err)
			}
		}
		a.Must(t, http.StatusForbidden, http.MethodGet, vaultPath+deleted.ID, nil) // it is over all the same
		w.saw(t, "CREDENTIAL_ROTATED", "CREDENTIAL_DELETED", "CREDENTIAL_UNSEAL_DENIED")

		pass(t, v)
		shredded := []string{"CREDENTIAL_SHREDDED", "CREDENTIAL_VERSION_SHREDDED"}
		if diff := cmp.Diff(shredded, names(t, w, shredded...)); diff != "" {
			t.Errorf("the reconciler recorded (-want +got):\n%s", diff)
		}
		left := func(want int) {
			t.Helper()
			for _, table := range []string{"sealed_records", "key_slots"} {
				if n := rows(t, v, table); n != want {
					t.Errorf("%d rows of %s are left, want %d", n, table, want)
				}
			}
		}
		left(4) // two live ones, and two that a command may still be about to name
		c.forward(2 * time.Hour)
		pass(t, v)
		left(2)
		pass(t, v)
		left(2)
		w.saw(t)
		if got := value(t, a.Client, rotated.ID); got != `{"n":"1"}` {
			t.Errorf("the rotated credential holds %s", got)
		}
		if got := value(t, a.Client, whole.ID); got != `{"n":"0"}` {
			t.Errorf("the other credential holds %s", got)
		}
		proven(t, v, export(t, a.Client))
		v.Stop()
		unlike(t, v.Config)
	})
}

// TestReconcilerFinishesRegistration dies between the two chains.
func TestReconcilerFinishesRegistration(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		system := watch(t, v, "")
		m := &mortal{Tenants: v.Ring, creating: true}
		alive := v.Identity.Keys
		v.Identity.Keys = m
		_, err := v.Identity.Register(t.Context(), commands.Register{
			Actor: domain.Actor{Kind: domain.ActorAnonymous, Verdict: domain.Judged("")}, Email: "late@example.com", Password: commands.Secret(vaulttest.Password), Tenant: "Late",
		})
		v.Identity.Keys = alive
		if !errors.Is(err, errDied) {
			t.Fatalf("got %v, want the process to die", err)
		}
		claimed, ok := system.saw(t, "ACCOUNT_CLAIMED", "TENANT_ADDED")[0].Event.(domain.AccountClaimed)
		if !ok {
			t.Fatal("the first fact claims no address")
		}
		nobody := v.As("")
		nobody.Must(t, http.StatusUnauthorized, http.MethodPost, authPath+"login", credentials("late@example.com", vaulttest.Password))
		nobody.Must(t, http.StatusConflict, http.MethodPost, authPath+"register",
			map[string]string{"email": "late@example.com", "password": "another-password-3Km8", "tenant_name": "Again"})

		w := watch(t, v, claimed.TenantID.String())
		pass(t, v)
		begun := []string{"CHAIN_GENESIS", "PASSWORD_SET", "TENANT_REGISTERED", "USER_REGISTERED"}
		if diff := cmp.Diff(begun, names(t, w, begun...)); diff != "" {
			t.Errorf("the reconciler recorded (-want +got):\n%s", diff)
		}
		pass(t, v)
		w.saw(t)
		session := tokensOf(t, nobody.Must(t, http.StatusOK, http.MethodPost, authPath+"login", credentials("late@example.com", vaulttest.Password)))
		if session.TenantID != claimed.TenantID.String() || session.UserID != claimed.UserID.String() {
			t.Errorf("logged in as %s of %s", session.UserID, session.TenantID)
		}
		a := v.Register(t, "next@example.com")
		added, _ := system.saw(t, "ACCOUNT_CLAIMED", "TENANT_ADDED")[1].Event.(domain.TenantAdded)
		if added.TenantIndex != 2 {
			t.Errorf("the next tenant's index is %d, want 2", added.TenantIndex)
		}
		proven(t, v, export(t, a.Client))
		proven(t, v, export(t, v.As(session.Token)))
		v.Stop()
		unlike(t, v.Config)
	})
}

// TestRegistrationIsFinishedByItsRetry dies between the two chains, and asks again.
func TestRegistrationIsFinishedByItsRetry(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		system := watch(t, v, "")
		m := &mortal{Tenants: v.Ring, creating: true}
		alive := v.Identity.Keys
		v.Identity.Keys = m
		body := map[string]string{"email": "late@example.com", "password": vaulttest.Password, "tenant_name": "Late"}
		v.As("").Must(t, http.StatusInternalServerError, http.MethodPost, authPath+"register", body)
		v.Identity.Keys = alive
		session := tokensOf(t, v.As("").Must(t, http.StatusCreated, http.MethodPost, authPath+"register", body))
		claimed, ok := system.saw(t, "ACCOUNT_CLAIMED", "TENANT_ADDED")[0].Event.(domain.AccountClaimed)
		if !ok || session.TenantID != claimed.TenantID.String() || session.UserID != claimed.UserID.String() {
			t.Errorf("got a session of %s of %s, want of %s of %s", session.UserID, session.TenantID, claimed.UserID, claimed.TenantID)
		}
		v.As("").Must(t, http.StatusConflict, http.MethodPost, authPath+"register", body)
		pass(t, v)
		system.saw(t)
		proven(t, v, export(t, v.As(session.Token)))
	})
}

// TestReconcilerFinishesAcceptance dies after an invitee claimed the address, and
// before they became a user of the tenant.
func TestReconcilerFinishesAcceptance(t *testing.T) {
	t.Parallel()
	enginesAt(t, func(t *testing.T, v *vaulttest.Vault, c *clock) {
		a := v.Register(t, "owner@example.com")
		system, w := watch(t, v, ""), watch(t, v, a.TenantID)
		claim := func(email string) (row userRow) { // all that is left of an acceptance that broke off
			row = invite(t, a, email, "owner")
			_, ref, err := v.Identity.Tokens.Address(email)
			if err != nil {
				t.Fatal(err)
			}
			hash, err := v.Identity.Passwords.Hash(t.Context(), []byte(otherPassword))
			if err != nil {
				t.Fatal(err)
			}
			id, tenant := domain.UserID{ID: idOf(t, row.ID)}, domain.TenantID{ID: idOf(t, a.TenantID)}
			if err := v.Identity.Keys.CreateSubject(t.Context(), domain.TenantID{}, id); err != nil {
				t.Fatal(err)
			}
			if _, err := v.Log.Append(t.Context(), domain.Actor{Kind: domain.ActorUser, ID: id.ID, User: id, Verdict: domain.Judged("")}, eventstore.Fact{
				Event: domain.AccountClaimed{
					AccountRef: ref, TenantID: tenant, UserID: id, Personal: domain.Registration{Email: email, PasswordHash: hash, Verified: true},
				},
				Aggregate: domain.AggregateID{Kind: domain.KindUser, ID: ref}, Changes: true,
			}); err != nil {
				t.Fatal(err)
			}
			system.saw(t, "ACCOUNT_CLAIMED")
			return row
		}
		bob, revoked, again := claim("bob@example.com"), claim("revoked@example.com"), claim("again@example.com")
		invite(t, a, "never@example.com", "viewer")
		a.Token.Must(t, http.StatusOK, http.MethodDelete, usersPath+"/"+revoked.ID, nil)
		c.forward(time.Second)
		invite(t, a, "again@example.com", "viewer") // this one nobody accepted
		w.since(t)
		pass(t, v) // it may still be going on
		w.saw(t)
		c.forward(2 * time.Minute)
		pass(t, v)
		done := []string{"OWNER_ADDED", "PASSWORD_SET", "PROOF_CONSUMED", "USER_REGISTERED"}
		if diff := cmp.Diff(done, names(t, w, done...)); diff != "" {
			t.Errorf("the reconciler recorded (-want +got):\n%s", diff)
		}
		system.saw(t, "ACCOUNT_RELEASED", "ACCOUNT_RELEASED")
		pass(t, v)
		w.saw(t)
		system.saw(t)
		session := tokensOf(t, v.As("").Must(t, http.StatusOK, http.MethodPost, authPath+"login", credentials("bob@example.com", otherPassword)))
		if session.UserID != bob.ID {
			t.Errorf("logged in as %s, want %s", session.UserID, bob.ID)
		}
		for _, row := range []userRow{revoked, again} {
			v.As("").Must(t, http.StatusUnauthorized, http.MethodPost, authPath+"login", credentials(row.Email, otherPassword))
			v.Register(t, row.Email) // the address is free
		}
		proven(t, v, export(t, v.As(session.Token)))
	})
}
