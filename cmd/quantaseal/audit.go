package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/domain"
)

type auditCommand struct {
	Export exportCommand `cmd:"" help:"Write a chain to a file: as a bundle that qsverify reads, or for other programs."`
}

type exportCommand struct {
	All    bool   `help:"Every chain and every anchor, as qsverify --all reads them."`
	Tenant string `help:"Whose chain; the system chain if empty."`
	Format string `enum:"bundle,csv,json,ndjson,ocsf" default:"bundle" help:"bundle, csv, json, ndjson or ocsf."`
	Output string `short:"o" default:"-" help:"File; - for standard output."`
	Quiet  bool   `short:"q" help:"Do not show how far it is."`

	CheckpointSize uint64 `name:"checkpoint-size" help:"Size of an earlier checkpoint: show that the log goes on from it."`
}

// Run writes the chain as it stands. The operator's export is no fact of the
// tenant's: it reads what the operator holds anyway.
func (e *exportCommand) Run(ctx context.Context, c *cli, logger *slog.Logger) (err error) {
	var tenant domain.TenantID
	if e.All && (e.Tenant != "" || e.Format != "bundle" || e.CheckpointSize > 0) {
		return fmt.Errorf("%w: --all goes with no tenant, format or checkpoint", node.ErrMisconfigured)
	}
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
	shown := &gauge{to: os.Stderr, now: time.Now, quiet: e.Quiet}
	if e.All {
		if err := n.Archive(ctx, out, shown.show); err != nil {
			return err
		}
		return errors.Join(out.Flush(), file.Close())
	}
	if err := n.Export(ctx, out, tenant, e.Format, e.CheckpointSize, shown.show); err != nil {
		return err
	}
	return errors.Join(out.Flush(), file.Close())
}

// gauge shows how far a long piece of work is, once a second.
type gauge struct {
	to    io.Writer
	now   func() time.Time
	quiet bool
	began time.Time
	last  time.Time
}

// show is told how much is done. What takes less than a second shows nothing.
func (g *gauge) show(done, all uint64) {
	now := g.now()
	if g.began.IsZero() {
		g.began, g.last = now, now
	}
	if g.quiet || now.Sub(g.last) < time.Second && (done < all || g.last.Equal(g.began)) || all == 0 {
		return
	}
	g.last = now
	_, _ = fmt.Fprintf(g.to, "%d of %d events (%d %%), %.0f/s\n", done, all, 100*done/all, float64(done)/now.Sub(g.began).Seconds())
}
