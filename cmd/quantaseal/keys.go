package main

import (
	"context"
	"log/slog"
)

type keysCommand struct {
	Passphrase keysPassphraseCommand `cmd:"" help:"Protect the local key file with another passphrase, or with none."`
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
