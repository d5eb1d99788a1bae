package vaulttest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// TestTimeEndsCredentials lets lifetimes and the restore window run out: each
// refuses at once, and the sweeper destroys it, once.
func TestTimeEndsCredentials(t *testing.T) {
	t.Parallel()
	enginesAt(t, func(t *testing.T, v *vaulttest.Vault, c *clock) {
		a := v.Register(t, "owner@example.com")
		seal := func(body string) (e vaulttest.Entry) {
			a.Must(t, http.StatusCreated, http.MethodPost, sealPath, body).Into(t, &e)
			return e
		}
		day := seal(`{"name":"a day","secret":"s","ttl_days":1}`)
		renewed := seal(`{"name":"two days","secret":"s","ttl_days":2}`)
		rekeyed := seal(`{"name":"two days more","secret":"s","ttl_days":2}`)
		retired := seal(`{"name":"retired","secret":"s"}`)
		restored := seal(`{"name":"restored","secret":"s"}`)
		forever := seal(`{"name":"for ever","secret":"s"}`)
		for _, e := range []vaulttest.Entry{retired, restored} {
			a.Must(t, http.StatusOK, http.MethodDelete, vaultPath+"entries/"+e.ID, nil)
		}
		w := watch(t, v, a.TenantID)
		over := func(e vaulttest.Entry, recorded string) {
			t.Helper()
			a.Must(t, http.StatusForbidden, http.MethodGet, vaultPath+e.ID, nil)
			denied, _ := w.saw(t, "CREDENTIAL_UNSEAL_DENIED")[0].Event.(domain.CredentialUnsealDenied)
			if denied.Reason != recorded {
				t.Errorf("%s is denied as %q, want %q", e.Name, denied.Reason, recorded)
			}
		}
		alive := func(entries ...vaulttest.Entry) {
			t.Helper()
			for _, e := range entries {
				if got := value(t, a.Client, e.ID); got != `{"secret":"s"}` && got != `{"secret":"t"}` {
					t.Errorf("%s holds %s", e.Name, got)
				}
				w.saw(t, "CREDENTIAL_UNSEALED")
			}
			var ids []string
			listed, _ := pages(t, a.Client, vaultPath+"list", nil)
			for _, e := range entries {
				ids = append([]string{e.CredentialID}, ids...)
			}
			if diff := cmp.Diff(ids, listed); diff != "" {
				t.Errorf("listed (-want +got):\n%s", diff)
			}
			w.since(t)
		}
		swept := func(left int, want ...string) {
			t.Helper()
			pass(t, v)
			if diff := cmp.Diff(want, names(t, w, want...)); diff != "" {
				t.Errorf("swept (-want +got):\n%s", diff)
			}
			pass(t, v)
			w.saw(t)
			if n := rows(t, v, "key_slots"); n != left {
				t.Errorf("%d key slots are left, want %d", n, left)
			}
		}
		swept(6)
		c.forward(24*time.Hour - time.Minute)
		alive(day, renewed, rekeyed, forever)
		swept(6)
		c.forward(2 * time.Minute)
		over(day, "expired")
		alive(renewed, rekeyed, forever)
		a.Must(t, http.StatusForbidden, http.MethodPost, vaultPath+day.ID+"/restore", nil)
		a.Must(t, http.StatusForbidden, http.MethodPost, vaultPath+"rotate/"+day.ID, nil)
		w.saw(t, "ACCESS_DENIED", "ACCESS_DENIED")
		swept(5, "CREDENTIAL_EXPIRED", "CREDENTIAL_SHREDDED")
		over(day, "ended")

		// A new value begins a new lifetime, new keys alone do not.
		a.Must(t, http.StatusOK, http.MethodPost, vaultPath+"rotate/"+renewed.ID, `{"secret":"t"}`)
		a.Must(t, http.StatusOK, http.MethodPost, vaultPath+"rotate/"+rekeyed.ID, nil)
		a.Must(t, http.StatusOK, http.MethodPost, vaultPath+restored.ID+"/restore", nil)
		w.since(t)
		c.forward(24 * time.Hour)
		over(rekeyed, "expired")
		alive(renewed, restored, forever)
		swept(4, "CREDENTIAL_EXPIRED", "CREDENTIAL_SHREDDED")
		c.forward(24 * time.Hour)
		over(renewed, "expired")
		swept(3, "CREDENTIAL_EXPIRED", "CREDENTIAL_SHREDDED")

		c.forward(domain.RestoreWindow - 4*24*time.Hour)
		swept(3)
		c.forward(2 * 24 * time.Hour)
		a.Must(t, http.StatusForbidden, http.MethodPost, vaultPath+retired.ID+"/restore", nil)
		w.saw(t, "ACCESS_DENIED")
		swept(2, "CREDENTIAL_DELETED", "CREDENTIAL_SHREDDED")
		over(retired, "ended")
		alive(restored, forever)
		proven(t, v, export(t, a.Client))
		v.Stop()
		unlike(t, v.Config)
	})
}
