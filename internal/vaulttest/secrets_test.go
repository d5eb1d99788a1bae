package vaulttest_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// Marks of what is given away to nobody but its owner.
const (
	markValue   = "marker-value <\"é\\> Zq4vT9mW"
	markRotated = "marker-rotated-value-Hn7cB2xR"
	markWrong   = "marker-wrong-password-Lp3kD8sF"
	markAddress = "marker-address-wy6gj1@example.com"
	markAgent   = "marker-user-agent/Vb5nM0aS"
	markPath    = "marker-in-a-path-Qe2rT7yU"
	markQuery   = "marker-in-a-query-Io9pA4dG"
	markHeader  = "marker-in-a-header-Xc8vB3nM"
	markField   = "marker-in-a-body-Jk6lZ1qW"
	markName    = "marker-of-a-public-name-Ty5uI0oP" // this one is kept in clear
)

// betray does everything that a vault does with secrets, and what clients do who
// put them where they do not belong. It returns every secret that came up.
func betray(t *testing.T, v *vaulttest.Vault) map[string]string {
	t.Helper()
	agent := http.Header{"User-Agent": {markAgent}}
	nobody := &vaulttest.Client{URL: v.URL, Header: agent}
	secrets := map[string]string{
		"a value": markValue, "a rotated value": markRotated, "the password": vaulttest.Password, "a wrong password": markWrong,
		"the address": markAddress, "the user agent": markAgent, "a path": markPath, "a query": markQuery, "a header": markHeader, "a body": markField,
	}
	keep := func(what string, a vaulttest.Answer) tokens {
		got := tokensOf(t, a)
		secrets[what+" access token"], secrets[what+" refresh token"] = got.Token, got.Refresh
		parts := strings.Split(got.Token, ".")
		secrets[what+" access token's claims"], secrets[what+" access token's MAC"] = parts[1], parts[2]
		secrets[what+" refresh token's end"] = got.Refresh[len(got.Refresh)-32:]
		return got
	}
	first := keep("first", nobody.Must(t, http.StatusCreated, http.MethodPost, authPath+"register",
		map[string]string{"email": markAddress, "password": vaulttest.Password, "tenant_name": "Acme Corp"}))
	second := keep("second", nobody.Must(t, http.StatusOK, http.MethodPost, authPath+"refresh", map[string]string{"refresh_token": first.Refresh}))
	keep("third", nobody.Must(t, http.StatusOK, http.MethodPost, authPath+"login", credentials(markAddress, vaulttest.Password)))
	nobody.Must(t, http.StatusUnauthorized, http.MethodPost, authPath+"login", credentials(markAddress, markWrong))
	user := &vaulttest.Client{URL: v.URL, Key: second.Token, Header: agent}
	var k newKey
	user.Must(t, http.StatusCreated, http.MethodPost, keysPath, `{"name":"ci"}`).Into(t, &k)
	secrets["the API key"], secrets["the API key's end"] = k.Secret, k.Secret[len(k.Secret)-24:]
	c := &vaulttest.Client{URL: v.URL, Key: k.Secret, Header: http.Header{"User-Agent": {markAgent}, "Idempotency-Key": {"once"}}}
	var e vaulttest.Entry
	seal := map[string]any{"name": markName, "plaintext": map[string]string{"key": markValue}}
	c.Must(t, http.StatusCreated, http.MethodPost, sealPath, seal).Into(t, &e)
	c.Must(t, http.StatusCreated, http.MethodPost, sealPath, seal)
	c.Must(t, http.StatusCreated, http.MethodPost, keysPath, `{"name":"another"}`).Into(t, &k)
	secrets["another API key"] = k.Secret
	for _, path := range []string{e.ID, "unseal/" + e.ID} {
		c.Must(t, http.StatusOK, http.MethodGet, vaultPath+path, nil)
	}
	c.Must(t, http.StatusOK, http.MethodPost, vaultPath+"rotate/"+e.ID, map[string]any{"values": map[string]string{"key": markRotated}})
	c.Must(t, http.StatusOK, http.MethodPost, vaultPath+"unseal", map[string]string{"entry_id": e.ID})
	c.Must(t, http.StatusOK, http.MethodGet, vaultPath+"list", nil)
	c.Must(t, http.StatusOK, http.MethodGet, logsPath+"?user="+url.QueryEscape(markAddress), nil)
	export(t, c)
	nobody.Must(t, http.StatusOK, http.MethodPost, authPath+"logout", map[string]string{"refresh_token": second.Refresh})

	for status, request := range map[int][2]string{
		http.StatusForbidden:           {vaultPath + markPath, ""},
		http.StatusNotFound:            {"/api/v2/" + markPath, ""},
		http.StatusUnprocessableEntity: {logsPath + "?event_type=" + markQuery + "&limit=" + markQuery, ""},
	} {
		c.Must(t, status, http.MethodGet, request[0], nil)
	}
	c.Must(t, http.StatusForbidden, http.MethodGet, vaultPath+markPath+"/versions", nil)
	c.Must(t, http.StatusMethodNotAllowed, http.MethodPatch, keysPath+"?key="+markQuery, nil)
	for _, body := range []string{
		`{"` + markField + `":1}`, `{"name":"` + markField, `"` + markField + `"`, `{"name":"n","ttl_days":"` + markField + `","secret":"s"}`,
		`{"name":"n","credential_type":"` + markField + `","secret":"s"}`, `{"name":"n","secret":"s","metadata":"` + markField + `"}`,
	} {
		if a := (&vaulttest.Client{URL: v.URL, Key: c.Key}).Do(t, http.MethodPost, sealPath, body); a.Status != http.StatusBadRequest && a.Status != http.StatusUnprocessableEntity {
			t.Errorf("%s: got %d", body, a.Status)
		}
	}
	for _, header := range []http.Header{
		{"Authorization": {"Basic " + markHeader}},
		{"X-Api-Key": {markHeader}},
		{"Cookie": {"accessToken=a." + markHeader + ".b"}},
		{"X-Request-Id": {markHeader}},
		{"X-Api-Key": {"qs_live_" + markHeader}},
	} {
		(&vaulttest.Client{URL: v.URL, Header: header}).Must(t, http.StatusUnauthorized, http.MethodGet, vaultPath+"list", nil)
	}
	return secrets
}

