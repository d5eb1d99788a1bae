package node

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/blobs"
	"github.com/quantaseal/quantaseal/internal/keyring"
)

// checkBlobs says what is wrong with the setting of where blobs are kept.
func (c *Config) checkBlobs(wrong func(name, value, want string)) {
	kind, _, _ := strings.Cut(c.Blobs, ":")
	if _, _, err := blobs.ParsePlace(c.Blobs); kind != "local" && kind != "" && err != nil {
		shown := c.Blobs
		if strings.Contains(shown, "@") {
			shown = "…" // as a URL it may hold a password
		}
		wrong("QUANTASEAL_BLOBS", shown, "want local, local:DIR or s3://BUCKET/PREFIX")
	}
}

// openBlobs opens what the configuration names. Blobs of a directory are handed out
// by the HTTP server, those of a bucket by S3.
func (n *Node) openBlobs(ctx context.Context, now func() time.Time) (commands.Blobs, error) {
	if bucket, prefix, err := blobs.ParsePlace(n.config.Blobs); err == nil {
		s, err := (&blobs.S3{Bucket: bucket, Prefix: prefix, Endpoint: n.config.AWSEndpoint, Now: now}).Open(ctx)
		return bucketBlobs{s}, err
	}
	local, err := (&blobs.Local{Dir: n.config.blobsDir(), Path: "/api/v2/blobs/", Now: now, Sign: n.signBlob}).Open()
	if err != nil {
		return nil, err
	}
	n.closes = append(n.closes, local.Close)
	n.blobs = localBlobs{local}
	return localBlobs{local}, nil
}

// localBlobs implements commands.Blobs and the HTTP server's Blobs over a directory.
type localBlobs struct{ *blobs.Local }

// Get implements commands.Blobs.
func (b localBlobs) Get(ctx context.Context, key string) ([]byte, error) {
	return got(b.Local.Get(ctx, key))
}

// Read implements http.Blobs.
func (b localBlobs) Read(ctx context.Context, key, expires, signature string) ([]byte, string, error) {
	data, name, err := b.Local.Read(ctx, key, expires, signature)
	if errors.Is(err, blobs.ErrRefused) {
		err = domain.ErrDenied
	}
	return data, name, err
}

// bucketBlobs implements commands.Blobs over a bucket of S3.
type bucketBlobs struct{ *blobs.S3 }

// Get implements commands.Blobs.
func (b bucketBlobs) Get(ctx context.Context, key string) ([]byte, error) {
	return got(b.S3.Get(ctx, key))
}

// got returns what a store of blobs gave, in the words of commands.
func got(data []byte, err error) ([]byte, error) {
	if errors.Is(err, blobs.ErrNotFound) {
		err = fmt.Errorf("%w: %w", commands.ErrNoBlob, err)
	}
	return data, err
}

// signBlob signs for the tenant that the second name of a key is, under its blinding
// key: who takes its keys from the KMS takes its files too.
func (n *Node) signBlob(ctx context.Context, key string, parts ...[]byte) ([32]byte, error) {
	names := strings.Split(key, "/")
	if len(names) < 3 {
		return [32]byte{}, blobs.ErrRefused
	}
	id, err := domain.ParseID(names[1])
	if err != nil || id.IsZero() {
		return [32]byte{}, blobs.ErrRefused
	}
	mac, err := n.Ring.Blind(ctx, domain.TenantID{ID: id}, parts...)
	if errors.Is(err, keyring.ErrNoTenant) {
		err = blobs.ErrRefused
	}
	return mac, err
}

// blobsDir returns the directory of local blobs.
func (c *Config) blobsDir() string {
	if _, dir, given := strings.Cut(c.Blobs, ":"); given && dir != "" {
		return dir
	}
	return filepath.Join(c.Data, "blobs")
}
