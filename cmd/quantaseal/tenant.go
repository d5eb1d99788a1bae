package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"text/tabwriter"
	"time"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/domain"
)

type tenantCommand struct {
	List     tenantListCommand     `cmd:"" help:"List the tenants, with the end of their trials."`
	Activate tenantActivateCommand `cmd:"" help:"End a tenant's trial: no clock runs for it any more."`
}

type tenantListCommand struct{}

// Run prints a line for each tenant.
func (tenantListCommand) Run(ctx context.Context, c *cli, logger *slog.Logger) (err error) {
	n, err := node.Open(ctx, c.Config, node.Options{Version: version, Logger: logger})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	tenants, err := n.Identity.Tenants(ctx)
	if err != nil {
		return err
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	if _, err := fmt.Fprintln(out, "INDEX\tTENANT\tNAME\tTRIAL ENDS"); err != nil {
		return err
	}
	for _, t := range tenants {
		ends := "-"
		if t.Tenant.Trial() {
			ends = time.UnixMicro(t.Tenant.TrialEndsAt).UTC().Format(time.RFC3339)
		}
		if _, err := fmt.Fprintf(out, "%d\t%s\t%q\t%s\n", t.Index, t.ID, t.Tenant.Name, ends); err != nil {
			return err
		}
	}
	return out.Flush()
}

type tenantActivateCommand struct {
	Tenant string `arg:"" help:"The tenant's id."`
}

// Run ends a tenant's trial, on the record.
func (a *tenantActivateCommand) Run(ctx context.Context, c *cli, logger *slog.Logger) (err error) {
	id, err := domain.ParseID(a.Tenant)
	if err != nil {
		return fmt.Errorf("%w: the tenant's id: %w", node.ErrMisconfigured, err)
	}
	n, err := node.Open(ctx, c.Config, node.Options{Version: version, Logger: logger})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	receipt, err := n.Activate(ctx, domain.TenantID{ID: id})
	if err != nil {
		return err
	}
	if receipt.Position == 0 {
		logger.InfoContext(ctx, "no trial clock runs for this tenant", "tenant", id.String())
		return nil
	}
	logger.InfoContext(ctx, "the trial is over", "tenant", id.String(), "receipt", fmt.Sprintf("%d:%s", receipt.Seq, receipt.EventHash))
	return nil
}
