package vaulttest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// TestTrial lets a tenant's trial run out: it reads, releases, exports and deletes
// what it has, and adds nothing until the operator activates it.
func TestTrial(t *testing.T) {
	for name, database := range map[string]func() string{
		"sqlite": func() string { return "" }, "postgres": func() string { return vaulttest.Postgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			c := &clock{}
			v := vaulttest.StartAt(t, node.Config{TrialDays: 14, DatabaseURL: database()}, c.now)
			a := v.Register(t, "owner@example.com")
			e, doomed := a.Seal(t, "n", `{"k":"v"}`), a.Seal(t, "m", `{"k":"w"}`)
			c.forward(14*24*time.Hour - time.Minute)
			a.Seal(t, "the last one", `{"k":"x"}`)
			c.forward(time.Minute)
			w := watch(t, v, a.TenantID)
			barred := func(method, path, body string) {
				t.Helper()
				denied := a.Must(t, http.StatusForbidden, method, path, body)
				if fact, _ := w.saw(t, "ACCESS_DENIED")[0].Event.(domain.AccessDenied); fact.Reason != domain.BarredTrial {
					t.Errorf("recorded %+v", fact)
				}
				if got, want := denied.Receipt(t) != "", path != sealPath; got != want { // under /vault no denial carries one
					t.Errorf("%s %s is denied with a receipt: %v, want %v", method, path, got, want)
				}
			}
			barred(http.MethodPost, sealPath, `{"name":"more","values":{"k":"v"}}`)
			barred(http.MethodPost, keysPath, `{"name":"more"}`)
			barred(http.MethodPatch, settingsPath, `{"retention_days":30}`)
			if got := value(t, a.Client, e.ID); got != `{"k":"v"}` {
				t.Errorf("it holds %s", got)
			}
			a.Must(t, http.StatusOK, http.MethodGet, vaultPath+"list", nil)
			a.Must(t, http.StatusOK, http.MethodDelete, vaultPath+doomed.ID, nil)
			proven(t, v, export(t, a.Client))
			a.Must(t, http.StatusOK, http.MethodPost, settingsPath+"/rotate-signing-key", nil) // one that leaked
			a.Must(t, http.StatusOK, http.MethodPost, lockdownPath, `{}`)
			w.since(t)

			tenants, err := v.Identity.Tenants(t.Context())
			if err != nil || len(tenants) != 1 || tenants[0].ID.String() != a.TenantID || tenants[0].Index != 1 || !tenants[0].Tenant.Trial() {
				t.Errorf("tenants are %+v, %v", tenants, err)
			}
			for _, want := range [][]string{{"TENANT_ACTIVATED"}, nil} { // the second time it is no news
				receipt, err := v.Activate(t.Context(), tenants[0].ID)
				if err != nil || (receipt.Position != 0) != (want != nil) {
					t.Errorf("activating: %+v, %v", receipt, err)
				}
				for _, r := range w.saw(t, want...) {
					if fact, _ := r.Event.(domain.TenantActivated); fact.By != "operator" || r.Header.ActorKind != uint8(domain.ActorOperator) {
						t.Errorf("recorded %+v by %d", fact, r.Header.ActorKind)
					}
				}
			}
			a.Seal(t, "more", `{"k":"v"}`)
			if _, err := v.Activate(t.Context(), domain.TenantID{ID: domain.ID{1}}); err == nil {
				t.Error("activated a tenant that there is not")
			}
		})
	}
}
