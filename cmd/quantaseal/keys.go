package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
)

type keysCommand struct {
	Passphrase keysPassphraseCommand `cmd:"" help:"Protect the local key file with another passphrase, or with none."`
	Rewrap     keysRewrapCommand     `cmd:"" help:"Have QUANTASEAL_KMS wrap what QUANTASEAL_FORMER_KMS does."`
}

type keysRewrapCommand struct{}

// Run moves what the former KMS wraps, on the record.
func (keysRewrapCommand) Run(ctx context.Context, c *cli, logger *slog.Logger) (err error) {
	if c.FormerKMS == "" {
		return fmt.Errorf("%w: QUANTASEAL_FORMER_KMS: want the KMS that the keys are to leave", node.ErrMisconfigured)
	}
	n, err := node.Open(ctx, c.Config, node.Options{Version: version, Logger: logger})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	moved, receipt, err := n.Rewrap(ctx)
	if err != nil {
		return fmt.Errorf("moving keys, of which %d are moved: %w", moved, err)
	}
	if receipt.Position == 0 {
		logger.InfoContext(ctx, "every key is wrapped by QUANTASEAL_KMS; no server needs QUANTASEAL_FORMER_KMS any more")
		return nil
	}
	logger.InfoContext(ctx, "keys are moved; once no server wraps with the former KMS, ask again, until nothing is left",
		"moved", moved, "receipt", fmt.Sprintf("%d:%s", receipt.Seq, receipt.EventHash))
	return nil
}

type keysPassphraseCommand struct {
	NewFile string `name:"new-file" xor:"next" required:"" help:"File with the passphrase from now on."`
	None    bool   `xor:"next" required:"" help:"Leave the key file unprotected."`
}

// Run changes the passphrase of the local key file. Servers that run notice
// nothing; the next start needs the new one.
func (k *keysPassphraseCommand) Run(ctx context.Context, c *cli, logger *slog.Logger) error {
	dir, err := c.ChangePassphrase(ctx, k.NewFile)
	if err != nil {
		return err
	}
	if k.None {
		logger.WarnContext(ctx, "the key file has no passphrase any more; unset QUANTASEAL_KMS_PASSPHRASE_FILE", "directory", dir)
		return nil
	}
	logger.InfoContext(ctx, "the key file has another passphrase; set QUANTASEAL_KMS_PASSPHRASE_FILE", "directory", dir, "file", k.NewFile)
	return nil
}
