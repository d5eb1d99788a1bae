package node

import (
	"bytes"
	"context"
	"crypto/fips140"
	"encoding/hex"
	"runtime/debug"
	"strings"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/keyring"
)

// attestKMS asks the key service for what it is trusted with: a key that it opens
// again for the same context and for no other.
func (n *Node) attestKMS(ctx context.Context) ([]domain.PlatformEvent, error) {
	a := domain.KMSAttested{KeyRef: n.kms.KeyRef()}
	a.Backend, a.Custody = n.config.keptBy(n.kms)
	id := n.Ring.LogID()
	named := func(purpose string) map[string]string {
		return map[string]string{"app": "quantaseal", "log_id": hex.EncodeToString(id[:]), "purpose": purpose}
	}
	key, blob, err := n.kms.GenerateDataKey(ctx, named("attestation"))
	if err != nil {
		return nil, err // not there is not wrong
	}
	defer clear(key)
	opened, err := n.kms.Decrypt(ctx, named("attestation"), blob)
	if err != nil {
		return nil, err
	}
	defer clear(opened)
	other, refused := n.kms.Decrypt(ctx, named("something else"), blob)
	clear(other)
	a.ProbeOK = bytes.Equal(key, opened) && refused != nil
	return []domain.PlatformEvent{a}, nil
}

// keptBy names who keeps the root key, and how.
func (c *Config) keptBy(kms keyring.KMS) (backend, custody string) {
	backend, _, _ = strings.Cut(c.KMS, ":")
	switch {
	case backend == "aws" && c.AWSEndpoint != "": // whatever answers there
		return backend, domain.CustodyExternal
	case backend == "aws":
		return backend, domain.CustodyCloudKMS
	case kms.Development():
		return backend, domain.CustodyDev
	}
	return backend, domain.CustodyFile
}

// outside are the algorithms in use that are not the toolchain's own.
var outside = []string{"Argon2id", "ML-DSA-65", "ML-KEM-768"}

// recordStart puts on the record what this server runs on, once.
func (n *Node) recordStart(ctx context.Context) error {
	n.starting.Lock()
	defer n.starting.Unlock()
	if n.started {
		return nil
	}
	e := domain.PlatformStarted{AlgsOutsideModule: outside, CryptoModule: "go standard library", FIPSMode: fips140.Enabled(), Version: n.version}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key == "GOFIPS140" && setting.Value != "off" {
				e.CryptoModule = "go cryptographic module " + setting.Value
			}
		}
	}
	if err := n.recordPlatform(ctx, e); err != nil {
		return err
	}
	n.started = true
	return nil
}
