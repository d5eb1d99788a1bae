package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/verify"
)

// errFound is why a verification ends with 1.
var errFound = errors.New("what is stored is not what was signed")

type verifyCommand struct {
	Tenant string `help:"Only this tenant's chain and what is stored of it; every chain if empty."`
	Fast   bool   `help:"Leave out the signatures of events."`
	JSON   bool   `name:"json" help:"A line of JSON for each chain."`
}

// Run verifies every chain and what is stored beside it, and puts the results on the
// record.
func (v *verifyCommand) Run(ctx context.Context, c *cli, logger *slog.Logger) (err error) {
	var tenant domain.TenantID
	if v.Tenant != "" {
		if tenant.ID, err = domain.ParseID(v.Tenant); err != nil {
			return fmt.Errorf("%w: --tenant: %w", node.ErrMisconfigured, err)
		}
	}
	n, err := node.Open(ctx, c.Config, node.Options{Version: version, Logger: logger})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	sound := true
	var printed error
	err = n.VerifyAll(ctx, tenant, v.Fast, func(r verify.Report) {
		sound = sound && r.Sound()
		printed = errors.Join(printed, v.print(os.Stdout, &r))
	})
	if err = errors.Join(err, printed); err == nil && !sound {
		err = errFound
	}
	return err
}

// print writes what a report says: a line for each finding, and one that sums up.
func (v *verifyCommand) print(to io.Writer, r *verify.Report) error {
	if v.JSON {
		return json.NewEncoder(to).Encode(summaryOf(r))
	}
	for _, f := range r.Findings {
		if _, err := fmt.Fprintln(to, f.Error()); err != nil {
			return err
		}
	}
	for _, lost := range r.Lost {
		if _, err := fmt.Fprintf(to, "tenant %s LOST seq %d to %d\n", r.Tenant, lost.From, lost.To); err != nil {
			return err
		}
	}
	if r.Events == 0 {
		return nil
	}
	views := ""
	if r.Behind {
		views = ", read models are being folded anew and were not compared"
	}
	_, err := fmt.Fprintf(to, "tenant %s: %d events, %d of them anchored, %d rows compared, %d findings%s\n",
		r.Tenant, r.Events, r.Anchored, r.Rows, r.Chain+r.State, views)
	return err
}

// summary is a report as a line of JSON.
type summary struct {
	Tenant   domain.TenantID `json:"tenant_id"`
	Valid    bool            `json:"valid"`
	Events   uint64          `json:"events"`
	ToSeq    uint64          `json:"to_seq"`
	HeadHash domain.Digest   `json:"head_hash"`
	Anchored uint64          `json:"anchored_events"`
	Rows     uint64          `json:"rows_compared"`
	Behind   bool            `json:"read_models_rebuilding"`
	Lost     [][2]uint64     `json:"lost"`
	Total    int             `json:"findings_total"`
	Findings []finding       `json:"findings"`
}

type finding struct {
	Tenant domain.TenantID `json:"tenant_id"`
	Seq    uint64          `json:"seq"`
	Check  string          `json:"check"`
	Detail string          `json:"detail"`
}

func summaryOf(r *verify.Report) summary {
	s := summary{
		Tenant: r.Tenant, Valid: r.Sound(), Events: r.Events, ToSeq: r.To, HeadHash: domain.Digest(r.Head), Anchored: r.Anchored,
		Rows: r.Rows, Behind: r.Behind, Lost: [][2]uint64{}, Total: r.Chain + r.State, Findings: []finding{},
	}
	for _, lost := range r.Lost {
		s.Lost = append(s.Lost, [2]uint64{lost.From, lost.To})
	}
	for _, f := range r.Findings {
		s.Findings = append(s.Findings, finding{domain.TenantID{ID: f.Tenant}, f.Seq, f.Check, f.Detail})
	}
	return s
}
