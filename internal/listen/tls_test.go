package listen_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/internal/listen"
)

// files writes a new certificate with a serial number, and returns where.
func files(t *testing.T, dir string, serial int64) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{{127, 0, 0, 1}}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		stamp := time.Unix(serial, 0) // files change within the resolution of a clock
		if err := os.Chtimes(name, stamp, stamp); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// shake lets a client and a server agree, or not.
func shake(t *testing.T, server, client *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	here, there := net.Pipe()
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = tls.Server(there, server).HandshakeContext(t.Context())
		_ = there.Close()
	}()
	client.InsecureSkipVerify = true
	c := tls.Client(here, client)
	err := c.HandshakeContext(t.Context())
	if err == nil && c.ConnectionState().Version == tls.VersionTLS13 {
		_, err = c.Read(make([]byte, 1)) // in TLS 1.3 the server's refusal comes later
		if strings.Contains(err.Error(), "EOF") || strings.Contains(err.Error(), "closed") {
			err = nil
		}
	}
	state := c.ConnectionState()
	_ = here.Close()
	<-served
	return state, err
}

func TestOnlyHybridKeyAgreement(t *testing.T) {
	cert, key := files(t, t.TempDir(), 1)
	c, err := listen.OpenCertificate(cert, key, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		classic bool
		client  *tls.Config
		want    tls.CurveID // 0 = refused
	}{
		"a current client":                {false, &tls.Config{}, tls.X25519MLKEM768},
		"hybrid only":                     {false, &tls.Config{CurvePreferences: []tls.CurveID{tls.X25519MLKEM768}}, tls.X25519MLKEM768},
		"classic":                         {false, &tls.Config{CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256}}, 0},
		"classic, allowed":                {true, &tls.Config{CurvePreferences: []tls.CurveID{tls.X25519}}, tls.X25519},
		"hybrid where both may":           {true, &tls.Config{}, tls.X25519MLKEM768},
		"TLS 1.2":                         {false, &tls.Config{MaxVersion: tls.VersionTLS12}, 0},
		"TLS 1.2 where both may":          {true, &tls.Config{MaxVersion: tls.VersionTLS12}, 0},
		"a curve that is allowed nowhere": {true, &tls.Config{CurvePreferences: []tls.CurveID{tls.CurveP384}}, 0},
	} {
		state, err := shake(t, c.Config(tt.classic), tt.client)
		if refused := err != nil; refused != (tt.want == 0) || !refused && (state.CurveID != tt.want || state.Version != tls.VersionTLS13) {
			t.Errorf("%s: got %v over %x, %v; want %v", name, state.CurveID, state.Version, err, tt.want)
		}
	}
}

func TestCertificateIsReadAgainWhenItChanges(t *testing.T) {
	var log bytes.Buffer
	dir, now := t.TempDir(), time.Unix(1000, 0)
	cert, key := files(t, dir, 1)
	c, err := listen.OpenCertificate(cert, key, func() time.Time { return now }, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	serves := func(want int64) {
		t.Helper()
		state, err := shake(t, c.Config(false), &tls.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if got := state.PeerCertificates[0].SerialNumber.Int64(); got != want {
			t.Errorf("serves certificate %d, want %d", got, want)
		}
	}
	serves(1)
	files(t, dir, 2)
	serves(1) // nobody looks twice a second
	now = now.Add(time.Second)
	serves(2)
	for range 2 { // nonsense is complained of once, and not used
		if err := os.WriteFile(key, []byte("no key"), 0o600); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Second)
		serves(2)
	}
	if n := strings.Count(log.String(), "not used"); n != 1 {
		t.Errorf("complained %d times:\n%s", n, &log)
	}
	files(t, dir, 3)
	now = now.Add(time.Second)
	serves(3)
	if err := os.Remove(cert); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second)
	serves(3)
	if _, err := listen.OpenCertificate(cert, key, time.Now, nil); err == nil {
		t.Error("opened a certificate that is not there")
	}
}
