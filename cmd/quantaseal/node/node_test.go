package node_test

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/auth"
)

func open(t *testing.T, data string) *node.Node {
	t.Helper()
	n, err := node.Open(t.Context(), node.Config{Addr: "127.0.0.1:0", Data: data, KMS: "local"}, node.Options{
		Version: "test", Logger: slog.New(slog.DiscardHandler), Argon: auth.Argon{MemoryKiB: 64, Passes: 1, Lanes: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// Whatever the operator's umask is and wherever the data lies: it is nobody
// else's to read, and it lies there.
func TestDataIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "50%41 of?it#all &co")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
	files := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		files[d.Name()] = true
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"events.db", "records.db", "keys.db", "keys.db-wal", "views.db", "kms.qsk", "lock"} {
		if !files[name] {
			t.Errorf("there is no %s in the data directory", name)
		}
	}
}

// One process owns the data, and what another one is told is what to change.
func TestDataHasOneOwner(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	_, err := node.Open(t.Context(), node.Config{Addr: "127.0.0.1:0", Data: dir, KMS: "local"}, node.Options{Logger: slog.New(slog.DiscardHandler)})
	if !errors.Is(err, node.ErrMisconfigured) {
		t.Errorf("got %v, want %v", err, node.ErrMisconfigured)
	}
}

// A chain that there is not cannot be exported.
func TestExportOfNothing(t *testing.T) {
	n := open(t, t.TempDir())
	var bundle bytes.Buffer
	if err := n.Export(t.Context(), &bundle, domain.TenantID{ID: domain.ID{1}}, "bundle", 0, nil); err == nil || bundle.Len() > 0 {
		t.Errorf("got %q, %v", bundle.String(), err)
	}
	if err := n.Export(t.Context(), &bundle, domain.TenantID{}, "bundle", 0, nil); err != nil || bytes.Count(bundle.Bytes(), []byte("\n")) != 3 {
		t.Errorf("got %q, %v, want a header and the genesis", bundle.String(), err)
	}
}

// All that is wrong is said at once, without what a URL may hold.
func TestWrongConfigurationIsNamed(t *testing.T) {
	const secret = "marker"
	c := node.Config{
		Addr: "x", KMS: "aws", DatabaseURL: "mysql://u:" + secret + "@h/db", TrialDays: -1,
		Blobs: "s3://u:" + secret + "@bucket", RateLimit: -1, AuthRateLimit: 1 << 30, TrustedProxies: []string{"10.0.0.0/8", "10.0.0.1/8"}, PublicURL: "https://u:" + secret + "@h",
	}
	for _, url := range []string{c.PublicURL, "https://u:" + secret + "@%zz"} {
		c.PublicURL = url
		err := c.Validate()
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Fatalf("got %v", err)
		}
		for _, name := range []string{"ADDR", "DATA", "KMS", "DATABASE_URL", "BLOBS", "TRIAL_DAYS", "PUBLIC_URL", "RATE_LIMIT", "AUTH_RATE_LIMIT", "TRUSTED_PROXIES"} {
			if !strings.Contains(err.Error(), "QUANTASEAL_"+name) {
				t.Errorf("%s is not named by %v", name, err)
			}
		}
	}
}

// Where blobs are kept is a directory or a bucket, and nothing that only looks like it.
func TestPlacesOfBlobs(t *testing.T) {
	for place, good := range map[string]bool{
		"": true, "local": true, "local:/srv/blobs": true, "s3://bucket": true, "s3://bucket/quantaseal": true,
		"s3": false, "s3:bucket": false, "s3://": false, "s3://Bucket": false, "s3://bucket/": false, "s3://bucket/../other": false, "gs://bucket": false,
	} {
		c := node.Config{Addr: "127.0.0.1:0", Data: "data", KMS: "local", Blobs: place}
		if err := c.Validate(); (err == nil) != good {
			t.Errorf("%q: got %v", place, err)
		}
	}
}

// A network is written in one way, and nobody trusts everybody.
func TestTrustedProxies(t *testing.T) {
	for network, good := range map[string]bool{
		"10.0.0.0/24": true, "192.0.2.7/32": true, "2001:db8::/64": true, "fd00::1/128": true,
		"10.0.0.1": false, "10.0.0.1/24": false, "0.0.0.0/0": false, "::/0": false, "proxy.internal": false, "": false,
		"10.0.0.0/33": false, "::ffff:10.0.0.0/120": false, " 10.0.0.0/24": false,
	} {
		c := node.Config{Addr: "127.0.0.1:0", Data: "data", KMS: "local", TrustedProxies: []string{"192.0.2.0/24", network}}
		if err := c.Validate(); (err == nil) != good {
			t.Errorf("%q: got %v", network, err)
		}
	}
}
