package listen

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// recheck is how often at most a handshake looks at the files of a certificate.
const recheck = time.Second

// Certificate is a certificate with its key, in two PEM files that may be
// replaced while it is in use. Make one with OpenCertificate.
type Certificate struct {
	certFile, keyFile string
	now               func() time.Time
	logger            *slog.Logger

	mu      sync.Mutex
	loaded  *tls.Certificate
	stamps  stamps // of what is loaded
	problem string // with what is there now, if it is not loaded
	checked time.Time
}

// stamps tell whether two files are still what they were.
type stamps [2]struct {
	changed time.Time
	size    int64
}

// OpenCertificate loads a certificate chain and its private key. It returns an
// error if they cannot be read or do not belong together.
func OpenCertificate(certFile, keyFile string, now func() time.Time, logger *slog.Logger) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, now: now, logger: logger}
	seen, err := c.look()
	if err != nil {
		return nil, err
	}
	if err := c.load(seen); err != nil {
		return nil, err
	}
	return c, nil
}

// Config returns how a server with this certificate encrypts: TLS 1.3, with keys
// agreed on by X25519MLKEM768, so that who records the traffic cannot read it
// with a quantum computer later. If classic, a client that cannot do that may
// agree by X25519 alone.
func (c *Certificate) Config(classic bool) *tls.Config {
	config := &tls.Config{
		MinVersion:       tls.VersionTLS13,
		CurvePreferences: []tls.CurveID{tls.X25519MLKEM768},
		GetCertificate:   c.current,
		NextProtos:       []string{"h2", "http/1.1"},
	}
	if classic {
		config.CurvePreferences = append(config.CurvePreferences, tls.X25519)
	}
	return config
}

// current returns the certificate for a handshake. Files that changed are loaded
// first; if they do not do, what was loaded before stays in use.
func (c *Certificate) current(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if since := now.Sub(c.checked); since >= 0 && since < recheck {
		return c.loaded, nil
	}
	c.checked = now
	if err := c.refresh(hello.Context()); err == nil {
		c.problem = ""
	} else if text := err.Error(); text != c.problem { // once for each thing that is wrong
		c.problem = text
		c.logger.ErrorContext(hello.Context(), "the new certificate is not used", "err", err)
	}
	return c.loaded, nil
}

// refresh loads the files if they changed.
func (c *Certificate) refresh(ctx context.Context) error {
	seen, err := c.look()
	if err != nil || seen == c.stamps {
		return err
	}
	if err := c.load(seen); err != nil {
		return err
	}
	c.logger.InfoContext(ctx, "the certificate was replaced", "valid_until", c.loaded.Leaf.NotAfter)
	return nil
}

func (c *Certificate) look() (stamps, error) {
	var seen stamps
	for i, name := range [2]string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return stamps{}, fmt.Errorf("looking for a certificate: %w", err)
		}
		seen[i].changed, seen[i].size = info.ModTime(), info.Size()
	}
	return seen, nil
}

func (c *Certificate) load(seen stamps) error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("loading a certificate: %w", err)
	}
	c.loaded, c.stamps = &pair, seen
	return nil
}
