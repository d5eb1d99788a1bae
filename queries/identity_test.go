package queries_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/queries"
)

func TestAPIKeysAreListedAndFound(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		key := domain.KeyID{ID: domain.ID{1}}
		by := user(acme, 7)
		created := domain.APIKeyCreated{
			KeyID: key, Lookup: "abc", Prefix: "qs_live_abc", Owner: by.User, Environment: domain.Live,
			Scopes: []domain.Scope{domain.ScopeAuditRead, domain.ScopeVaultList}, ExpiresAt: 99, Personal: domain.APIKeyName{Name: "ci"},
		}
		want := queries.APIKey{
			ID: key, Name: "ci", Prefix: "qs_live_abc", Owner: by.User, Scopes: created.Scopes, Environment: domain.Live,
			CreatedAt: w.now, ExpiresAt: 99,
		}
		w.append(by, domain.KindKey, key.ID, created)
		second := created
		second.KeyID, second.Lookup, second.Scopes = domain.KeyID{ID: domain.ID{0}}, "def", nil
		w.append(user(other, 7), domain.KindKey, second.KeyID.ID, second)
		want.LastUsedAt = w.now + 1_000_000
		for range 2 {
			w.append(domain.Actor{Tenant: acme, Kind: domain.ActorKey, ID: key.ID}, domain.KindTenant, acme.ID, domain.AuditLogQueried{})
		}
		want.RevokedAt = w.now
		w.append(by, domain.KindKey, key.ID, domain.APIKeyRevoked{KeyID: key})
		w.fold(t)
		keys, err := w.APIKeys(t.Context(), acme)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]queries.APIKey{want}, keys); diff != "" {
			t.Error(diff)
		}
		tenant, found, err := w.APIKeyByLookup(t.Context(), "abc")
		if err != nil || tenant != acme || found != key {
			t.Errorf("abc leads to %s of %s, %v", found, tenant, err)
		}
		tenant, found, err = w.APIKeyByLookup(t.Context(), "ABC")
		if err != nil || !tenant.IsZero() || !found.IsZero() {
			t.Errorf("an unknown key leads to %s of %s, %v", found, tenant, err)
		}
	})
}

func TestInterruptedRegistrationsAreFound(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		nobody := domain.Actor{Kind: domain.ActorAnonymous}
		var want []domain.DueRegistration
		for n := range byte(5) {
			tenant, ref := domain.TenantID{ID: domain.ID{n + 1}}, domain.ID{n + 100}
			w.append(nobody, domain.KindUser, ref, domain.AccountClaimed{AccountRef: ref, TenantID: tenant, UserID: domain.UserID{ID: domain.ID{n}}})
			w.append(nobody, domain.KindTenant, domain.ID{}, domain.TenantAdded{TenantID: tenant, TenantIndex: uint32(n) + 1})
			if n%2 == 0 {
				want = append(want, domain.DueRegistration{AccountRef: ref, Tenant: tenant, Index: uint32(n) + 1})
				continue
			}
			w.append(user(tenant, 1), domain.KindTenant, tenant.ID, domain.TenantRegistered{TenantID: tenant, Plan: "trial"})
		}
		// Somebody is erased whose tenant never began, and somebody whose tenant did.
		gone := want[1]
		want = slices.Delete(want, 1, 2)
		w.append(nobody, domain.KindUser, gone.AccountRef, domain.AccountReleased{AccountRef: gone.AccountRef, UserID: domain.UserID{ID: domain.ID{2}}})
		w.append(nobody, domain.KindUser, domain.ID{101}, domain.AccountReleased{AccountRef: domain.ID{101}, UserID: domain.UserID{ID: domain.ID{1}}})
		w.fold(t)
		for _, limit := range []int{1, 10} {
			var got []domain.DueRegistration
			for after := (domain.DueRegistration{}); len(got) < len(want); after = got[len(got)-1] {
				due, err := w.Unregistered(t.Context(), after, limit)
				if err != nil || len(due) == 0 || len(due) > limit {
					t.Fatalf("asked for %d, got %d, %v", limit, len(due), err)
				}
				got = append(got, due...)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if due, err := w.Unregistered(t.Context(), want[len(want)-1], limit); err != nil || len(due) != 0 {
				t.Errorf("beyond the last there are %d, %v", len(due), err)
			}
		}
		if n := w.count(t, "tenants"); n != 4 {
			t.Errorf("%d tenants are known, want those that began and those that may", n)
		}
	})
}

func (w *world) count(t *testing.T, table string) (n int) {
	t.Helper()
	if err := w.DB.QueryRow(`SELECT count(*) FROM ` + table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
