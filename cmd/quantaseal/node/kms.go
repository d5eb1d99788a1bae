package node

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/quantaseal/quantaseal/internal/awskms"
	"github.com/quantaseal/quantaseal/internal/keyring"
	"github.com/quantaseal/quantaseal/internal/localkms"
)

// custody is who keeps the keys of the deployment.
type custody struct {
	kms    keyring.KMS
	former keyring.KMS       // nil = the deployment does not move
	roots  []keyring.RootKey // who may have the root key
}

// checkKMS says what is wrong with the settings of key management.
func (c *Config) checkKMS(wrong func(name, value, want string)) {
	where := func(name, value string) {
		kind, rest, _ := strings.Cut(value, ":")
		if kind != "local" && (kind != "aws" || awskms.CheckARN(rest) != nil) {
			wrong(name, value, "want local, local:DIR or aws:arn:…:kms:REGION:ACCOUNT:key/ID")
		}
	}
	where("QUANTASEAL_KMS", c.KMS)
	if c.FormerKMS != "" {
		where("QUANTASEAL_FORMER_KMS", c.FormerKMS)
		if c.FormerKMS == c.KMS || isLocal(c.FormerKMS) && isLocal(c.KMS) {
			wrong("QUANTASEAL_FORMER_KMS", c.FormerKMS, "want another kind of KMS or key than QUANTASEAL_KMS")
		}
	}
	if arn, isAWS := strings.CutPrefix(c.RootKey, "aws:"); c.RootKey != "" && (!isAWS || awskms.CheckARN(arn) != nil) {
		wrong("QUANTASEAL_ROOT_KEY", c.RootKey, "want aws:arn:…:kms:REGION:ACCOUNT:key/ID or nothing")
	}
	if err := awskms.CheckEndpoint(c.AWSEndpoint); err != nil {
		wrong("QUANTASEAL_AWS_ENDPOINT", "…", "want https://host, or http:// on a loopback address")
	}
}

func isLocal(kms string) bool { return kms == "local" || strings.HasPrefix(kms, "local:") }

// openCustody opens what the configuration names.
func (n *Node) openCustody(ctx context.Context) (custody, error) {
	var c custody
	if arn, given := strings.CutPrefix(n.config.RootKey, "aws:"); given {
		root, err := awskms.OpenRoot(ctx, arn, n.config.AWSEndpoint)
		if err != nil {
			return c, fmt.Errorf("%w: QUANTASEAL_ROOT_KEY: %w", ErrMisconfigured, err)
		}
		c.roots = append(c.roots, root)
	}
	open := func(setting, where string) (keyring.KMS, error) {
		if arn, isAWS := strings.CutPrefix(where, "aws:"); isAWS {
			k, err := awskms.Open(ctx, arn, n.config.AWSEndpoint)
			if err != nil {
				return nil, fmt.Errorf("%w: %s: %w", ErrMisconfigured, setting, err)
			}
			return k, nil
		}
		k, err := n.openKeyFile(ctx, n.config.keyDir(where))
		if err != nil {
			return nil, err
		}
		c.roots, n.keyFile = append(c.roots, k), k
		return k, nil
	}
	var err error
	if c.kms, err = open("QUANTASEAL_KMS", n.config.KMS); err == nil && n.config.FormerKMS != "" {
		c.former, err = open("QUANTASEAL_FORMER_KMS", n.config.FormerKMS)
	}
	if err != nil || n.meter == nil {
		return c, err
	}
	c.kms = meteredKMS{c.kms, n.meter}
	if c.former != nil {
		c.former = meteredKMS{c.former, n.meter}
	}
	for i, root := range c.roots {
		c.roots[i] = meteredRoot{root, n.meter}
	}
	return c, nil
}

// keyDir returns the directory of a local key file.
func (c *Config) keyDir(kms string) string {
	if _, dir, _ := strings.Cut(kms, ":"); dir != "" {
		return dir
	}
	return filepath.Join(c.Data, "kms")
}

// kmsDir returns the directory of the local key file, or an error if there is none.
func (c *Config) kmsDir() (string, error) {
	for _, kms := range []string{c.KMS, c.FormerKMS} {
		if isLocal(kms) {
			return c.keyDir(kms), nil
		}
	}
	return "", fmt.Errorf("%w: QUANTASEAL_KMS: %w", ErrMisconfigured, errors.New("there is no local key file"))
}

func (n *Node) openKeyFile(ctx context.Context, dir string) (*localkms.KMS, error) {
	passphrase, err := n.config.passphrase()
	if err != nil {
		return nil, err
	}
	defer clear(passphrase)
	kms, created, err := localkms.Open(ctx, dir, localkms.Options{Passphrase: passphrase})
	if err != nil {
		return nil, fmt.Errorf("opening the key file in %s: %w", dir, err)
	}
	n.closes = append(n.closes, func() error { kms.Close(); return nil })
	if created {
		n.logger.InfoContext(ctx, "created a key file: without it nothing that is sealed can ever be opened, so back it up", "directory", dir)
	}
	if kms.Development() {
		n.logger.WarnContext(ctx, "DEVELOPMENT: the root key lies unprotected on this disk; set QUANTASEAL_KMS_PASSPHRASE_FILE to protect it", "directory", dir)
	}
	return kms, nil
}
