package vaulttest_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// certificate writes a certificate for 127.0.0.1 and returns its files and who trusts it.
func certificate(t *testing.T) (cert, key string, trust *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{{127, 0, 0, 1}}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, text := range map[string][]byte{cert: certPEM, key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	trust = x509.NewCertPool()
	trust.AppendCertsFromPEM(certPEM)
	return cert, key, trust
}

// TestTLS serves with a certificate: TLS 1.3 with a hybrid key agreement, HTTP/2,
// and HSTS on every answer; nothing older, and nothing in the clear.
func TestTLS(t *testing.T) {
	cert, key, trust := certificate(t)
	v := vaulttest.Start(t, node.Config{TLSCert: cert, TLSKey: key})
	url := "https://" + strings.TrimPrefix(v.URL, "http://")
	type seen struct {
		status, major int
		hsts          string
		tls           *tls.ConnectionState
	}
	get := func(c *http.Client) (seen, error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/health", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := c.Do(r)
		if err != nil {
			return seen{}, err
		}
		return seen{answer.StatusCode, answer.ProtoMajor, answer.Header.Get("Strict-Transport-Security"), answer.TLS}, answer.Body.Close()
	}
	current := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trust}, ForceAttemptHTTP2: true}}
	answer, err := get(current)
	if err != nil {
		t.Fatal(err)
	}
	if s := answer.tls; answer.status != http.StatusOK || answer.major != 2 || s.Version != tls.VersionTLS13 || s.CurveID != tls.X25519MLKEM768 {
		t.Errorf("got %d over HTTP/%d, TLS %x, %v", answer.status, answer.major, s.Version, s.CurveID)
	}
	if !strings.HasPrefix(answer.hsts, "max-age=31536000") {
		t.Errorf("Strict-Transport-Security is %q", answer.hsts)
	}
	for name, config := range map[string]*tls.Config{
		"TLS 1.2": {RootCAs: trust, MaxVersion: tls.VersionTLS12},
		"X25519":  {RootCAs: trust, CurvePreferences: []tls.CurveID{tls.X25519}},
	} {
		if answer, err := get(&http.Client{Transport: &http.Transport{TLSClientConfig: config}}); err == nil {
			t.Errorf("%s: got %d", name, answer.status)
		}
	}
	plain, err := v.As("").Try(t.Context(), http.MethodGet, "/health", nil)
	if err == nil && plain.Status != http.StatusBadRequest {
		t.Errorf("without TLS: got %d %s", plain.Status, plain.Body)
	}
	if strings.Contains(v.Logs.String(), "handshake error") {
		t.Errorf("strangers write into the log:\n%s", v.Logs)
	}
}
