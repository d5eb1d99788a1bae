package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
)

var errDiffers = errors.New("read models differ from what the log says")

type rebuildCommand struct {
	Check bool `help:"Fail if a read model was not what the log says."`
}

// Run folds every read model anew and says which were not what the log says.
func (r *rebuildCommand) Run(ctx context.Context, c *cli, logger *slog.Logger) (err error) {
	n, err := node.Open(ctx, c.Config, node.Options{Version: version, Logger: logger})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	differs, err := n.Rebuild(ctx)
	if err != nil {
		return err
	}
	for _, table := range differs {
		logger.WarnContext(ctx, "was not what the log says", "table", table)
	}
	logger.InfoContext(ctx, "read models are folded anew", "differed", len(differs))
	if r.Check && len(differs) > 0 {
		return errDiffers
	}
	return nil
}
