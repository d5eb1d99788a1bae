package vaulttest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// TestTourMetrics does a known number of things and has them counted.
func TestTourMetrics(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		a := v.Register(t, "owner@example.com")
		var ids []string
		for _, body := range []string{
			`{"name":"a","credential_type":"api_key","values":{"k":"v"}}`, `{"name":"b","credential_type":"password","values":{"k":"v"},"ttl_days":7}`,
			`{"name":"c","credential_type":"password","values":{"k":"v"},"ttl_days":90}`,
		} {
			var e vaulttest.Entry
			a.Must(t, http.StatusCreated, http.MethodPost, vaultPath+"seal", body).Into(t, &e)
			ids = append(ids, e.CredentialID)
		}
		a.Must(t, http.StatusOK, http.MethodGet, vaultPath+ids[0], nil)
		a.Must(t, http.StatusOK, http.MethodGet, vaultPath+ids[0], nil)
		a.Must(t, http.StatusForbidden, http.MethodGet, vaultPath+"nothing", nil)
		a.Must(t, http.StatusOK, http.MethodPost, vaultPath+"rotate/"+ids[1], nil)
		a.Must(t, http.StatusOK, http.MethodDelete, vaultPath+"entries/"+ids[2], nil)
		e := encrypt(t, a.Client, `{"data":"x"}`)
		decrypt(t, a.Client, map[string]string{"ciphertext": e.Ciphertext})
		a.Must(t, http.StatusOK, http.MethodPost, encryptionPath+"verify", `{"data":"x","pqc_signature":"AAAA"}`)
		w := watch(t, v, a.TenantID)

		var vault map[string]any
		a.Must(t, http.StatusOK, http.MethodGet, "/api/v2/metrics/vault", nil).Into(t, &vault)
		if diff := cmp.Diff(map[string]any{
			"period": "30d", "total_entries": 3., "active_entries": 2., "expiring_entries": 1., "expiring_soon": 1.,
			"by_credential_type": map[string]any{"api_key": 1., "password": 2.}, "seal_operations": 3., "unseal_operations": 2., "rotate_operations": 1.,
		}, vault); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		w.saw(t, "AUDIT_LOG_QUERIED")
		var usage struct {
			Calls      int            `json:"api_calls"`
			Encrypted  int            `json:"encryption_ops"`
			Decrypted  int            `json:"decryption_ops"`
			Verified   int            `json:"verify_ops"`
			Operations map[string]int `json:"operations"`
			Days       map[string]int `json:"calls_by_day"`
		}
		a.Must(t, http.StatusOK, http.MethodGet, "/api/v2/metrics/usage?period=P1D", nil).Into(t, &usage)
		if usage.Encrypted != 1 || usage.Decrypted != 1 || usage.Verified != 1 || usage.Operations["vault.unseal"] != 3 || usage.Calls < 13 {
			t.Errorf("counted %+v", usage)
		}
		var api map[string]any
		a.Must(t, http.StatusOK, http.MethodGet, "/api/v2/metrics/api?period=24h", nil).Into(t, &api)
		count := func(name string) int { n, _ := api[name].(float64); return int(n) }
		if count("failed_requests") != 2 || count("total_requests") != 2+count("successful_requests") || api["avg_response_time_ms"] != nil {
			t.Errorf("counted %v", api)
		}
		yesterday := time.Now().UTC().AddDate(0, 0, -2).Format(time.DateOnly)
		a.Must(t, http.StatusOK, http.MethodGet, "/api/v2/metrics/usage?period="+yesterday+"/"+yesterday, nil).Into(t, &usage)
		if usage.Calls != 0 {
			t.Errorf("the day before yesterday there were %d calls", usage.Calls)
		}
		for _, period := range []string{"0d", "367d", "d", "30", "-1d", "30dd", "P1Y", "x/y", "2026-01-02/2026-01-01", "1e3d"} {
			a.Must(t, http.StatusUnprocessableEntity, http.MethodGet, "/api/v2/metrics/usage?period="+period, nil)
		}
	})
}
