package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/domain"
)

type auditCommand struct {
	Export exportCommand `cmd:"" help:"Write a chain as a bundle that qsverify reads."`
}

type exportCommand struct {
	Tenant string `help:"Whose chain; the system chain if empty."`
	Output string `short:"o" default:"-" help:"File; - for standard output."`

	CheckpointSize uint64 `name:"checkpoint-size" help:"Size of an earlier checkpoint: show that the log goes on from it."`
}

// Run writes the chain as it stands. The operator's export is no fact of the
// tenant's: it reads what the operator holds anyway.
func (e *exportCommand) Run(ctx context.Context, c *cli, logger *slog.Logger) (err error) {
	var tenant domain.TenantID
	if e.Tenant != "" {
		if tenant.ID, err = domain.ParseID(e.Tenant); err != nil {
			return fmt.Errorf("%w: --tenant: %w", node.ErrMisconfigured, err)
		}
	}
	n, err := node.Open(ctx, c.Config, node.Options{Version: version, Logger: logger})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	var file io.WriteCloser = os.Stdout
	if e.Output != "-" {
		if file, err = os.OpenFile(e.Output, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600); err != nil {
			return err
		}
	}
	out := bufio.NewWriterSize(file, 1<<16)
	if err := n.Export(ctx, out, tenant, e.CheckpointSize); err != nil {
		return err
	}
	return errors.Join(out.Flush(), file.Close())
}