// TestSecretsAreNowhere looks for every secret of a whole run, in every encoding,
// in whatever the server left on disk, while it runs and after it stopped, and in
// what it logged.
func TestSecretsAreNowhere(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		v := vaulttest.New(t)
		secrets := betray(t, v)
		s := newScanner(t, secrets)
		s.files(t, v.Data) // the write-ahead logs are there now
		v.Stop()
		s.files(t, v.Data)
		logged(t, s, v)
		public(t, v.Data)
	})
	t.Run("postgres", func(t *testing.T) {
		cluster := vaulttest.PostgresCluster(t)
		database, err := cluster.NewDatabase(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		v := vaulttest.Start(t, node.Config{DatabaseURL: database})
		s := newScanner(t, betray(t, v))
		v.Stop()
		if err := cluster.Stop(); err != nil { // with a checkpoint: all of it is in files
			t.Fatal(err)
		}
		where, err := url.Parse(database)
		if err != nil {
			t.Fatal(err)
		}
		dir := where.Query().Get("host")
		if _, err := os.Stat(filepath.Join(dir, "data", "pg_wal")); err != nil {
			t.Fatal(err)
		}
		s.files(t, v.Data)
		s.files(t, dir)
		logged(t, s, v)
		public(t, dir)
	})
}

// logged fails t for each secret in the vault's log, which must be there.
func logged(t *testing.T, s *scanner, v *vaulttest.Vault) {
	t.Helper()
	text := v.Logs.String()
	for _, name := range s.find([]byte(text)) {
		t.Errorf("%s is in the log", name)
	}
	if n := strings.Count(text, "msg=request"); n < 20 {
		t.Errorf("%d requests are in the log, want all of them", n)
	}
}

// public fails t unless a name that is kept in clear is found below dir: it shows
// that one looked in the right place.
func public(t *testing.T, dir string) {
	t.Helper()
	s, found := newScanner(t, map[string]string{"the name": markName}), false
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		found = found || len(s.find(data)) > 0
		return err
	})
	if err != nil || !found {
		t.Errorf("a name that lists show is not found: %v", err)
	}
}
