package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"text/tabwriter"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/eventstore/anchors"
)

var errNotAccepted = errors.New("nothing was changed: --accept-loss gives up what is listed, for ever")

type recoverCommand struct {
	AcceptLoss bool `name:"accept-loss" help:"Give up what is listed, and go on."`
}

// Run lists what the database has lost of what was anchored and, if that is accepted,
// goes on without it, on the record.
func (r *recoverCommand) Run(ctx context.Context, c *cli, logger *slog.Logger) (err error) {
	n, err := node.Open(ctx, c.Config, node.Options{Version: version, Logger: logger, Recovering: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	work := n.Losses
	if r.AcceptLoss {
		work = n.Recover
	}
	losses, err := work(ctx)
	if err != nil {
		return err
	}
	if err := printLosses(os.Stdout, losses); err != nil {
		return err
	}
	if !r.AcceptLoss && len(losses) > 0 {
		return errNotAccepted
	}
	if r.AcceptLoss {
		logger.InfoContext(ctx, "the log goes on from what it holds", "chains_with_losses", len(losses))
	} else {
		logger.InfoContext(ctx, "nothing is lost that was not given up before")
	}
	return nil
}

// printLosses writes a line for each chain that has lost something.
func printLosses(to io.Writer, losses []anchors.Loss) error {
	if len(losses) == 0 {
		return nil
	}
	out := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	if _, err := fmt.Fprintln(out, "INDEX\tTENANT\tLOST"); err != nil {
		return err
	}
	for _, l := range losses {
		what := fmt.Sprintf("seq %d to %d", l.From, l.Next-1)
		if l.Whole {
			what = "everything"
		}
		if _, err := fmt.Fprintf(out, "%d\t%s\t%s\n", l.Index, l.Tenant, what); err != nil {
			return err
		}
	}
	return out.Flush()
}
